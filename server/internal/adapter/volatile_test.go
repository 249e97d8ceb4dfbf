package adapter

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/test/assert"
)

func TestTYP8_VolatileBroadcastsAreOneWriteForEachSocket(t *testing.T) {
	n := newNode(t, nil, func(o *setup) { o.VolatileInterval = time.Hour })
	var all []*fake
	for range 20 {
		f, _ := n.join("{}")
		all = append(all, f)
	}
	for i := range 10 * maxVolatile {
		assert.NoError(t, n.io.Volatile().Emit("x", i))
	}
	n.main().volatiles.flush()
	for _, f := range all {
		assert.Equal(t, "writes", f.volatile.Load(), 1)
		for i := range maxVolatile {
			f.want(t, fmt.Sprintf(`2["x",%d]`, i))
		}
		f.silent(t)
	}
	assert.Equal(t, "dropped", n.hub.Stats().VolatileDropped, 9*maxVolatile)
}

func TestTYP7_IntervalsFollowEachOther(t *testing.T) {
	n := newNode(t, nil, func(o *setup) { o.VolatileInterval = time.Millisecond })
	f, _ := n.join("{}")
	for i := range 20 {
		assert.NoError(t, n.io.Volatile().Emit("x", i))
		f.want(t, fmt.Sprintf(`2["x",%d]`, i))
	}
}

func TestTYP8_LargeVolatileBroadcastsAreBounded(t *testing.T) {
	n := newNode(t, nil, func(o *setup) { o.VolatileInterval = time.Hour })
	n.join("{}")
	v := n.main().volatiles
	assert.NoError(t, n.io.Volatile().Emit("x", strings.Repeat("x", 2*maxVolatileBytes)))
	assert.Equal(t, "a large one alone", len(v.waiting), 1)
	assert.NoError(t, n.io.Volatile().Emit("x"))
	assert.Equal(t, "another", len(v.waiting), 1)
	v.flush()
	assert.NoError(t, n.io.Volatile().Emit("x"))
	assert.Equal(t, "after the flush", len(v.waiting), 1)
	assert.Equal(t, "dropped", n.hub.Stats().VolatileDropped, 1)
}

func TestTYP7_GatheredBroadcastsReachTheirReceiversInOrder(t *testing.T) {
	n := newNode(t, nil, func(o *setup) { o.VolatileInterval = time.Hour })
	v := func(to *socket.BroadcastOperator, event string) { assert.NoError(t, to.Volatile().Emit(event, 1)) }
	a, ga := n.join("{}")
	b, gb := n.join("{}")
	c, gc := n.join("{}")
	n.socketOf(ga.Sid).Join("r", "q")
	n.socketOf(gb.Sid).Join("r")
	v(n.io.To("r", "q"), "both rooms")
	v(n.io.Except(socket.Room(ga.Sid)), "all but a")
	v(n.io.To("r").Except("q"), "b")
	v(n.io.To("nobody"), "nobody")
	v(n.io.Except("nobody"), "all")
	assert.NoError(t, n.socketOf(gc.Sid).Volatile().Emit("own", 1)) // a single socket does not wait
	c.want(t, `2["own",1]`)
	n.io.Sockets().Volatile().Emit("binary", []byte("x"), 1)
	v(n.io.Except("nobody"), "last")
	late, _ := n.join("{}")
	n.main().volatiles.flush()
	binary := `51-["binary",{"_placeholder":true,"num":0},1]`
	a.want(t, `2["both rooms",1]`, `2["all",1]`, binary, "x", `2["last",1]`)
	b.want(t, `2["both rooms",1]`, `2["all but a",1]`, `2["b",1]`, `2["all",1]`, binary, "x", `2["last",1]`)
	c.want(t, `2["all but a",1]`, `2["all",1]`, binary, "x", `2["last",1]`)
	late.silent(t) // it does not receive what was sent before it joined
	for _, f := range []*fake{a, b, c} {
		f.silent(t)
	}
}

func TestTYP7_ASlowReceiverGetsAllOrNothing(t *testing.T) {
	n := newNode(t, nil, func(o *setup) { o.VolatileInterval = time.Hour })
	f, _ := n.join("{}")
	other, g := n.join("{}")
	assert.NoError(t, n.io.Local().Emit("unread", 1))
	other.want(t, `2["unread",1]`)
	for _, typing := range []bool{true, false} {
		n.typing(g.Sid+"x", typingNotice{Username: "A", ID: "a", Typing: typing})
	}
	n.main().volatiles.flush()
	f.want(t, `2["unread",1]`)
	f.silent(t)
	other.want(t, `2["typing",{"username":"A","id":"a","typing":true}]`, `2["typing",{"username":"A","id":"a","typing":false}]`)
}

func TestTYP8_VolatileBroadcastsAreOneMessageForTheOtherNodes(t *testing.T) {
	f, nodes := newPeers(t, 2)
	a, b := nodes[0].dial("/", ""), nodes[1].dial("/", "")
	before := f.count()
	const many = 50
	for i := range many {
		assert.NoError(t, nodes[0].io.Except(a.room).Volatile().Emit("x", i))
	}
	for i := range many {
		b.want(fmt.Sprintf(`42["x",%d]`, i))
	}
	if got := f.count() - before; got > 5 {
		t.Errorf("%d messages on the bus", got)
	}
	// Volatile packets wait neither behind the requests of other nodes nor ahead of them.
	assert.NoError(t, nodes[0].io.Local().Emit("nothing before", 1))
	a.want(`42["nothing before",1]`)
}

func TestTYP8_MessagesForOtherNodesAreSplitWhereTheyAreTooLarge(t *testing.T) {
	f, nodes := newPeers(t, 2)
	b := nodes[1].dial("/", "")
	room := socket.Room(strings.Repeat("r", 100_000))
	b.socket().Join(room, room+"2")
	before := f.count()
	for i := range 4 {
		assert.NoError(t, nodes[0].io.To(room, room+"2").Volatile().Emit("x", i))
	}
	for i := range 4 {
		b.want(fmt.Sprintf(`42["x",%d]`, i))
	}
	assert.Equal(t, "messages on the bus", f.count()-before, 4)
}
