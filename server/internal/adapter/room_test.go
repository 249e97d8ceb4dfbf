package adapter

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
)

// enterRoom connects the session to [cats] and reads the greeting.
func (f *fake) enterRoom(t *testing.T, auth string) (g greeting) {
	t.Helper()
	answer, ok := strings.CutPrefix(f.enter(t, cats, auth), "0"+cats+",")
	assert.Equal(t, "let in", ok, true)
	assert.NoError(t, json.Unmarshal([]byte(answer), &g))
	presence := strings.TrimPrefix(f.next(t), "2"+cats+",")
	assert.NoError(t, json.Unmarshal([]byte(presence), &[]any{new(string), &g, &g.Offset}))
	return g
}

func TestROOM2_ARoomHasItsOwnOrderAndRecovery(t *testing.T) {
	n := newRoomNode(t, nil)
	n.hub.Open(cats)
	room := n.io.Of(cats, nil)
	f, main := n.join("{}")
	g := f.enterRoom(t, "{}")
	if g.Pid == main.Pid || g.Sid == main.Sid || g.Pid == "" {
		t.Errorf("ids of / and of a room: %+v, %+v", main, g)
	}
	assert.NoError(t, room.Emit("message", 1))
	first := f.next(t)
	assert.Equal(t, "a message of the room", strings.HasPrefix(first, `2`+cats+`,["message",1,"`), true)
	p, _ := n.say("in /")
	f.want(t, p)

	assert.NoError(t, room.Emit("message", 2))
	second := f.next(t)
	f.close("transport close")
	back := n.open()
	again := back.enterRoom(t, `{"pid":"`+g.Pid+`","offset":"`+g.Offset+`"}`)
	assert.Equal(t, "pid", again.Pid, g.Pid)
	assert.Equal(t, "sid", again.Sid, g.Sid)
	back.want(t, first, second)
	back.silent(t)
}

func TestROOM1_AClientWithoutPayloadEntersAndLeavesARoom(t *testing.T) {
	n := newRoomNode(t, nil)
	n.hub.Open(cats)
	f, _ := n.join("{}")
	for range 3 {
		f.enterRoom(t, "")
		assert.Eventually(t, "it is a member", func() bool { return n.hub.Members(cats) == 1 })
		f.send("1" + cats + ",")
		assert.Eventually(t, "it has left", func() bool { return n.hub.Members(cats) == 0 })
	}
	p, _ := n.say("in / it still is")
	f.want(t, p)
}

// One secret gives two sockets of a connection two ids: the library would forget one of two with the same id, which would
// then stay for ever.
func TestP6_OneSecretInTwoRoomsLeavesNoGhost(t *testing.T) {
	n := newRoomNode(t, nil)
	n.hub.Open(cats)
	n.hub.Open("/rooms/dogs")
	f := n.open()
	g := f.enterRoom(t, "{}")
	auth := `{"pid":"` + g.Pid + `","offset":"` + g.Offset + `"}`
	answer := f.enter(t, "/rooms/dogs", auth) // both follow one record here, so the offset is known
	assert.Equal(t, "the secret is kept", strings.Contains(answer, g.Pid), true)
	assert.Equal(t, "the id is another", strings.Contains(answer, g.Sid), false)
	f.close("transport close")
	for _, name := range []string{cats, "/rooms/dogs"} {
		assert.Eventually(t, "nothing is left in "+name, func() bool { return n.hub.Discard(name) == nil })
	}
}

func TestP10_TheOwnerIsToldOfMembersInOrder(t *testing.T) {
	var told []int // one call at a time
	n := newNode(t, nil, nil)
	n.withRooms(memory.New(memory.Options{}), func(b *Binding) {
		b.Members = func(n int) { told = append(told, n) }
	})
	n.hub.Open(cats)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 20 {
				f := n.open()
				f.enter(t, cats, "{}")
				f.close("transport close")
			}
		})
	}
	all.Wait()
	assert.Eventually(t, "nobody is left", func() bool { return n.hub.Discard(cats) == nil })
	for i, members := range told {
		if before := append([]int{0}, told...)[i]; members != before+1 && members != before-1 {
			t.Fatalf("%d after %d", members, before)
		}
	}
	assert.Equal(t, "at last", told[len(told)-1], 0)
}

// roomPeers are two nodes that have [cats] open. They share its record, and its messages go by Publish.
func roomPeers(t *testing.T) (*fabric, []*peer) {
	t.Helper()
	f, nodes := newPeers(t, 2)
	shared := memory.New(memory.Options{})
	for i, p := range nodes {
		p.withRooms(shared, func(b *Binding) {
			b.Publish = func(message []byte) { nodes[1-i].hub.Receive(cats, message) }
		})
		p.hub.Open(cats)
	}
	return f, nodes
}

// dialRoom connects a client to [cats] and reads the greeting.
func (p *peer) dialRoom(auth string) *remote {
	p.t.Helper()
	c := p.dial(cats, auth)
	presence, ok := strings.CutPrefix(c.receive(), "42"+cats+",")
	assert.Equal(p.t, "greeted", ok, true)
	assert.NoError(p.t, json.Unmarshal([]byte(presence), &[]any{new(string), &struct{}{}, &c.offset}))
	return c
}

func TestROOM2_TheLibrarysRequestsReachTheRoomOnAllNodes(t *testing.T) {
	_, nodes := roomPeers(t)
	a, b := nodes[0].dialRoom("{}"), nodes[1].dialRoom("{}")
	room := nodes[0].io.Of(cats, nil)
	assert.NoError(t, room.Emit("message", 1))
	a.want(b.receive())
	fetched, err := fetch(t, room)
	assert.NoError(t, err)
	assert.Equal(t, "sockets", len(fetched), 2)

	heard := make(chan any, 1)
	assert.NoError(t, nodes[1].io.Of(cats, nil).On("news", func(args ...any) { heard <- args[0] }))
	assert.NoError(t, room.ServerSideEmit("news", "x"))
	assert.Equal(t, "server-side event", await(t, "news", heard), any("x"))

	room.SocketsJoin("r")
	assert.Eventually(t, "both have joined", func() bool {
		return nodes[1].hub.namespaceOf(cats).members.isAnyoneIn([]socket.Room{"r"})
	})
	assert.NoError(t, room.To("r").Emit("private", 1))
	for _, c := range []*remote{a, b} {
		c.want("42" + cats + `,["private",1]`)
	}
	room.DisconnectSockets(false)
	for i, c := range []*remote{a, b} {
		c.want("41" + cats + ",")
		assert.Eventually(t, "nobody is left", func() bool { return nodes[i].hub.Discard(cats) == nil })
	}
}

func TestROOM15_TypingGoesByTheWayOfTheRoom(t *testing.T) {
	f, nodes := roomPeers(t)
	a, b, c := nodes[0].dialRoom("{}"), nodes[0].dialRoom("{}"), nodes[1].dialRoom("{}")
	before := f.count()
	for i := range 3 {
		h := handle{nodes[0].hub.namespaceOf(cats)}
		assert.NoError(t, h.EmitVolatile(socket.SocketId(a.sid), "typing", i))
	}
	for i := range 3 {
		b.want(fmt.Sprintf(`42%s,["typing",%d]`, cats, i))
		c.want(fmt.Sprintf(`42%s,["typing",%d]`, cats, i))
	}
	assert.Equal(t, "messages on the bus", f.count()-before, 0)
}

func TestROOM2_AMemberThatMovesToAnotherNodeLeavesTheFirst(t *testing.T) {
	f, nodes := roomPeers(t)
	a := nodes[0].dialRoom("{}")
	before := f.count()
	b := nodes[1].dialRoom(`{"pid":"` + a.pid + `","offset":"` + a.offset + `"}`)
	assert.Equal(t, "sid", b.sid, a.sid)
	assert.Eventually(t, "the old connection is closed", func() bool { return nodes[0].hub.Members(cats) == 0 })
	assert.Equal(t, "messages on the bus", f.count()-before, 0)
}

// volatileMessage is what another node publishes for the typing of one of its clients.
func volatileMessage(nsp string, i int) []byte {
	return fmt.Appendf(nil, `{"k":"emit","n":%q,"v":true,"a":["typing",%d]}`, nsp, i)
}

func TestROOM15_MessagesOfOtherNodesAreBoundedAsInTheMainRoom(t *testing.T) {
	n := newRoomNode(t, func(o *setup) { o.VolatileInterval = time.Hour })
	n.hub.Open(cats)
	f := n.open()
	f.enterRoom(t, "{}")
	const extra = 10
	for i := range maxVolatile + extra {
		n.hub.Receive(cats, volatileMessage(cats, i))
	}
	n.hub.namespaceOf(cats).volatiles.flush()
	for i := range maxVolatile {
		f.want(t, fmt.Sprintf(`2%s,["typing",%d]`, cats, i))
	}
	assert.Equal(t, "writes", f.volatile.Load(), 1)
	assert.Equal(t, "dropped", n.hub.Stats().VolatileDropped, extra)
}

func TestP6_MalformedAndForeignMessagesOfARoomAreCountedAndDropped(t *testing.T) {
	n := newRoomNode(t, func(o *setup) { o.VolatileInterval = time.Millisecond })
	n.hub.Open(cats)
	f := n.open()
	f.enterRoom(t, "{}")
	foreign := [][]byte{
		volatileMessage("/rooms/dogs", 1), volatileMessage("/", 1), nil,
		{0},
		[]byte(`{"k":"emit","n":"` + cats + `","a":["not volatile"]}`),
		[]byte(`{"k":"disconnect","n":"` + cats + `"}`), []byte(`{"k":"fetch","i":1,"n":"` + cats + `"}`),
	}
	for _, message := range foreign {
		n.hub.Receive(cats, message)
	}
	n.hub.Receive("/rooms/closed", volatileMessage("/rooms/closed", 1)) // the room was left meanwhile
	n.hub.Receive(cats, volatileMessage(cats, 2))
	f.want(t, "2"+cats+`,["typing",2]`)
	f.silent(t)
	assert.Equal(t, "counted", n.hub.Stats().BusMalformed, int64(len(foreign)))
}

func FuzzRoomMessages(f *testing.F) {
	for _, seed := range hostile {
		f.Add([]byte(strings.ReplaceAll(seed, `"/"`, `"`+cats+`"`)))
	}
	f.Add(volatileMessage(cats, 1))
	h := New(Options{VolatileInterval: time.Hour})
	f.Cleanup(h.Close)
	io := socket.NewServer(nil, h.ServerOptions())
	h.Attach(io)
	h.Open(cats)
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := h.Stats().BusMalformed
		h.Receive(cats, payload)
		if m, err := decodeMessage(payload); (err != nil || m.Nsp != cats) && h.Stats().BusMalformed == before {
			t.Errorf("%q was not counted", payload)
		}
	})
}

func TestClusterCallbacksRunWithoutTheLockAfterTheEnd(t *testing.T) {
	h := New(Options{})
	h.Close()
	g := &gathering{hub: h, expected: 1, heard: map[string]int{}}
	ended := make(chan error, 1)
	g.done = func(err error) {
		g.mu.Lock() // deadlocks if the caller holds it
		defer g.mu.Unlock()
		ended <- err
	}
	g.expire(context.Canceled, time.Second)
	assert.Equal(t, "told", await(t, "the end", ended) != nil, true)
}

// unreadable is a record that is away.
type unreadable struct{ stream.Record }

func (unreadable) Last(context.Context, stream.Offset, int) ([]stream.Entry, error) {
	return nil, stream.ErrClosed
}

// A client that may be able to recover, but not now, is not told that it could not: its transport closes, and it comes back.
func TestP3_RecoveryThatCannotReadClosesTheTransport(t *testing.T) {
	n := newNode(t, nil, nil)
	const prefix = "2" + cats + ","
	r := replica.New(replica.Options{
		Stream: unreadable{}, Sweepers: n.sweepers, Encode: encoderOf(prefix), Decode: func(frame []byte) []byte { return frame },
	})
	t.Cleanup(r.Close)
	r.Reset([]stream.Entry{{Offset: stream.Offset{Ms: 100}, Event: []byte(`["x"]`)}})
	n.hub.opts.Bind = func(Namespace) Binding { return Binding{Replica: r, Greeting: greetingOf(prefix, 0)} }
	n.hub.Attach(n.io)
	n.hub.Open(cats)
	f := n.open()
	f.send("0" + cats + "," + back("pid", "50-0"))
	assert.Eventually(t, "the transport closes", func() bool { return f.ReadyState() == "closed" })
	assert.Equal(t, "members", n.hub.Members(cats), 0)
	assert.Equal(t, "a new client is let in", isIn(n.open().enter(t, cats, "{}")), true)
	assert.Equal(t, "one that has seen the newest, too", isIn(n.open().enter(t, cats, back("pid", "100-0"))), true)
}
