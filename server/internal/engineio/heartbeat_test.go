package engineio

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// clocked is a server without a network in a bubble of fake time.
type clocked struct {
	*Server
	sweepers *fanout.Sweepers
	ids      int

	mu     sync.Mutex
	reason map[string]int
}

func withClock(t *testing.T, o Options, fn func(c *clocked)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &clocked{reason: map[string]int{}}
		c.sweepers = fanout.New(fanout.Options{Shards: 1})
		o.Sweepers, o.Logger = c.sweepers, slog.New(slog.NewTextHandler(io.Discard, nil))
		o.NewID = func() string { c.ids++; return strconv.Itoa(c.ids) }
		o.Hooks.Closed = func(reason string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.reason[reason]++
		}
		c.Server = NewServer(o)
		defer c.sweepers.Close()
		defer func() { assert.NoError(t, c.Shutdown(context.Background(), 0), "shutdown") }()
		fn(c)
	})
}

func (c *clocked) closedBy(reason string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason[reason]
}

// open makes a session that polls.
func (c *clocked) open() *Session {
	s := c.newSession("test", handshake{uri: "/"})
	c.admit(s)
	s.start()
	if !c.opts.Raw {
		s.enter(MainNamespace)
	}
	return s
}

func (s *Session) awaitsPong() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heart.waiting
}

// pass advances time until met, in steps of a millisecond, and returns how long that took.
func pass(t *testing.T, most time.Duration, met func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !met() {
		if time.Since(start) > most {
			t.Fatalf("nothing within %v", most)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
	}
	return time.Since(start)
}

// early fails unless got is one to two ticks before want.
func early(t *testing.T, what string, got, want, tick time.Duration) {
	t.Helper()
	if got > want-tick+time.Millisecond || got < want-2*tick {
		t.Fatalf("%s after %v, want one to two times %v before %v", what, got, tick, want)
	}
}

func TestHeartbeat_IsPunctual(t *testing.T) {
	for _, o := range []Options{
		{},
		{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond},
		{PingInterval: time.Second, PingTimeout: time.Minute},
	} {
		withClock(t, o, func(c *clocked) {
			time.Sleep(time.Duration(rand.N(int64(3 * time.Second)))) // anywhere in the ring
			interval, timeout, tick := c.opts.PingInterval, c.opts.PingTimeout, c.wheel.tick
			s := c.open()
			for range 5 {
				early(t, "ping", pass(t, 2*interval, s.awaitsPong), interval, tick)
				assert.Equal(t, "packet", string(s.takePackets()), "2")
				time.Sleep(timeout / 2)
				assert.NoError(t, s.receive(wire.Packet{Type: wire.PacketPong}), "pong")
				assert.Equal(t, "waits", s.awaitsPong(), false)
			}
			early(t, "ping", pass(t, 2*interval, s.awaitsPong), interval, tick)
			early(t, "close", pass(t, 2*timeout, s.hasEnded), timeout, tick)
			synctest.Wait()
			assert.Equal(t, "counted", c.closedBy("ping timeout"), 1)
			assert.Equal(t, "connections", c.Connections(), 0)
		})
	}
}

func TestHeartbeat_APongThatWasNotAskedForChangesNothing(t *testing.T) {
	withClock(t, Options{}, func(c *clocked) {
		s := c.open()
		for range 23 {
			time.Sleep(time.Second)
			assert.NoError(t, s.receive(wire.Packet{Type: wire.PacketPong}), "pong")
		}
		pass(t, 2*time.Second, s.awaitsPong)
	})
}

func TestHeartbeat_OfManySessions(t *testing.T) {
	withClock(t, Options{}, func(c *clocked) {
		var all []*Session
		for range 500 {
			time.Sleep(time.Duration(rand.N(int64(20 * time.Millisecond))))
			all = append(all, c.open())
			if rand.N(3) == 0 {
				all[rand.N(len(all))].Close(true)
			}
		}
		for range 120 {
			time.Sleep(time.Second)
			for _, s := range all {
				if s.awaitsPong() && rand.N(2) == 0 {
					_ = s.receive(wire.Packet{Type: wire.PacketPong})
				}
				if rand.N(1000) == 0 {
					s.Close(false)
				}
			}
		}
		synctest.Wait()
		if c.Connections() == 0 {
			t.Fatal("none is left")
		}
		assert.Equal(t, "timed out", c.closedBy("ping timeout"), 0)
		time.Sleep(c.opts.PingInterval + c.opts.PingTimeout)
		synctest.Wait()
		assert.Equal(t, "connections", c.Connections(), 0)
		linked := 0
		for _, first := range c.wheel.slots {
			if first != nil {
				linked++
			}
		}
		assert.Equal(t, "slots in use", linked, 0)
	})
}

// message is an arbitrary message packet.
var message = wire.Packet{Type: wire.PacketMessage, Data: []byte(`2["x"]`)}

func TestHeartbeat_AHeldClientIsNotTimedOut(t *testing.T) {
	withClock(t, Options{}, func(c *clocked) {
		s := c.open()
		assert.NoError(t, s.receive(message), "first")
		received := make(chan error, 1)
		go func() { received <- s.receive(message) }() // waits for the turn of the first
		time.Sleep(100 * time.Second)                  // the pong is behind it
		assert.Equal(t, "ended", s.hasEnded(), false)
		s.EndTurn(1)
		assert.NoError(t, <-received, "second")
		assert.NoError(t, s.receive(wire.Packet{Type: wire.PacketPong}), "pong")
		time.Sleep(23 * time.Second)
		assert.Equal(t, "ended", s.hasEnded(), false)
		s.EndTurn(2)

		pass(t, 3*time.Second, s.awaitsPong) // now nothing is held, and the client is dead
		early(t, "close", pass(t, time.Minute, s.hasEnded), 20*time.Second, c.wheel.tick)
	})
}

// When the server checks, it mostly reads the flood and holds nothing; the pong is behind the flood either way.
func TestHeartbeat_AFloodIsALifeSign(t *testing.T) {
	withClock(t, Options{}, func(c *clocked) {
		s := c.open()
		for turn := range uint64(20) {
			time.Sleep(7 * time.Second)
			assert.NoError(t, s.receive(message), "message")
			s.EndTurn(turn + 1)
		}
		assert.Equal(t, "ended", s.hasEnded(), false)
		took := pass(t, time.Minute, s.hasEnded)
		if took > 2*20*time.Second {
			t.Fatalf("the end of the flood was noticed after %v", took)
		}
	})
}

// A client gives up on a server that sends no ping for interval + timeout, whatever the client sends meanwhile.
func TestHeartbeat_AHeldClientIsPingedAgain(t *testing.T) {
	for _, o := range []Options{{}, {PingInterval: time.Second, PingTimeout: time.Second}, {PingInterval: time.Second, PingTimeout: 20 * time.Second}} {
		withClock(t, o, func(c *clocked) {
			s := c.open()
			const paced = 10 * time.Millisecond
			received := make(chan error, 1)
			go func() { // one message after the other, each with a slow handler
				for range 90 * time.Second / paced {
					if err := s.receive(message); err != nil {
						received <- err
						return
					}
					turn := s.Turn("/")
					time.AfterFunc(paced, turn.Done)
				}
				received <- s.receive(wire.Packet{Type: wire.PacketPong})
			}()
			silent, pings := time.Now(), 0
			for len(received) == 0 {
				time.Sleep(paced)
				if string(s.takePackets()) != "" {
					silent = time.Now()
					pings++
				}
				if time.Since(silent) >= c.opts.PingInterval+c.opts.PingTimeout {
					t.Fatalf("silent for %v", time.Since(silent))
				}
			}
			assert.NoError(t, <-received, "pong")
			if most := int(90*time.Second/c.opts.PingInterval) * 3 / 2; pings > most {
				t.Errorf("%d pings", pings)
			}
			pass(t, c.opts.PingInterval, s.awaitsPong)
			pass(t, c.opts.PingTimeout, s.hasEnded)
		})
	}
}

func TestHeartbeat_AHandlerThatHangsEndsTheSession(t *testing.T) {
	withClock(t, Options{}, func(c *clocked) {
		s := c.open()
		assert.NoError(t, s.receive(message), "first")
		received := make(chan error, 1)
		go func() { received <- s.receive(message) }()
		took := pass(t, 3*time.Minute, s.hasEnded)
		if took < stallTimeout || took > stallTimeout+30*time.Second {
			t.Fatalf("given up after %v", took)
		}
		assert.Equal(t, "released", <-received, errEnded)
		synctest.Wait()
		assert.Equal(t, "counted", c.closedBy("stalled handler"), 1)
	})
}

func TestHeartbeat_ASlowReaderThatMovesIsNotClosed(t *testing.T) {
	withClock(t, Options{}, func(c *clocked) {
		s := c.open()
		for range 12 { // before the ping: as much as twelve polls carry
			s.SendFrame(messageFrame(strings.Repeat("x", 60_000)))
		}
		for range 11 {
			time.Sleep(15 * time.Second)
			assert.Equal(t, "ended", s.hasEnded(), false)
			s.takePackets()
		}
		took := pass(t, time.Minute, s.hasEnded) // it stopped with the ping unread
		if took < 20*time.Second-2*c.wheel.tick || took > 26*time.Second {
			t.Fatalf("closed %v after the last sign of life", took)
		}
	})
}

func TestHeartbeat_AClientThatIsHeldBackHasToRead(t *testing.T) {
	withClock(t, Options{}, func(c *clocked) {
		s := c.open()
		pass(t, time.Minute, s.awaitsPong)
		s.takePackets()
		for range 5 { // after the ping
			s.SendFrame(messageFrame(strings.Repeat("x", 60_000)))
		}
		received := make(chan error, 1)
		go func() { received <- s.receive(message) }() // the pong is behind it
		for range 4 {
			time.Sleep(15 * time.Second)
			assert.Equal(t, "ended", s.hasEnded(), false)
			s.takePackets()
		}
		took := pass(t, time.Minute, s.hasEnded)
		if took < 20*time.Second-2*c.wheel.tick || took > 26*time.Second {
			t.Fatalf("closed %v after the last sign of life", took)
		}
		assert.Equal(t, "released", <-received, errEnded)
	})
}

func TestP11_ASessionEndsWhenItsTimeIsOver(t *testing.T) {
	withClock(t, Options{PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second}, func(c *clocked) {
		short, renewed, endless := c.open(), c.open(), c.open()
		all := []*Session{short, renewed, endless}
		for _, s := range all {
			s.Expire(2 * time.Minute)
		}
		renewed.Expire(5 * time.Minute)
		endless.Expire(0)
		live := func(d time.Duration) {
			for range int(d / time.Second) {
				time.Sleep(time.Second)
				for _, s := range all {
					s.pong()
				}
			}
		}
		live(115 * time.Second)
		assert.Equal(t, "before", c.closedBy("credentials expired"), 0)
		live(6 * time.Second)
		assert.Equal(t, "after", c.closedBy("credentials expired"), 1)
		assert.Equal(t, "which one", short.hasEnded(), true)
		live(3 * time.Minute)
		assert.Equal(t, "the renewed one", renewed.hasEnded(), true)
		live(time.Hour)
		assert.Equal(t, "without a limit", endless.hasEnded(), false)
		assert.Equal(t, "ping time-outs", c.closedBy("ping timeout"), 0)
	})
}

// TestP11_ASessionWhoseTimeWasNotTheLastGoesOn: what set the time may have left meanwhile.
func TestP11_ASessionWhoseTimeWasNotTheLastGoesOn(t *testing.T) {
	asked := 0
	opts := Options{PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second}
	opts.Expired = func(s *Session) bool {
		if asked++; asked == 1 {
			s.Expire(2 * time.Minute)
		}
		return asked == 3
	}
	withClock(t, opts, func(c *clocked) {
		s := c.open()
		live := func(d time.Duration) {
			for range int(d / time.Second) {
				time.Sleep(time.Second)
				s.pong()
			}
		}
		s.Expire(time.Minute)
		live(62 * time.Second)
		assert.Equal(t, "asked", asked, 1)
		live(2 * time.Minute)
		assert.Equal(t, "asked again", asked, 2)
		live(time.Hour)
		assert.Equal(t, "forgotten", asked, 2)
		s.Expire(time.Minute)
		live(62 * time.Second)
		assert.Equal(t, "ended", c.closedBy("credentials expired"), 1)
		assert.Equal(t, "ping time-outs", c.closedBy("ping timeout"), 0)
	})
}

// TestP11_RenewalsStopNoHeartbeat: a client that renews all the time, and is silent otherwise, is still found dead.
func TestP11_RenewalsStopNoHeartbeat(t *testing.T) {
	withClock(t, Options{PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second}, func(c *clocked) {
		s := c.open()
		for range 60 {
			s.Expire(24 * time.Second)
			time.Sleep(time.Second)
		}
		assert.Equal(t, "ping time-outs", c.closedBy("ping timeout"), 1)
	})
}
