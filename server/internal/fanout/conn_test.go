package fanout

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// stuck is a connection with a full socket and an open frame, whose client reads nothing. It also returns the
// number of the last frame.
func stuck(t *testing.T, l *Log, o Owner) (*Conn, *net.TCPConn, uint64) {
	c, client := attached(t, l, o)
	at := l.Head()
	c.Join(at, joinFrame(at))
	n := at.Offset().Seq + 5
	l.Append(logFrames(n-4, n, sized(300_000))) // one alone is more than the kernel takes at once
	assert.Eventually(t, "an open frame", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.parked && len(c.open) > 0
	})

	return c, client, n
}

// reading feeds the checker until the client ends; any error fails the test.
func reading(t *testing.T, check *checker, client net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := check.read(client, 8<<10); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { client.Close(); <-done })
}

func TestLeaveCompletesTheOpenFrameAndJoinGoesOnElsewhere(t *testing.T) {
	for _, rejoin := range []bool{false, true} {
		l := newTestLog(t, settings{})
		c, client, n := stuck(t, l, newOwner())
		l.Append(logFrames(n+1, n+50, sized(5000)))
		if !rejoin {
			c.Leave(l)
			c.Send(frame(kindLeft, 0, 0))
		}
		at := l.Back(5)
		c.Join(at, joinFrame(at))
		c.Send(frame(kindPrivate, 1, 0))
		var check checker
		reading(t, &check, client)
		assert.Eventually(t, "the rest", func() bool { return check.logs[0].seen.Load() == n+50 && check.private.Load() == 1 })
		l.Append(logFrames(n+51, n+51, sized(100)))
		assert.Eventually(t, "what comes next", func() bool { return check.logs[0].seen.Load() == n+51 })
	}
}

func TestPrivateFramesOvertakeTheLogBetweenFrames(t *testing.T) {
	l := newTestLog(t, settings{})
	c, client, n := stuck(t, l, newOwner())
	l.Append(logFrames(n+1, n+2000, sized(1000)))
	c.Send(frame(kindPrivate, 1, 300))
	flushed := flush(c, nil)
	var check checker
	buf := make([]byte, 1000)
	for check.private.Load() == 0 {
		k, err := client.Read(buf)
		assert.NoError(t, err)
		assert.NoError(t, check.feed(buf[:k]))
	}
	if seen := check.logs[0].seen.Load(); seen > n+1000 {
		t.Errorf("the private frame came after %d of %d frames", seen-n, 2000)
	}
	assert.Equal(t, "flushed although the log is not", assert.Receive(t, "flush", flushed), true)
}

func TestP6_SlowReaderIsLostWhileItsOffsetIsInTheWindow(t *testing.T) {
	for name, attach := range map[string]func(t *testing.T, c *Conn){
		"socket": func(t *testing.T, c *Conn) {
			server, _ := tcpPair(t, smallBuffer)
			c.Attach(server)
		},
		"opaque": func(t *testing.T, c *Conn) {
			server, _ := tcpPair(t, smallBuffer)
			c.Attach(opaque{server})
		},
		"poll": func(*testing.T, *Conn) {},
	} {
		for bound, options := range map[string]settings{"count": {MaxCount: 1000}, "bytes": {MaxBytes: 500_000}} {
			t.Run(name+" by "+bound, func(t *testing.T) {
				l := newTestLog(t, options)
				l.Append(logFrames(1, 2000, sized(500)))
				o := newOwner()
				seen, recoverable := l.Head().Offset(), false
				o.onLost = func() { _, recoverable = l.After(seen) }
				c := l.sweepers.NewConn(o)
				defer c.Close()
				attach(t, c)
				c.Join(l.Head(), nil)
				n := uint64(2000)
				assert.Eventually(t, "the loss", func() bool {
					l.Append(logFrames(n+1, n+10, sized(500)))
					n += 10
					return len(o.lost) > 0
				})

				assert.Equal(t, "reason", <-o.lost, LostSlow)
				assert.Equal(t, "recoverable when lost", recoverable, true)
				if n < 2400 {
					t.Errorf("lost after %d frames already", n-2000)
				}
			})
		}
	}
}

// A connection that recovers from the older half of the window may use all of it to catch up, and then has the usual half.
func TestP3_ALateClientMayCatchUp(t *testing.T) {
	l := newTestLog(t, settings{MaxCount: 1000})
	l.Append(logFrames(1, 3000, sized(100)))
	appendOne := func(n uint64) { l.Append(logFrames(n, n, sized(100))) }
	o := newOwner()
	c := l.sweepers.NewConn(o)
	defer c.Close()
	at := l.Back(900)
	c.Join(at, joinFrame(at))
	assert.Receive(t, "pending", o.pending)
	for n := uint64(3001); n <= 3090; n++ {
		appendOne(n)
		assert.Receive(t, "pending", o.pending)
	}
	assert.Equal(t, "losses", len(o.lost), 0)
	var check checker
	assert.NoError(t, check.feed(c.Take(nil, 1<<30)))
	assert.Equal(t, "seen", check.logs[0].seen.Load(), 3090)
	for n := uint64(3091); n <= 3090+501; n++ {
		appendOne(n)
		if n < 3090+501 {
			assert.Receive(t, "pending", o.pending)
		}
	}
	assert.Equal(t, "half the window later", assert.Receive(t, "loss", o.lost), LostSlow)

	late := newOwner()
	c = l.sweepers.NewConn(late)
	defer c.Close()
	c.Join(l.Back(900), nil)
	for n := uint64(3592); n <= 3592+100+1000/8; n++ {
		appendOne(n)
	}
	assert.Equal(t, "late and not reading", assert.Receive(t, "loss", late.lost), LostSlow)
}

func TestP6_PrivateQueueIsBounded(t *testing.T) {
	l := newTestLog(t, settings{MaxPrivate: 1000})
	o := newOwner()
	c := l.sweepers.NewConn(o)
	defer c.Close()
	c.Join(l.Head(), nil)
	sent := uint64(0)
	for c.Send(frame(kindPrivate, sent+1, 98)) {
		sent++
	}
	assert.Equal(t, "frames of 100 bytes", sent, 10)
	assert.Equal(t, "bytes", c.Private(), 1000)
	assert.Equal(t, "reason", assert.Receive(t, "loss", o.lost), LostSlow)
	l.Append(logFrames(1, 1, sized(10)))
	var check checker
	assert.NoError(t, check.feed(c.Take(nil, 1<<20)))
	assert.Equal(t, "what was queued is not lost", check.private.Load(), 10)
	assert.Equal(t, "bytes", c.Private(), 0)
}

func TestLostReasonsHaveTexts(t *testing.T) {
	for i, l := range []Lost{LostSlow, LostReset, LostSocket} {
		assert.Equal(t, "text", l.String(), lostReasons[i])
	}
}

func TestBrokenSocketIsLostOnce(t *testing.T) {
	for name, hide := range map[string]func(net.Conn) net.Conn{
		"socket": func(c net.Conn) net.Conn { return c },
		"opaque": func(c net.Conn) net.Conn { return opaque{c} },
	} {
		t.Run(name, func(t *testing.T) {
			l := newTestLog(t, settings{})
			server, client := tcpPair(t, smallBuffer)
			o := newOwner()
			c := l.sweepers.NewConn(o)
			c.Attach(hide(server))
			c.Join(l.Head(), nil)
			assert.NoError(t, client.SetLinger(0))
			assert.NoError(t, client.Close())
			n := uint64(0)
			assert.Eventually(t, "the loss", func() bool {
				n++
				l.Append(logFrames(n, n, sized(100)))
				return len(o.lost) > 0
			})

			assert.Equal(t, "reason", <-o.lost, LostSocket)
			assert.Equal(t, "sends", c.Send(frame(kindPrivate, 1, 0)), false)
			assert.Equal(t, "is flushed", c.WaitFlushed(nil), true)
			l.Append(logFrames(n+1, n+1, sized(100)))
			c.Join(l.Head(), nil)
			c.Close()
			assert.Equal(t, "losses", len(o.lost), 0)
		})
	}
}

func TestOpaqueSocketThatTakesNothingIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := makeLog(settings{})
		defer l.sweepers.Close()
		server, client := net.Pipe()
		defer client.Close()
		defer server.Close()
		o := newOwner()
		c := l.sweepers.NewConn(o)
		c.Attach(server)
		c.Send(frame(kindPrivate, 1, 0))
		time.Sleep(writeTimeout - time.Second)
		synctest.Wait()
		assert.Equal(t, "losses", len(o.lost), 0)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, "reason", <-o.lost, LostSocket)
	})
}

// flush waits for the flush of c in the background.
func flush(c *Conn, stop <-chan struct{}) <-chan bool {
	done := make(chan bool, 1)
	go func() { done <- c.WaitFlushed(stop) }()
	return done
}

func TestWaitFlushed(t *testing.T) {
	l := newTestLog(t, settings{})
	c, client, _ := stuck(t, l, newOwner())
	c.Leave(l)
	stop := make(chan struct{})
	stopped, flushed := flush(c, stop), flush(c, nil)
	close(stop)
	assert.Equal(t, "stopped within an open frame", assert.Receive(t, "stop", stopped), false)
	var check checker
	reading(t, &check, client)
	assert.Equal(t, "flushed once it is read", assert.Receive(t, "flush", flushed), true)
	assert.Equal(t, "flushed already", c.WaitFlushed(nil), true)
	c.Send(frame(kindPrivate, 1, 0))
	assert.Eventually(t, "the next frame", func() bool { return check.private.Load() == 1 })

	polls := l.sweepers.NewConn(newOwner())
	polls.Send(frame(kindPrivate, 1, 0))
	taken := flush(polls, nil)
	polls.Take(nil, 1)
	assert.Equal(t, "flushed by taking", assert.Receive(t, "flush", taken), true)

	closed, _, _ := stuck(t, l, newOwner())
	done := flush(closed, nil)
	closed.Close()
	assert.Equal(t, "ended by closing", assert.Receive(t, "close", done), true)
}

func TestVolatileFramesAreDroppedWhereTheyWouldWait(t *testing.T) {
	l := newTestLog(t, settings{})
	c, client, n := stuck(t, l, newOwner())
	if waits := c.Private(); waits == 0 || waits > 300_020 {
		t.Errorf("a private frame would wait for %d bytes", waits)
	}
	assert.Equal(t, "writable while parked", c.Writable(), false)
	assert.Equal(t, "sent while parked", c.SendVolatile(frame(kindPrivate, 7, 0)), false)
	var check checker
	reading(t, &check, client)
	assert.Eventually(t, "the log", func() bool { return check.logs[0].seen.Load() == n && c.Writable() })
	assert.Equal(t, "sent when writable", c.SendVolatile(frame(kindPrivate, 1, 0)), true)
	assert.Eventually(t, "the frame", func() bool { return check.private.Load() == 1 })
	c.Close()
	assert.Equal(t, "writable when closed", c.Writable(), false)
	assert.Equal(t, "sent when closed", c.SendVolatile(frame(kindPrivate, 2, 0)), false)

	polls := l.sweepers.NewConn(newOwner())
	assert.Equal(t, "the first one waits for the poll", polls.SendVolatile(frame(kindPrivate, 1, 0)), true)
	assert.Equal(t, "the second one is dropped", polls.SendVolatile(frame(kindPrivate, 2, 0)), false)
}

func TestWrittenCountsWhatLeft(t *testing.T) {
	l := newTestLog(t, settings{})
	c := l.sweepers.NewConn(newOwner())
	c.Join(l.Head(), frame(kindPrivate, 1, 100))
	l.Append(logFrames(1, 1, sized(50)))
	assert.Equal(t, "before", c.Written(), 0)
	n := len(c.Take(nil, 1<<20))
	assert.Equal(t, "after", c.Written(), uint64(n))
}

// Frames are bounded in number across private ones, and across the segments of the log.
func TestTakeFramesIsBoundedInNumber(t *testing.T) {
	const private, logged = 7, 2000
	l := newTestLog(t, settings{})
	c := l.sweepers.NewConn(newOwner())
	at := l.Head()
	c.Join(at, joinFrame(at))
	for n := range private {
		c.Send(frame(kindPrivate, uint64(n)+1, 100))
	}
	l.Append(logFrames(1, logged, sized(300)))
	var check checker
	for left := 1 + private + logged; left > 0; left -= 16 {
		taken, count := c.TakeFrames(nil, 1<<20, 16), 0
		assert.NoError(t, check.feed(taken))
		for p := taken; len(p) > 0; count++ {
			p = p[wire.FrameLen(p):]
		}
		assert.Equal(t, "frames", count, min(left, 16))
	}
	assert.Equal(t, "behind", c.Behind(), false)
	assert.Equal(t, "private", check.private.Load(), uint64(private))
	assert.Equal(t, "of the log", check.logs[0].seen.Load(), uint64(logged))
}

func TestBehindUntilEverythingIsTaken(t *testing.T) {
	l := newTestLog(t, settings{})
	c := l.sweepers.NewConn(newOwner())
	assert.Equal(t, "at first", c.Behind(), false)
	c.Join(l.Head(), frame(kindPrivate, 1, 0))
	assert.Equal(t, "with a private frame", c.Behind(), true)
	c.Take(nil, 1)
	assert.Equal(t, "with all taken", c.Behind(), false)
	l.Append(logFrames(1, 2, sized(50)))
	c.Take(nil, 1)
	assert.Equal(t, "with a frame of the log left", c.Behind(), true)
	c.Take(nil, 1)
	assert.Equal(t, "with all taken", c.Behind(), false)
	l.Append(logFrames(3, 3, sized(50)))
	c.Close()
	assert.Equal(t, "when closed", c.Behind(), false)
}
