//go:build unix

package fanout

import (
	"os"
	"runtime"
	"syscall"
)

// gatherer lets a burst gather before a sweep, without a timer. An append wakes the sweeper, and the scheduler would
// run it next, before the goroutines that hold other messages of the burst, and before it looks whether more have arrived.
// So the sweeper asks the network poller for an event of its own, a byte in a pipe: when that comes back, everything that
// had arrived by then has become runnable, and the sweeper goes behind it. A message that comes alone waits for some
// microseconds; a burst is swept once or twice instead of once for each message.
type gatherer struct {
	r, w  *os.File
	raw   syscall.RawConn // of r
	fd    int             // of w
	asked bool
	buf   [1]byte
	poll  func(fd uintptr) bool // made once, so that gathering allocates nothing
}

// newGatherer returns nil where no pipe is to be had; then a burst gathers less well.
func newGatherer() *gatherer {
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	g := &gatherer{r: r, w: w, fd: int(w.Fd())}
	if g.raw, err = r.SyscallConn(); err != nil {
		g.close()
		return nil
	}
	g.poll = g.askOrTake
	return g
}

// gather returns when everything that had arrived has had its turn.
func (g *gatherer) gather() {
	if g != nil {
		g.asked = false
		_ = g.raw.Read(g.poll) // only a closed pipe fails
	}
	runtime.Gosched()
}

// askOrTake is called by the pipe's reader, and called again when the pipe is readable: the first time it writes the byte
// and waits, the second time it takes it.
func (g *gatherer) askOrTake(fd uintptr) bool {
	if !g.asked {
		g.asked = true
		_, err := syscall.Write(g.fd, g.buf[:])
		return err != nil // then there is nothing to wait for
	}
	_, _ = syscall.Read(int(fd), g.buf[:])
	return true
}

func (g *gatherer) close() {
	if g != nil {
		_ = g.r.Close()
		_ = g.w.Close()
	}
}
