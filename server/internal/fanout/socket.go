package fanout

import (
	"sync"
	"syscall"

	"scalable-chat/server/internal/rawconn"
)

// errWouldBlock means that the socket's send buffer is full.
var errWouldBlock = rawconn.ErrWouldBlock

// sink takes bytes, maybe not all of them, without blocking.
type sink interface {
	write(p []byte) (int, error)
}

// socketWriter makes one non-blocking write(2) on a socket. The callback for RawConn.Write is made once, so that a write
// allocates nothing. It is used by one goroutine at a time.
type socketWriter struct {
	raw  syscall.RawConn
	buf  []byte
	n    int
	err  error
	once func(fd uintptr) bool
}

func newSocketWriter() *socketWriter {
	w := &socketWriter{}
	w.once = func(fd uintptr) bool {
		w.n, w.err = fdSink(fd).write(w.buf)
		return true // even if the socket is full: the sweep never blocks
	}
	return w
}

// on makes the writer write to another socket.
func (w *socketWriter) on(raw syscall.RawConn) sink {
	w.raw = raw
	return w
}

func (w *socketWriter) write(p []byte) (int, error) {
	w.buf, w.n, w.err = p, 0, nil
	err := w.raw.Write(w.once)
	w.buf = nil
	if err != nil {
		return 0, err
	}
	return w.n, w.err
}

// writers are for goroutines other than the sweepers.
var writers = sync.Pool{New: func() any { return newSocketWriter() }}

// fdSink writes to a descriptor that the caller keeps open.
type fdSink uintptr

func (fd fdSink) write(p []byte) (int, error) { return rawconn.Write(uintptr(fd), p) }
