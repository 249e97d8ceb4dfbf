package fanout

import (
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// Lost wake-ups show when traffic stops at the wrong moment: here it stops very often, and each time everything must
// have arrived although nothing follows.

func TestNothingIsUndeliveredWhenTrafficStops(t *testing.T) {
	for name, hide := range map[string]func(net.Conn) net.Conn{
		"socket": func(c net.Conn) net.Conn { return c },
		"opaque": func(c net.Conn) net.Conn { return opaque{c} },
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(stormSeed(t), 0))
			l := newTestLog(t, settings{MaxCount: 1 << 20, MaxBytes: 256 << 20, Shards: 1})
			server, client := tcpPair(t, smallBuffer)
			c := l.sweepers.NewConn(newOwner())
			t.Cleanup(c.Close)
			c.Attach(hide(server))
			c.Join(l.Head(), joinFrame(l.Head()))
			var check checker
			reading(t, &check, client)
			var n, private uint64
			for range 150 {
				for range 1 + rng.IntN(10) {
					size := rng.IntN(4 << rng.IntN(17))
					l.Append(logFrames(n+1, n+1, sized(size)))
					n++
					for range rng.IntN(8) {
						runtime.Gosched()
					}
					if rng.IntN(4) == 0 {
						private++
						c.Send(frame(kindPrivate, private, rng.IntN(4<<rng.IntN(14))))
					}
				}
				assert.Eventually(t, "the burst", func() bool {
					return check.logs[0].seen.Load() == n && check.private.Load() == private
				})

			}
			if parks := l.sweepers.Stats().Parks; parks < 20 {
				t.Errorf("parked only %d times", parks)
			}
		})
	}
}

func TestP1_AttachDuringTrafficLosesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(stormSeed(t), 0))
	l := newTestLog(t, settings{Shards: 1})
	var n uint64
	for round := range 200 {
		server, client := tcpPair(t, smallBuffer)
		o := newOwner()
		c := l.sweepers.NewConn(o)
		c.Join(l.Head(), joinFrame(l.Head()))
		c.Send(frame(kindPrivate, 1, 0))
		var check checker
		var racing sync.WaitGroup
		racing.Go(func() {
			for range 1 + rng.IntN(5) {
				n++
				l.Append(logFrames(n, n, sized(100)))
			}
		})
		racing.Go(func() { c.Send(frame(kindPrivate, 2, 0)) })
		if round%2 == 0 {
			assert.NoError(t, check.feed(c.Take(nil, 1000)))
		}
		if round%4 < 2 {
			c.Attach(server)
		} else {
			c.Attach(opaque{server})
		}
		assert.Equal(t, "taken after it was attached", len(c.Take(nil, 1000)), 0)
		racing.Wait()
		reading(t, &check, client)
		assert.Eventually(t, "everything", func() bool { return check.logs[0].seen.Load() == n && check.private.Load() == 2 })
		c.Close()
		assert.NoError(t, server.Close())
	}
}

// poller takes from a connection when the test says so.
type poller struct {
	conn  atomic.Pointer[Conn]
	check checker
	mu    sync.Mutex
	err   error
}

func (*poller) Lost(Lost) {}

func (p *poller) Pending() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.check.feed(p.conn.Load().Take(nil, 1<<20)); err != nil && p.err == nil {
		p.err = err
	}
}

func TestP1_JoinAndLeaveDuringTrafficLoseNothing(t *testing.T) {
	l := newTestLog(t, settings{})
	p := &poller{}
	c := l.sweepers.NewConn(p)
	p.conn.Store(c)
	defer c.Close()
	for n := uint64(1); n <= 3000; n++ {
		var racing sync.WaitGroup
		racing.Go(func() { l.Append(logFrames(n, n, sized(20))) })
		racing.Go(func() {
			if n%3 != 0 {
				c.Leave(l)
			}
			at := l.Back(int(n % 2))
			c.Join(at, joinFrame(at))
		})
		racing.Wait()
		assert.Eventually(t, "the frame", func() bool { return p.check.logs[0].seen.Load() == n })
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.NoError(t, p.err)
}

func TestP1_EachNewConnectionGetsWhatComesAfterItsCursor(t *testing.T) {
	l := newTestLog(t, settings{})
	for n := uint64(1); n <= 2000; n++ {
		p := &poller{}
		c := l.sweepers.NewConn(p)
		p.conn.Store(c)
		var racing sync.WaitGroup
		racing.Go(func() { l.Append(logFrames(n, n, sized(20))) })
		racing.Go(func() {
			at := l.Head()
			c.Join(at, joinFrame(at))
		})
		racing.Wait()
		assert.Eventually(t, "the frame", func() bool { return p.check.logs[0].seen.Load() == n })
		c.Close()
	}
}
