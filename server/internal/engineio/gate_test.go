package engineio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zishang520/engine.io/v2/types"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// gate counts who is inside.
type gate struct {
	enter   func(ctx context.Context, namespace string) error
	entered atomic.Int64

	mu     sync.Mutex
	inside map[string]bool // by session and namespace
	wrong  []string
}

func newGate(enter func(ctx context.Context, namespace string) error) *gate {
	return &gate{enter: enter, inside: map[string]bool{}}
}

// until makes a gate that opens with the channel.
func until(open <-chan struct{}) *gate {
	return newGate(func(ctx context.Context, _ string) error {
		select {
		case <-open:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

func (g *gate) guard(o *Options) { o.Gate = g }

func (g *gate) Enter(ctx context.Context, s *Session, namespace string) error {
	g.entered.Add(1)
	if err := g.enter(ctx, namespace); err != nil {
		return err
	}
	g.move(s, namespace, true)
	return nil
}

func (g *gate) Leave(s *Session, namespace string) { g.move(s, namespace, false) }

func (g *gate) move(s *Session, namespace string, in bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := s.Id() + namespace
	if g.inside[key] == in {
		g.wrong = append(g.wrong, fmt.Sprint(key, " moved to ", in, " twice"))
	}
	if g.inside[key] = in; !in {
		delete(g.inside, key)
	}
}

// isEmpty reports whether everybody has left.
func (g *gate) isEmpty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.inside) == 0
}

func (g *gate) check(t testing.TB) {
	t.Helper()
	assert.Eventually(t, "everybody has left", g.isEmpty)
	g.mu.Lock()
	defer g.mu.Unlock()
	assert.Equal(t, "wrong", len(g.wrong), 0)
}

func TestROOM_ARefusalIsACONNECTERROR(t *testing.T) {
	t.Parallel()
	g := newGate(func(context.Context, string) error {
		return fmt.Errorf("wrapped: %w", &Refusal{"room_invalid", `No such "room"`})
	})
	e, got := newTurns(t, g.guard)
	c, _ := openWS(t, e)
	for _, nsp := range []string{"/rooms/x", "/rooms/y"} {
		c.send("40" + nsp)
		c.expect("44" + nsp + `,{"data":{"code":"room_invalid"},"message":"No such \"room\""}`)
	}
	c.send("40")
	assert.Equal(t, "the gate is not asked", assert.Receive(t, "packet", got), "0{}")
	s := assert.Receive(t, "session", e.sessions)
	assert.Eventually(t, "no lane is left", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.lanes.count == 1 })
	g.check(t)
}

// TestROOM_WhatPassesClosesTheTransport: so that the client comes back.
func TestROOM_WhatPassesClosesTheTransport(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]*gate{
		"an error": newGate(func(context.Context, string) error { return errors.New("away") }),
		"time":     until(nil),
	} {
		e, got := newTurns(t, g.guard, func(o *Options) { o.ConnectTimeout = 20 * time.Millisecond })
		c, _ := openWS(t, e)
		c.send("40/rooms/x")
		c.expectClose(wire.CodeRestart)
		assert.Equal(t, name, e.closedBy("namespace unavailable"), 1)
		assert.Equal(t, "handed over", len(got), 0)
		g.check(t)
	}
}

// TestROOM_TheEndOfASessionEndsTheWait of the gate. A gate that lets the session in nevertheless is told that it left.
func TestROOM_TheEndOfASessionEndsTheWait(t *testing.T) {
	t.Parallel()
	late := newGate(func(ctx context.Context, _ string) error { <-ctx.Done(); return nil })
	for _, g := range []*gate{until(nil), late} {
		e, got := newTurns(t, g.guard)
		c, _ := openWS(t, e)
		for n := range 10 {
			c.send(fmt.Sprintf("40/%d", n))
		}
		assert.Eventually(t, "all are at the gate", func() bool { return g.entered.Load() == 10 })
		assert.NoError(t, c.nc.Close(), "close")
		assert.Eventually(t, "the end", func() bool { return e.Connections() == 0 })
		assert.Equal(t, "handed over", len(got), 0)
		g.check(t)
	}
}

// TestROOM_AKickThatMeetsACONNECT: the end of the old socket may end the turn of the new one. The session still hears it.
func TestROOM_AKickThatMeetsACONNECT(t *testing.T) {
	t.Parallel()
	e := newEdge(t, nil, socketIO)
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	got := make(chan string, 10)
	_ = s.On("data", func(args ...any) {
		b, _ := io.ReadAll(args[0].(io.Reader))
		s.Turn("/x").Done()
		got <- string(b)
	})
	c.send("40/x")
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), "0/x,{}")
	assert.Eventually(t, "no lane is left", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.lanes.count == 0 })
	s.Joined("/x", nil)
	c.send(`42/x,["a"]`)
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), `2/x,["a"]`)
}

func TestROOM_TheGateIsLeftBeforeItIsEnteredAgain(t *testing.T) {
	t.Parallel()
	g := newGate(func(context.Context, string) error { return nil })
	e, got := newTurns(t, g.guard)
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	for range 20 {
		c.send("40/x")
		c.send("41/x")
		for _, want := range []string{"0/x,{}", "1/x"} {
			assert.Equal(t, "packet", assert.Receive(t, "packet", got), want)
			s.Turn("/x").Done()
		}
	}
	g.check(t)
	assert.Equal(t, "entered", g.entered.Load(), 20)

	c.send("40/x") // refused by the library
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), "0/x,{}")
	s.Left("/x")
	s.Write(types.NewStringBufferString(`4/x,{"message":"no"}`), nil, nil)
	g.check(t)

	join(t, c, s, got, "/x", "/y")
	s.Left("/y") // kicked by the server
	assert.Eventually(t, "y is left", func() bool { g.mu.Lock(); defer g.mu.Unlock(); return len(g.inside) == 1 })
	assert.NoError(t, c.nc.Close(), "close")
	assert.Eventually(t, "the end", func() bool { return e.Connections() == 0 })
	assert.Equal(t, "the library has a socket still", g.isEmpty(), false)
	s.Left("/x")
	g.check(t)
}

// TestP10_AFloodOfNamespacesIsBounded: a session has so many lanes and no more. While some of them are not settled, it waits;
// afterwards it is refused.
func TestP10_AFloodOfNamespacesIsBounded(t *testing.T) {
	t.Parallel()
	const most = 5
	release := make(chan struct{})
	g := until(release)
	e, got := newTurns(t, g.guard, func(o *Options) { o.MaxNamespaces = most })
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	for n := range 2 * most {
		c.send(fmt.Sprintf("40/%d", n))
	}
	assert.Eventually(t, "the client waits", s.isHeld)
	assert.Eventually(t, "as many are at the gate", func() bool { return g.entered.Load() == most })
	close(release)
	for range most {
		packet := assert.Receive(t, "packet", got)
		s.Turn(string(wire.NamespaceOf([]byte(packet)))).Done()
	}
	for n := range most {
		c.expect(fmt.Sprintf(`44/%d,{"data":{"code":"too_many_rooms"},"message":"Too many namespaces"}`, most+n))
	}
	c.send("41/0")
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), "1/0")
	s.Turn("/0").Done()
	join(t, c, s, got, "/more")
}

// TestP10_LargeCONNECTsWaitOneAfterTheOther: what waits at the gate is bounded in bytes.
func TestP10_LargeCONNECTsWaitOneAfterTheOther(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	g := until(release)
	e, got := newTurns(t, g.guard)
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	for n := range 10 {
		c.send(fmt.Sprintf(`40/%d,{"x":"%s"}`, n, strings.Repeat("x", 20_000)))
	}
	assert.Eventually(t, "the client waits", s.isHeld)
	assert.Eventually(t, "three are at the gate", func() bool { return g.entered.Load() == 3 })
	close(release)
	for range 10 {
		packet := assert.Receive(t, "packet", got)
		s.Turn(string(wire.NamespaceOf([]byte(packet)))).Done()
	}
	assert.Eventually(t, "nothing waits", s.isIdle)
}

// TestROOM_StraysAreDropped: a packet for a namespace that the session is not in does not close the connection.
func TestROOM_StraysAreDropped(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	strays := map[string]int{}
	e, got := newTurns(t, func(o *Options) {
		o.Hooks.Stray = func(kind string) { mu.Lock(); defer mu.Unlock(); strays[kind]++ }
		o.AllowBinary = true
	})
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	for _, text := range []string{`42["x"]`, `42/x,1["x"]`, `43/x,1["x"]`, `41`, `41/x`} {
		c.send(text)
	}
	c.send(`451-/x,["x",{"_placeholder":true,"num":0}]`)
	c.frame(wire.OpBinary, "x")
	c.send(`40/y`) // refused, with an event behind it
	c.send(`42/y,["x"]`)
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), "0/y,{}")
	s.Left("/y")
	s.Write(types.NewStringBufferString(`4/y,{"message":"no"}`), nil, nil)
	c.send("40")
	assert.Equal(t, "the session goes on", assert.Receive(t, "packet", got), "0{}")
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, "counted", strays, map[string]int{"event": 4, "ack": 1, "disconnect": 2})
	for kind := range strays {
		assert.Equal(t, kind, strings.Contains(fmt.Sprint(StrayKinds()), kind), true)
	}
}

// TestROOM_StraysAreTakenInTime: also those that waited in a lane.
func TestROOM_StraysAreTakenInTime(t *testing.T) {
	stray := wire.Packet{Type: wire.PacketMessage, Data: []byte(`2/x,["x"]`)}
	withClock(t, Options{}, func(c *clocked) {
		s := c.open()
		const seconds = 10
		began := time.Now()
		for range sundriesBurst {
			assert.NoError(t, s.receive(stray), "stray")
		}
		assert.Equal(t, "at once", time.Since(began), 0)
		_ = s.On("data", func(args ...any) { _, _ = io.ReadAll(args[0].(io.Reader)) })
		for range seconds * sundriesRate {
			assert.NoError(t, s.receive(stray), "stray")
		}
		assert.NoError(t, s.receive(wire.Packet{Type: wire.PacketMessage, Data: []byte(`31["x"]`)}), "next")
		assert.Equal(t, "in time", time.Since(began).Round(10*time.Millisecond), seconds*time.Second)
		assert.Equal(t, "the session lives", s.hasEnded(), false)
	})
}

func TestAttachment_IsMadeOnce(t *testing.T) {
	t.Parallel()
	withClock(t, Options{}, func(c *clocked) {
		s := c.open()
		one := s.Attachment(func() any { return new(int) })
		assert.Equal(t, "the same", s.Attachment(func() any { return new(int) }) == one, true)
		assert.Equal(t, "the gate has another", s.Visit(func() any { return new(int) }) == one, false)
		assert.Equal(t, "of each session its own", c.open().Attachment(func() any { return new(int) }) == one, false)
	})
}
