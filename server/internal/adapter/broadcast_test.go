package adapter

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestP1_BroadcastGoesThroughTheStream(t *testing.T) {
	n := newNode(t, nil, nil)
	a, _ := n.join("{}")
	b, _ := n.join("{}")
	n.io.Emit("news", map[string]any{"n": 1}, "text")
	n.log.Reach(t.Context(), stream.Offset{Ms: 1})
	want := a.next(t)
	if !strings.HasPrefix(want, `2["news",{"n":1},"text","1`) {
		t.Errorf("broadcast became %s", want)
	}
	b.want(t, want)
	entries, err := n.stream.Last(t.Context(), stream.Offset{}, 1)
	assert.NoError(t, err)
	assert.Equal(t, "stored", string(entries[0].Event), `["news",{"n":1},"text"]`)
}

func TestTargetedPacketsArePrivate(t *testing.T) {
	n := newNode(t, nil, nil)
	a, ga := n.join("{}")
	b, gb := n.join("{}")
	c, gc := n.join("{}")
	sa, sb, sc := n.socketOf(ga.Sid), n.socketOf(gb.Sid), n.socketOf(gc.Sid)
	sa.Join("r", "q")
	sb.Join("r", socket.Room(gc.Sid))

	assert.NoError(t, sa.Emit("private", "not an offset"))
	assert.NoError(t, n.io.To("r", "q").Emit("room"))
	assert.NoError(t, n.io.To("r").Except(socket.Room(ga.Sid)).Emit("except"))
	assert.NoError(t, n.io.To(socket.Room(gc.Sid)).Emit("own"))
	assert.NoError(t, sc.Broadcast().Emit("others")) // everybody except the room of c
	assert.NoError(t, n.io.Volatile().Emit("volatile"))
	assert.NoError(t, n.io.Local().Emit("local"))
	n.io.Sockets().Emit("binary", []byte("x"))
	a.want(t, `2["private","not an offset",null]`, `2["room",null]`, `2["others",null]`)
	b.want(t, `2["room",null]`, `2["except",null]`, `2["own",null]`)
	c.want(t, `2["own",null]`)
	for _, f := range []*fake{a, b, c} {
		last := f.next(t) // a socket with pending packets is not ready for volatile ones
		if last == `2["volatile",null]` {
			last = f.next(t)
		}
		assert.Equal(t, "last", last, `2["local",null]`)
		f.want(t, `51-["binary",{"_placeholder":true,"num":0}]`, "x")
		f.silent(t)
	}
	entries, err := n.stream.Last(t.Context(), stream.Offset{}, 10)
	assert.NoError(t, err)
	assert.Equal(t, "entries beside the genesis", len(entries)-1, 0)
}

func TestPacketsThatCannotBeEncodedAreNotSent(t *testing.T) {
	n := newNode(t, nil, nil)
	f, g := n.join("{}")
	assert.NoError(t, n.socketOf(g.Sid).Emit("bad", make(chan int)))
	n.io.Emit("bad", func() {})
	assert.NoError(t, n.socketOf(g.Sid).Emit("good"))
	f.want(t, `2["good",null]`)
}

func TestRoomsFollowJoinsAndLeaves(t *testing.T) {
	n := newNode(t, nil, nil)
	ns := n.main()
	var mu sync.Mutex
	var told []string
	for _, event := range []string{"create-room", "join-room", "leave-room", "delete-room"} {
		assert.NoError(t, ns.On(events.EventName(event), func(args ...any) {
			if args[0].(socket.Room) == "r" {
				mu.Lock()
				told = append(told, event)
				mu.Unlock()
			}
		}))
	}
	a, ga := n.join("{}")
	_, gb := n.join("{}")
	sa, sb := n.socketOf(ga.Sid), n.socketOf(gb.Sid)
	sa.Join("r")
	sa.Join("r")
	sb.Join("r")
	assert.Equal(t, "rooms", sa.Rooms().Len(), 2)
	assert.Equal(t, "in r", ns.Sockets(sa.Rooms()).Len(), 2)
	if ids, ok := ns.Rooms().Load("r"); !ok || ids.Len() != 2 {
		t.Error("Rooms() does not know r")
	}
	if rooms, ok := ns.Sids().Load(sb.Id()); !ok || !rooms.Has("r") || !rooms.Has(socket.Room(gb.Sid)) {
		t.Error("Sids() does not know b")
	}
	sa.Leave("r")
	sb.Leave("r")
	sb.Leave("r")
	mu.Lock()
	assert.Equal(t, "told", strings.Join(told, " "), "create-room join-room join-room leave-room leave-room delete-room")
	mu.Unlock()

	sa.Leave(socket.Room(ga.Sid)) // its own room
	assert.NoError(t, n.io.To(socket.Room(ga.Sid)).Emit("lost"))
	assert.NoError(t, n.io.Local().Emit("found"))
	a.want(t, `2["found",null]`)
}

func TestRoomsSurviveRacingJoinsLeavesAndCloses(t *testing.T) {
	n := newNode(t, nil, nil)
	ns := n.main()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 40 {
				f, g := n.join("{}")
				s := n.socketOf(g.Sid)
				var inner sync.WaitGroup
				inner.Go(func() { s.Join("r") })
				inner.Go(func() { s.Leave("r") })
				if rand.N(2) == 0 {
					inner.Go(func() { f.close("transport close") })
				}
				inner.Wait()
				s.Join("r")
				if s.Connected() && !s.Rooms().Has("r") {
					t.Error("a membership was lost")
				}
				f.close("transport close")
			}
		})
	}
	wg.Wait()
	ns.members.mu.Lock()
	defer ns.members.mu.Unlock()
	assert.Equal(t, "members", len(ns.members.all), 0)
	assert.Equal(t, "rooms", len(ns.members.rooms), 0)
}

func TestManySocketsAtOnce(t *testing.T) {
	n := newNode(t, nil, nil)
	a, ga := n.join("{}")
	b, gb := n.join("{}")
	n.io.In(socket.Room(ga.Sid)).SocketsJoin("x", "y")
	n.io.In("x").SocketsLeave("y")
	n.io.FetchSockets()(func(found []*socket.RemoteSocket, err error) {
		assert.NoError(t, err)
		assert.Equal(t, "sockets", len(found), 2)
		for _, s := range found {
			if string(s.Id()) == ga.Sid {
				assert.Equal(t, "rooms of a", s.Rooms().Len(), 2)
			}
		}
	})
	n.io.In("x").DisconnectSockets(false)
	a.want(t, "1")
	assert.NoError(t, n.io.Local().Emit("to b"))
	b.want(t, `2["to b",null]`)
	n.io.In(socket.Room(gb.Sid)).DisconnectSockets(true)
	assert.Eventually(t, "b is closed", func() bool { return b.ReadyState() == "closed" })
}

func TestAckBroadcast(t *testing.T) {
	n := newNode(t, nil, nil)
	a, ga := n.join("{}")
	b, gb := n.join("{}")
	answers := make(chan string, 10)
	ask := func(timeout time.Duration) {
		assert.NoError(t, n.io.Timeout(timeout).Emit("ask", func(args []any, err error) { answers <- fmt.Sprint(len(args), err != nil) }))
	}
	ask(patience)
	pa, pb := a.next(t), b.next(t)
	assert.Equal(t, "one id for all", pa, pb)
	id := strings.TrimSuffix(strings.TrimPrefix(pa, "2"), `["ask"]`)
	a.send("3" + id + `["a"]`)
	a.send("3" + id + `["a again"]`)
	b.send("3" + id + `["b"]`)
	assert.Equal(t, "answers", <-answers, "2 false")

	ask(20 * time.Millisecond)
	a.send("3" + strings.TrimSuffix(strings.TrimPrefix(a.next(t), "2"), `["ask"]`) + `["a"]`)
	assert.Equal(t, "answers in time", <-answers, "1 true")
	for _, sid := range []string{ga.Sid, gb.Sid} {
		assert.Eventually(t, "nothing is kept of it", func() bool { return n.socketOf(sid).Acks().Len() == 0 })
	}
}

func TestTheOwnerSendsAndEmitsWhatIsVolatile(t *testing.T) {
	n := newNode(t, nil, nil)
	a, ga := n.join("{}")
	b, _ := n.join("{}")
	handle{n.main()}.SendVolatile(wire.AppendMessage(nil, []byte(`2["presence",{"online":2}]`)))
	a.want(t, `2["presence",{"online":2}]`)
	b.want(t, `2["presence",{"online":2}]`)
	n.typing(ga.Sid, typingNotice{Username: "A", ID: ga.Sid, Typing: true})
	b.want(t, `2["typing",{"username":"A","id":"`+ga.Sid+`","typing":true}]`)
	a.silent(t)
	assert.Equal(t, "name", handle{n.main()}.Name(), "/")
}

func TestHubWithoutStreamDeliversItself(t *testing.T) {
	n := newNode(t, nil, func(o *setup) { o.plain = true })
	f := n.open()
	f.send("0{}")
	if answer := f.next(t); strings.Contains(answer, "pid") {
		t.Errorf("recovery is offered: %s", answer)
	}
	n.io.Emit("hello")
	f.want(t, `2["hello"]`)
}

func TestBroadcastThatTheStreamRefusesIsCounted(t *testing.T) {
	n := newNode(t, nil, nil)
	assert.NoError(t, n.stream.(interface {
		Close(ctx context.Context) error
	}).Close(t.Context()))

	n.io.Emit("lost")
	assert.Eventually(t, "counted", func() bool { return n.hub.Stats().Unsent == 1 })
}
