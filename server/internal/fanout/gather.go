package fanout

import (
	"os"
	"runtime"
	"syscall"
)

// gatherer lets a burst gather before a sweep, without a timer. Whoever appends wakes the sweeper, and the scheduler would
// run it next, before the goroutines that hold other messages of the burst, and before it looks whether more have arrived.
// So the sweeper asks the network poller for an event of its own, a byte in a pipe: when that comes back, everything that
// had arrived by then has become runnable, and the sweeper goes behind it. A message that comes alone waits for some
// microseconds; a burst is swept once or twice instead of once for each message.
type gatherer struct {
	r, w  *os.File
	raw   syscall.RawConn
	wfd   int
	asked bool
	once  func(fd uintptr) bool
	buf   [8]byte
}

func newGatherer() (*gatherer, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	g := &gatherer{r: r, w: w, wfd: int(w.Fd())}
	if g.raw, err = r.SyscallConn(); err != nil {
		g.close()
		return nil, err
	}
	g.once = g.ask
	return g, nil
}

// ask is the callback of the pipe's reader: first it makes the pipe readable and waits, then it empties it.
func (g *gatherer) ask(fd uintptr) bool {
	if !g.asked {
		g.asked = true
		_, err := syscall.Write(g.wfd, g.buf[:1])
		return err != nil // then there is nothing to wait for
	}
	_, _ = syscall.Read(int(fd), g.buf[:])
	return true
}

func (g *gatherer) gather() {
	g.asked = false
	_ = g.raw.Read(g.once)
	runtime.Gosched()
}

func (g *gatherer) close() {
	_ = g.r.Close()
	_ = g.w.Close()
}
