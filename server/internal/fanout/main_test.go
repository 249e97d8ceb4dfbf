package fanout

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Kinds of frames in the tests. Each frame carries its kind, a number and a filling that depends on the number, so that
// a reader of the stream knows what must come next.
const (
	kindLog     = 'L' // frame n of the log
	kindPrivate = 'P' // private frame n of this connection
	kindJoin    = 'J' // the log follows from n+1 on
	kindLeft    = 'X' // the connection no longer follows the log
)

// frame is a whole WebSocket frame of the server with the given payload size.
func frame(kind byte, n uint64, size int) []byte {
	size = max(size, 9)
	f := []byte{0x82}
	switch {
	case size < 126:
		f = append(f, byte(size))
	case size < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, 126), uint16(size))
	default:
		f = binary.BigEndian.AppendUint64(append(f, 127), uint64(size))
	}
	f = binary.BigEndian.AppendUint64(append(f, kind), n)
	for i := range size - 9 {
		f = append(f, byte(n)+byte(i))
	}
	return f
}

func offset(n uint64) stream.Offset { return stream.Offset{Ms: 1, Seq: n} }

// logFrames are the frames from first to last, sized by size.
func logFrames(first, last uint64, size func(n uint64) int) []Frame {
	var fs []Frame
	for n := first; n <= last; n++ {
		fs = append(fs, Frame{offset(n), frame(kindLog, n, size(n))})
	}
	return fs
}

func sized(n int) func(uint64) int { return func(uint64) int { return n } }

// checker reads the stream of one connection and checks its promises.
type checker struct {
	buf     []byte
	logs    [testLogs]followed
	private atomic.Uint64 // the last private frame
}

// followed is what a checker knows about one log.
type followed struct {
	now  bool
	seen atomic.Uint64 // the last frame, or the place of joining
}

// testLogs is how many logs a connection of the tests follows at most. The high half of a frame's number names the log;
// most tests have one log, whose frames count from zero.
const testLogs = 5

// feed takes the next bytes. It returns an error at the first frame that is torn, missing, doubled or out of place.
func (c *checker) feed(p []byte) error {
	c.buf = append(c.buf, p...)
	for len(c.buf) >= 11 || len(c.buf) > 0 && c.buf[0] != 0x82 {
		if c.buf[0] != 0x82 {
			return fmt.Errorf("torn: a frame begins with %x", c.buf[0])
		}
		n := wire.FrameLen(c.buf)
		if n > len(c.buf) {
			return nil
		}
		if err := c.frame(c.buf[:n]); err != nil {
			return err
		}
		c.buf = c.buf[n:]
	}
	return nil
}

func (c *checker) frame(f []byte) error {
	size, head := len(f)-2, 2
	if f[1] == 126 {
		size, head = len(f)-4, 4
	} else if f[1] == 127 {
		size, head = len(f)-10, 10
	}
	kind, n := f[head], binary.BigEndian.Uint64(f[head+1:])
	if !bytes.Equal(f, frame(kind, n, size)) {
		return fmt.Errorf("torn: %c %d of %d bytes is not as it was sent", kind, n, size)
	}
	log := &c.logs[n>>32]
	switch kind {
	case kindLog:
		if seen := log.seen.Load(); !log.now || n != seen+1 {
			return fmt.Errorf("log frame %x after %x (follows: %v)", n, seen, log.now)
		}
		log.seen.Store(n)
	case kindPrivate:
		if last := c.private.Load(); n != last+1 {
			return fmt.Errorf("private frame %d after %d", n, last)
		}
		c.private.Store(n)
	case kindJoin:
		log.now = true
		log.seen.Store(n)
	case kindLeft:
		log.now = false
	}
	return nil
}

// read feeds from r until it ends; chunk bounds one read.
func (c *checker) read(r io.Reader, chunk int) error {
	buf := make([]byte, chunk)
	for {
		n, err := r.Read(buf)
		if ferr := c.feed(buf[:n]); ferr != nil {
			return ferr
		}
		if err != nil {
			return nil
		}
	}
}

// owner records its calls.
type owner struct {
	lost    chan Lost
	pending chan struct{}
	onLost  func()
}

func newOwner() *owner { return &owner{lost: make(chan Lost, 100), pending: make(chan struct{}, 1)} }

func (o *owner) Lost(l Lost) {
	if o.onLost != nil {
		o.onLost()
	}
	select {
	case o.lost <- l:
	default:
	}
}

func (o *owner) Pending() {
	select {
	case o.pending <- struct{}{}:
	default:
	}
}

// settings are for a log and for sweepers that serve it alone.
type settings struct{ MaxCount, MaxBytes, Shards, MaxPrivate int }

func makeLog(o settings) *Log {
	sweepers := New(Options{Shards: o.Shards, MaxPrivate: o.MaxPrivate})
	return sweepers.NewLog(offset(0), Window{MaxCount: o.MaxCount, MaxBytes: o.MaxBytes})
}

func newTestLog(t testing.TB, o settings) *Log {
	l := makeLog(o)
	t.Cleanup(l.sweepers.Close)
	return l
}

// smallBuffer is how much the kernel holds for one direction of a socket in most tests, so that readers soon block writers.
const smallBuffer = 16 << 10

// tcpPair is a connection over loopback: the server's end and the client's.
func tcpPair(t testing.TB, buffer int) (server, client *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer ln.Close()
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { setReadBuffer(fd, buffer) })
	}}
	c, err := dialer.DialContext(context.Background(), "tcp", ln.Addr().String())
	assert.NoError(t, err)
	s, err := ln.Accept()
	assert.NoError(t, err)
	server, client = s.(*net.TCPConn), c.(*net.TCPConn)
	assert.NoError(t, server.SetWriteBuffer(buffer))
	t.Cleanup(func() { server.Close(); client.Close() })
	return server, client
}

// opaque hides the raw socket, as TLS does.
type opaque struct{ net.Conn }

// attached is a connection over loopback; nobody reads the client's end yet.
func attached(t testing.TB, l *Log, o Owner) (*Conn, *net.TCPConn) {
	server, client := tcpPair(t, smallBuffer)
	c := l.sweepers.NewConn(o)
	c.Attach(server)
	t.Cleanup(c.Close)
	return c, client
}

// joinFrame announces a cursor to the checker.
func joinFrame(at Cursor) []byte { return frame(kindJoin, at.Offset().Seq, 0) }
