package fanout

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"weak"

	"scalable-chat/server/internal/test/assert"
)

// laggard is a client that repeatedly stops reading until it is closed as a slow consumer, and then comes back with
// the offset of the last frame that it has seen.
type laggard struct {
	log   *Log
	rng   *rand.Rand
	check checker
	life  atomic.Pointer[life]
	lives int
}

// life is one connection of a laggard.
type life struct{ caughtUp, lost atomic.Bool }

func (g *laggard) away() bool {
	now := g.life.Load()
	return !now.caughtUp.Load() || now.lost.Load()
}

// live is one connection of the laggard. It returns whether it has seen the last frame.
func (g *laggard) live(t *testing.T, last uint64) (done bool, err error) {
	seen := offset(g.check.logs[0].seen.Load())
	at, ok := g.log.After(seen)
	if !ok {
		return false, fmt.Errorf("not recoverable at %v", seen)
	}
	server, client := tcpPair(t, smallBuffer)
	o := newOwner()
	c := g.log.sweepers.NewConn(o)
	now := &life{}
	g.life.Store(now)
	g.lives++
	o.onLost = func() {
		now.lost.Store(true)
		c.Close()
		server.Close()
	}
	c.Attach(server)
	c.Join(at, joinFrame(at))
	defer client.Close()
	if err := g.readFor(client, last); err != nil {
		return false, err
	}
	if g.check.logs[0].seen.Load() == last {
		c.Close()
		return true, server.Close()
	}
	if reason := <-o.lost; reason != LostSlow {
		return false, errors.New(reason.String())
	}
	err = g.check.read(client, 4096) // what the kernel still has
	g.check.buf = nil                // a frame that arrived in part was not seen
	return false, err
}

// readFor reads for a while, until the connection is closed, or to the end if too little remains to fall behind.
func (g *laggard) readFor(client net.Conn, last uint64) error {
	buf := make([]byte, 4096)
	stopAt := last
	for seen := g.check.logs[0].seen.Load(); seen < stopAt; seen = g.check.logs[0].seen.Load() {
		// It catches up first: a reader that stays in the older half of the window is lost.
		if stopAt == last && seen >= g.log.Back(500).Offset().Seq {
			g.life.Load().caughtUp.Store(true)
			if seen+2500 < last {
				stopAt = seen + g.rng.Uint64N(500)
			}
		}
		n, err := client.Read(buf)
		if err := g.check.feed(buf[:n]); err != nil {
			return err
		}
		if err != nil {
			return nil
		}
	}
	return nil
}

// A reader that is too slow is closed and loses nothing.
func TestP3_SlowReadersComeBackAndMissNothing(t *testing.T) {
	const last = 20_000
	seed := stormSeed(t)
	l := newTestLog(t, settings{MaxCount: 2000})
	var running sync.WaitGroup
	var laggards []*laggard
	for i := range 4 {
		g := &laggard{log: l, rng: rand.New(rand.NewPCG(seed, uint64(i)))}
		g.life.Store(&life{})
		laggards = append(laggards, g)
		running.Go(func() {
			for {
				done, err := g.live(t, last)
				if err != nil {
					t.Error(err)
				}
				if done || err != nil {
					return
				}
			}
		})
	}
	// The room goes on once the closed readers have caught up.
	back := func() bool {
		return t.Failed() || !slices.ContainsFunc(laggards, (*laggard).away)
	}
	for n := uint64(1); n < last; n += 20 {
		assert.Eventually(t, "all to be back", back)
		l.Append(logFrames(n, n+19, sized(300)))
		runtime.Gosched()
	}
	running.Wait()
	for _, g := range laggards {
		assert.Equal(t, "seen", g.check.logs[0].seen.Load(), last)
		t.Logf("%d connections", g.lives)
	}
}

// churn appends n frames of 10 KB, which fill many windows.
func churn(l *Log, n uint64) {
	head := l.Head().Offset().Seq
	for i := range n {
		l.Append(logFrames(head+i+1, head+i+1, sized(10<<10)))
	}
}

func TestP6_NobodyKeepsTheLogAlive(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, l *Log, c *Conn, o *owner){
		"left":   func(_ *testing.T, l *Log, c *Conn, _ *owner) { c.Leave(l) },
		"closed": func(_ *testing.T, _ *Log, c *Conn, _ *owner) { c.Close() },
		"lost, and the owner does nothing": func(t *testing.T, l *Log, _ *Conn, o *owner) {
			churn(l, 200)
			assert.Equal(t, "reason", assert.Receive(t, "loss", o.lost), LostSlow)
		},
		"reset": func(t *testing.T, l *Log, _ *Conn, o *owner) {
			l.Reset(offset(0))
			assert.Equal(t, "reason", assert.Receive(t, "loss", o.lost), LostReset)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newTestLog(t, settings{MaxBytes: 4 << 20})
			o := newOwner()
			c, _, _ := stuck(t, l, o)
			kept := weak.Make(l.head.Load())
			end(t, l, c, o)
			churn(l, 700)
			assert.Eventually(t, "the segment to be collected", func() bool {
				runtime.GC()
				return kept.Value() == nil
			})

			runtime.KeepAlive(c)
		})
	}
}

// A client that reads none of 20,000 frames of 10 KB costs one window and no more, even if nobody closes it.
func TestP6_ReaderThatNeverReadsCostsOneWindow(t *testing.T) {
	const window = 4 << 20
	l := newTestLog(t, settings{MaxBytes: window})
	for _, hide := range []func(net.Conn) net.Conn{
		func(c net.Conn) net.Conn { return c },
		func(c net.Conn) net.Conn { return opaque{c} },
		nil,
	} {
		c := l.sweepers.NewConn(newOwner())
		defer c.Close()
		if hide != nil {
			server, _ := tcpPair(t, smallBuffer)
			c.Attach(hide(server))
		}
		c.Join(l.Head(), nil)
	}
	frames := logFrames(1, 1, sized(10<<10))
	for n := range uint64(20_000) {
		frames[0].Offset = offset(n + 1)
		l.Append(frames)
	}
	var m runtime.MemStats
	assert.Eventually(t, "the heap to be small", func() bool {
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc < 2*window
	})
}

// In a quiet room no sweep runs for a long time; connections that left are released all the same.
func TestP6_AQuietRoomReleasesClientsThatLeft(t *testing.T) {
	l := newTestLog(t, settings{Shards: 1})
	var conns []weak.Pointer[Conn]
	for range 5000 {
		c := l.sweepers.NewConn(newOwner())
		c.Join(l.Head(), nil)
		c.Close()
		conns = append(conns, weak.Make(c))
	}
	assert.Eventually(t, "the connections to be collected", func() bool {
		runtime.GC()
		alive := 0
		for _, c := range conns {
			if c.Value() != nil {
				alive++
			}
		}
		return alive < 200
	})
}
