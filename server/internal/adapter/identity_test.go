package adapter

import (
	"encoding/json"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/test/assert"
)

func TestREC7_PrivateEventsNeverEndInAString(t *testing.T) {
	n := newNode(t, nil, nil)
	n.io.Of("/other", nil)
	f, g := n.join("{}")
	s := n.socketOf(g.Sid)
	s.Join("r")
	for _, c := range []struct {
		emit func() error
		want string
	}{
		{func() error { return s.Emit("x", "text") }, `2["x","text",null]`},
		{func() error { return s.Emit("x") }, `2["x",null]`},
		{func() error { return s.Emit("x", `"]`, "") }, `2["x","\"]","",null]`},
		{func() error { return n.io.To("r").Emit("x", 1, "text") }, `2["x",1,"text",null]`},
		{func() error { return n.io.Local().Emit("x", "text") }, `2["x","text",null]`},
		{func() error { return s.Emit("x", "text", nil) }, `2["x","text",null]`},
		{func() error { return s.Emit("x", "text", 1) }, `2["x","text",1]`},
		{func() error { return s.Emit("x", []string{"text"}) }, `2["x",["text"]]`},
		{func() error { return s.Emit("x", map[string]any{"a": "b"}) }, `2["x",{"a":"b"}]`},
		{func() error { return n.io.To("r").Volatile().Emit("x", "text") }, `2["x","text",null]`},
	} {
		assert.NoError(t, c.emit())
		f.want(t, c.want)
	}
	assert.NoError(t, s.Emit("x", []byte("b"), "text"))
	f.want(t, `51-["x",{"_placeholder":true,"num":0},"text",null]`, "b")
	// A callback follows the arguments of an event that wants an answer.
	assert.NoError(t, s.Emit("x", "text", socket.Ack(func([]any, error) {})))
	if p := f.next(t); !strings.HasSuffix(p, `["x","text"]`) {
		t.Errorf("question: %s", p)
	}
	// A client that cannot recover receives what was sent.
	f.send("0/other,{}")
	f.next(t)
	n.io.Of("/other", nil).Emit("x", "text")
	f.want(t, `2/other,["x","text"]`)
}

func TestREC8_TheIdStaysTheSameOverARecoveryOnAnyNode(t *testing.T) {
	_, nodes := newPeers(t, 2)
	a := nodes[0].dial("/", "")
	b := nodes[1].dial("/", back(a.pid, a.offset))
	assert.Equal(t, "sid", b.sid, a.sid)
	assert.Equal(t, "pid", b.pid, a.pid)
	assert.Equal(t, "recovered", nodes[1].hub.Recovered(b.socket()), true)
	// Its former node is told: nothing that is sent to the client is lost, and the client counts once.
	assert.Eventually(t, "the old connection is closed", func() bool { return nodes[0].main().members.get(socket.SocketId(a.sid)) == nil })
	assert.NoError(t, nodes[0].io.To(a.room).Emit("found", 1))
	b.want(`42["found",1]`)
	c := nodes[1].dial("/", back(a.pid+"x", a.offset)) // anybody may present an unused id
	if c.sid == a.sid {
		t.Error("an id was given without its secret")
	}
	fresh := nodes[1].dial("/", back(a.pid, "1-1"))
	if fresh.sid == a.sid || fresh.pid == a.pid {
		t.Error("a client that was not recovered kept its ids")
	}
	assert.Equal(t, "recovered", nodes[1].hub.Recovered(fresh.socket()), false)
}

// TestREC8_WhoIsBackAlreadyStays: the news that a client has moved comes after it has moved back.
func TestREC8_WhoIsBackAlreadyStays(t *testing.T) {
	for _, interval := range []time.Duration{time.Hour, time.Nanosecond} {
		n := newNode(t, nil, func(s *setup) { s.VolatileInterval = interval })
		_, g := n.join("{}")
		moved := func() bool {
			n.main().forgetMoved([]socket.Room{socket.Room(g.Sid)})
			return n.main().members.get(socket.SocketId(g.Sid)) == nil
		}
		assert.Eventually(t, "who has not been elsewhere is closed", moved)
		f, _ := n.join(back(g.Pid, n.log.Head().Offset().String()))
		if interval < time.Second {
			assert.Eventually(t, "who came back long ago is closed", moved)
			continue
		}
		moved()
		p, _ := n.say("live")
		f.want(t, p)
		assert.Equal(t, "who has just come back stays", moved(), false)
	}
}

func TestREC6_RoomsAndDataAreNotRestored(t *testing.T) {
	_, nodes := newPeers(t, 2)
	c := nodes[0].dial("/", "")
	for _, n := range nodes {
		c.socket().Join("r")
		c.socket().SetData("data")
		c = n.dial("/", back(c.pid, c.offset))
		assert.Equal(t, "recovered", n.hub.Recovered(c.socket()), true)
		assert.Equal(t, "rooms", c.socket().Rooms().Len(), 1) // its own
		assert.Equal(t, "data", c.socket().Data(), nil)
	}
}

func TestREC8_SocketsThatComeTwiceAreFetchedOnce(t *testing.T) {
	f, nodes := newPeers(t, 2)
	f.losing(kindMoved)
	a := nodes[0].dial("/", "")
	nodes[1].dial("/", back(a.pid, a.offset))
	fetched := make(chan int, 1)
	nodes[0].io.FetchSockets()(func(found []*socket.RemoteSocket, err error) {
		assert.NoError(t, err)
		fetched <- len(found)
	})
	assert.Equal(t, "sockets", await(t, "answer", fetched), 1)
}

// A client that was cut off while it reconnected leaves a CONNECT behind that still holds its id.
func TestREC9_AClaimWaitsForAnEarlierOne(t *testing.T) {
	n := newNode(t, nil, nil)
	first, g := n.join("{}")
	first.close("transport close")
	id := socket.SocketId(g.Sid)
	claimed := make(chan bool)
	for range 200 {
		n.main().restored.Store(id, restoration{})
		go func() { claimed <- n.main().claim(id) }()
		runtime.Gosched()
		n.main().restored.Delete(id)
		assert.Equal(t, "claimed", assert.Receive(t, "claim", claimed), true)
		n.main().restored.Delete(id)
	}
	_, again := n.join(back(g.Pid, n.log.Head().Offset().String()))
	assert.Equal(t, "sid", again.Sid, g.Sid)
}

// TestREC9_AClaimThatWaitsCostsLittle: claims of one id may wait by the thousand.
func TestREC9_AClaimThatWaitsCostsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, looks, begun := &namespace{hub: &Hub{life: t.Context()}}, 0, time.Now()
		assert.Equal(t, "met", n.waitUntil(func() bool { looks++; return false }), false)
		assert.Equal(t, "waited as long as it may", time.Since(begun) >= claimWait, true)
		assert.Equal(t, "looks", looks < 60, true)
		looks, begun = 0, time.Now()
		assert.Equal(t, "met", n.waitUntil(func() bool { looks++; return looks == 4 }), true)
		assert.Equal(t, "a short wait is short", time.Since(begun) < 10*claimLook, true)
	})
}

func TestREC9_AnOlderConnectionIsClosedFirst(t *testing.T) {
	n := newNode(t, nil, nil)
	var mu sync.Mutex
	var seen []string
	tell := func(event string) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, event)
	}
	assert.NoError(t, n.io.On("connection", func(args ...any) {
		s := args[0].(*socket.Socket)
		s.Join("r")
		tell("connection")
		_ = s.On("disconnect", func(...any) { tell("disconnect") })
	}))

	old, g := n.join("{}")
	for range 20 {
		f, again := n.join(back(g.Pid, n.log.Head().Offset().String()))
		assert.Equal(t, "sid", again.Sid, g.Sid)
		assert.Equal(t, "the older connection", old.ReadyState(), "closed")
		assert.NoError(t, n.io.To("r").Emit("x", 1))
		assert.NoError(t, n.io.To(socket.Room(g.Sid)).Emit("y", 1))
		f.want(t, `2["x",1]`, `2["y",1]`)
		p, _ := n.say("live")
		f.want(t, p)
		old = f
	}
	ns := n.main()
	assert.Equal(t, "members", len(ns.members.all), 1)
	assert.Equal(t, "in the room", len(ns.members.rooms["r"]), 1)
	assert.Equal(t, "sockets", n.io.Sockets().Sockets().Len(), 1)
	assert.Equal(t, "ids that are claimed", n.restored(), 0)
	assert.Eventually(t, "each was told of once", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == 41
	})
}

func TestREC9_ManyAtOnceWithOneSecretLeaveNoGhost(t *testing.T) {
	n := newNode(t, nil, nil)
	first, g := n.join("{}")
	auth := back(g.Pid, g.Offset)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				f := n.open()
				f.send("0" + auth)
				time.Sleep(time.Millisecond)
				f.close("transport close")
			}
		})
	}
	all.Wait()
	first.close("transport close")
	ns := n.main()
	assert.Eventually(t, "nothing is left", func() bool {
		ns.members.mu.Lock()
		defer ns.members.mu.Unlock()
		return len(ns.members.all)+len(ns.members.rooms)+n.io.Sockets().Sockets().Len()+n.restored() == 0
	})
}

func TestREC8_AHandshakeShowsWhatTheClientSent(t *testing.T) {
	n := newNode(t, nil, nil)
	_, g := n.join("{}")
	recovered := back(g.Pid, g.Offset)
	for _, auth := range []string{`{}`, `{"a":[1]}`, `{"pid":"x"}`, `{"pid":1,"offset":{}}`, `{"pid":"","offset":""}`, `{"payload":1}`, recovered} {
		_, g := n.join(auth)
		text, err := json.Marshal(n.socketOf(g.Sid).Handshake().Auth)
		assert.NoError(t, err)
		var want, got any
		assert.NoError(t, json.Unmarshal([]byte(auth), &want))
		assert.NoError(t, json.Unmarshal(text, &got))
		wanted, _ := json.Marshal(want)
		assert.Equal(t, "auth", string(text), string(wanted))
		assert.Equal(t, "recovered", n.hub.Recovered(n.socketOf(g.Sid)), auth == recovered)
	}
}
