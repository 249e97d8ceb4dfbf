//go:build unix

package fanout

import (
	"os"
	"runtime"
	"syscall"
)

// gatherer lets a burst gather before a sweep, without a timer. An append wakes the sweeper, and the scheduler would
// run it next, before the goroutines that hold other messages of the burst, and before it looks whether more have arrived.
// So the sweeper asks the network poller for an event of its own, a byte in a pipe: when the byte comes back, all earlier
// arrivals are runnable, and the sweeper runs after them. A single message waits for some microseconds; a burst is swept
// once or twice instead of once for each message.
type gatherer struct {
	r, w  *os.File
	raw   syscall.RawConn // of r
	fd    int             // of w
	asked bool
	buf   [1]byte
	poll  func(fd uintptr) bool // made once, so that gathering allocates nothing
}

// newGatherer returns nil if it cannot make a pipe; then bursts are swept more often.
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

// gather returns when the goroutines of all earlier arrivals have run.
func (g *gatherer) gather() {
	if g != nil {
		g.asked = false
		_ = g.raw.Read(g.poll) // only a closed pipe fails
	}
	runtime.Gosched()
}

// askOrTake is the pipe reader's callback, called again when the pipe is readable: the first call writes the byte and asks
// to wait, the second takes the byte.
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
