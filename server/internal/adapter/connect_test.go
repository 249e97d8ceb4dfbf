package adapter

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
)

func withHistory(o *setup) {
	o.History = func(auth map[string]any) int {
		wanted, _ := auth["history"].(float64)
		return min(int(wanted), 5)
	}
	o.Greeting = greetingOf("2", 7)
}

func TestEveryClientHoldsAnOffsetFromItsFirstMoment(t *testing.T) {
	n := newNode(t, nil, withHistory)
	f, g := n.join("{}")
	assert.Equal(t, "online", g.Online, 7)
	if g.Sid == "" || g.Pid == "" {
		t.Errorf("no ids: %+v", g)
	}
	entries, err := n.stream.Last(t.Context(), stream.Offset{}, 1)
	assert.NoError(t, err)
	assert.Equal(t, "joining offset of an empty room", g.Offset, entries[0].Offset.String())

	p, offset := n.say("a")
	f.want(t, p)
	f2, g2 := n.join("{}")
	assert.Equal(t, "joining offset at the head", g2.Offset, offset.String())
	p2, _ := n.say("b")
	f.want(t, p2)
	f2.want(t, p2)
	f2.silent(t)
}

func TestHistoryIsALowerStartingPoint(t *testing.T) {
	n := newNode(t, nil, withHistory)
	var packets, offsets []string
	for _, text := range strings.Split("abcdefg", "") {
		p, o := n.say(text)
		packets, offsets = append(packets, p), append(offsets, o.String())
	}
	n.log.Reach(t.Context(), mustParse(t, offsets[6]))
	f, g := n.join(`{"history":2}`)
	assert.Equal(t, "joining offset", g.Offset, offsets[4])
	f.want(t, packets[5:]...)

	f, g = n.join(`{"history":100}`) // capped
	assert.Equal(t, "joining offset", g.Offset, offsets[1])
	f.want(t, packets[2:]...)
	f.silent(t)
}

func mustParse(t *testing.T, s string) stream.Offset {
	t.Helper()
	o, err := stream.ParseOffset(s)
	assert.NoError(t, err)
	return o
}

func back(pid, offset string) string {
	b, _ := json.Marshal(map[string]any{"pid": pid, "offset": offset, "history": 3})
	return string(b)
}

func TestP3_ReturningClientGetsExactlyWhatItMissed(t *testing.T) {
	var asked, recovered atomic.Int64
	n := newNode(t, nil, func(o *setup) {
		withHistory(o)
		o.Hooks.Recovered = func(ok bool) {
			asked.Add(1)
			if ok {
				recovered.Add(1)
			}
		}
	})
	f, g := n.join("{}")
	p1, o1 := n.say("1")
	f.want(t, p1)
	f.close("transport close")
	p2, _ := n.say("2")
	p3, o3 := n.say("3")
	n.log.Reach(t.Context(), o3)

	f, again := n.join(back(g.Pid, o1.String()))
	assert.Equal(t, "pid", again.Pid, g.Pid)
	assert.Equal(t, "sid", again.Sid, g.Sid)
	assert.Equal(t, "joining offset", again.Offset, o1.String())
	f.want(t, p2, p3)
	f.silent(t)

	f, again = n.join(back(g.Pid, g.Offset)) // had seen no message
	assert.Equal(t, "pid", again.Pid, g.Pid)
	f.want(t, p1, p2, p3)

	assert.Equal(t, "asked", asked.Load(), 2)
	assert.Equal(t, "recovered", recovered.Load(), 2)
	assert.Equal(t, "cursors that were kept", n.restored(), 0)
}

func (n *node) restored() (kept int) {
	n.main().restored.Range(func(any, any) bool { kept++; return true })
	return kept
}

func TestP3_UnknownPlaceIsToldAndNeverReplayedInPart(t *testing.T) {
	s := memory.New(memory.Options{MaxEntries: 3})
	n := newNode(t, s, func(o *setup) { withHistory(o); o.window.MaxCount = 2 })
	old := n.log.Head().Offset()
	for _, text := range []string{"a", "b", "c"} {
		n.say(text)
	}
	m := newNode(t, s, func(o *setup) { withHistory(o); o.window.MaxCount = 2 })
	for _, c := range []struct{ name, pid, offset string }{
		{"older than the window", "pid", old.String()},
		{"never existed", "pid", stream.Offset{Ms: m.log.Head().Offset().Ms - 1, Seq: 1 << 40}.String()},
		{"no offset", "pid", "x"},
		{"empty offset", "pid", ""},
		{"pid too long", strings.Repeat("p", maxPrivateID+1), m.log.Head().Offset().String()},
		{"no pid", "", m.log.Head().Offset().String()},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := m.open()
			g := f.connectMain(t, back(c.pid, c.offset))
			if g.Pid == c.pid || g.Pid == "" {
				t.Errorf("pid %q", g.Pid)
			}
			f.next(t) // two messages of history, as requested
			f.next(t)
			f.silent(t)
		})
	}
}

func TestConnectTurnLastsUntilTheLastConnectionListener(t *testing.T) {
	n := newNode(t, nil, nil)
	enter, leave := make(chan struct{}), make(chan struct{})
	assert.NoError(t, n.io.On("connection", func(args ...any) {
		enter <- struct{}{}
		<-leave
		args[0].(*socket.Socket).On("late", func(args ...any) { args[1].(socket.Ack)([]any{"seen"}, nil) })
	}))

	f := n.open()
	f.send("0{}")
	<-enter
	assert.Equal(t, "held", f.isBusy(), true)
	close(leave)
	f.send(`21["late",1]`)
	f.next(t)
	f.next(t)
	f.want(t, `31["seen"]`)
}

func TestPRE1_NothingThatOthersDoComesBeforeTheGreeting(t *testing.T) {
	n := newNode(t, nil, nil)
	answered := make(chan struct{}, 2)
	assert.NoError(t, n.io.On("connection", func(...any) {
		<-answered
		assert.NoError(t, n.io.Sockets().Volatile().Emit("typing", "somebody"))
	}))

	answered <- struct{}{}
	greeted, _ := n.join("{}")
	f := n.open()
	f.send("0{}")
	f.next(t)
	answered <- struct{}{}
	if p := f.next(t); !strings.HasPrefix(p, `2["presence",`) {
		t.Errorf("first event: %s", p)
	}
	greeted.want(t, `2["typing","somebody",null]`)
	f.silent(t)
}

func TestRefusedConnectReleasesTheTurnAndLeavesNothing(t *testing.T) {
	n := newNode(t, nil, nil)
	n.io.Use(func(_ *socket.Socket, next func(*socket.ExtendedError)) { next(socket.NewExtendedError("no", nil)) })
	f := n.open()
	f.send("0{}")
	f.want(t, `4{"data":null,"message":"no"}`)
	f.send("0/nowhere,{}")
	f.want(t, `4/nowhere,{"message":"Invalid namespace"}`)
	f.send(`0` + back("pid", n.log.Head().Offset().String()))
	f.want(t, `4{"data":null,"message":"no"}`)
	assert.Equal(t, "members", len(n.main().members.all), 0)
	assert.Equal(t, "cursors that were kept", n.restored(), 0)
}

func TestDisconnectThenConnectInTheSameSession(t *testing.T) {
	n := newNode(t, nil, nil)
	f, _ := n.join("{}")
	for range 20 {
		f.send("1")
		f.connectMain(t, "{}")
		p, _ := n.say("again")
		f.want(t, p)
	}
	f.silent(t)
	assert.Equal(t, "members", len(n.main().members.all), 1)
}

func TestSessionThatClosesDuringConnectLeavesNoGhost(t *testing.T) {
	n := newNode(t, nil, nil)
	for range 300 {
		f := n.open()
		f.send("0{}")
		f.close("transport close")
	}
	ns := n.main()
	assert.Eventually(t, "no socket is left", func() bool {
		return n.io.Sockets().Sockets().Len() == 0 && len(ns.members.match(nil, nil)) == 0
	})

	assert.Eventually(t, "no member is left", func() bool {
		ns.members.mu.Lock()
		defer ns.members.mu.Unlock()
		return len(ns.members.all) == 0 && len(ns.members.rooms) == 0
	})
}

func TestOtherNamespacesDoNotFollowTheLog(t *testing.T) {
	n := newNode(t, nil, nil)
	n.io.Of("/other", nil)
	f := n.open()
	f.send("0/other,{}")
	if p := f.next(t); !strings.HasPrefix(p, `0/other,{"sid"`) {
		t.Errorf("answer %s", p)
	}
	n.say("not for /other")
	n.io.Of("/other", nil).Emit("hello")
	f.want(t, `2/other,["hello"]`)
	f.silent(t)
}

// gapping is a stream whose follower gets a gap when the test says so.
type gapping struct {
	stream.Stream
	gap chan struct{}
}

func (g gapping) Follow(ctx context.Context, after stream.Offset, fn func([]stream.Entry) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-g.gap:
			cancel(stream.ErrGap)
		case <-ctx.Done():
		}
	}()
	err := g.Stream.Follow(ctx, after, fn)
	if cause := context.Cause(ctx); errors.Is(cause, stream.ErrGap) {
		return cause
	}
	return err
}

func TestGapEmptiesTheLogAndEndsItsSessions(t *testing.T) {
	var resets atomic.Int64
	g := gapping{memory.New(memory.Options{}), make(chan struct{})}
	n := newNode(t, g, func(o *setup) { o.reset = func() { resets.Add(1) } })
	f, _ := n.join("{}")
	p, _ := n.say("before")
	f.want(t, p)
	g.gap <- struct{}{}
	assert.Eventually(t, "the session knows", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.lost) > 0 && f.lost[0] == fanout.LostReset
	})

	assert.Equal(t, "resets", resets.Load(), 1)
	f, _ = n.join("{}")
	p, _ = n.say("after")
	f.want(t, p)
}
