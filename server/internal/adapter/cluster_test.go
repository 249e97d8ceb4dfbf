package adapter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/test/assert"
)

func TestClusterRoomsExceptionsAndFlags(t *testing.T) {
	_, nodes := newPeers(t, 3)
	a, b, c := nodes[0].dial("/", ""), nodes[1].dial("/", ""), nodes[2].dial("/", "")
	for _, r := range []*remote{a, b} {
		r.socket().Join("r", "q")
	}
	c.socket().Join("q")
	io := nodes[0].io
	assert.NoError(t, io.To("r").Emit("room", "<&>", 1.5))
	assert.NoError(t, io.To("r", "q").Emit("once"))
	assert.NoError(t, io.To("q").Except("r").Emit("except"))
	assert.NoError(t, io.To(c.room).Emit("other node's own room"))
	assert.NoError(t, a.socket().To("q").Emit("not the sender"))
	assert.NoError(t, a.socket().Broadcast().Emit("all others"))
	assert.NoError(t, io.Local().Emit("local"))
	assert.NoError(t, io.To("q").Emit("binary", []byte{0, 255}, map[string]any{"b": []byte("x")}))
	binary := []string{
		`452-["binary",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}]`, "\x00\xff", "x",
	}
	room := `42["room","\u003c\u0026\u003e",1.5]`
	a.want(room, `42["once",null]`, `42["local",null]`)
	a.want(binary...)
	b.want(room, `42["once",null]`, `42["not the sender",null]`, `42["all others",null]`)
	b.want(binary...)
	c.want(`42["once",null]`, `42["except",null]`, `42["other node's own room",null]`, `42["not the sender",null]`, `42["all others",null]`)
	c.want(binary...)
}

func TestClusterOtherNamespaces(t *testing.T) {
	f, nodes := newPeers(t, 2)
	for _, n := range nodes {
		n.io.Of("/x", nil)
	}
	a, b, main := nodes[0].dial("/x", ""), nodes[1].dial("/x", ""), nodes[1].dial("/", "")
	assert.NoError(t, nodes[0].io.Of("/x", nil).Emit("hello", "x"))
	assert.NoError(t, nodes[0].io.Of("/x", nil).Emit("binary", []byte("y")))
	for _, r := range []*remote{a, b} {
		r.want(`42/x,["hello","x"]`, `451-/x,["binary",{"_placeholder":true,"num":0}]`, "y")
	}
	before := f.count()
	nodes[0].io.Emit("by the stream")
	if got := main.receive(); !strings.HasPrefix(got, `42["by the stream","1`) {
		t.Errorf("got %s", got)
	}
	assert.Equal(t, "what is in the stream and on the bus", f.count(), before)
}

func TestClusterMessagesThatTheBusRefusesAreCounted(t *testing.T) {
	_, nodes := newPeers(t, 2)
	a, b := nodes[0].dial("/", ""), nodes[1].dial("/", "")
	large := strings.Repeat("x", bus.MaxPayload)
	assert.NoError(t, nodes[0].io.Except("nobody").Emit("large", large))
	assert.NoError(t, nodes[0].io.Except("nobody").Emit("small"))
	a.want(`42["large","`+large+`",null]`, `42["small",null]`)
	b.want(`42["small",null]`)
	assert.Equal(t, "unsent", nodes[0].hub.Stats().BusUnsent, 1)
	if err := nodes[0].io.ServerSideEmit("large", large); !errors.Is(err, errTooLarge) {
		t.Errorf("server-side: %v", err)
	}
}

func TestClusterPrivatePacketsStayOnTheirNode(t *testing.T) {
	f, nodes := newPeers(t, 2)
	a := nodes[0].dial("/", "")
	s := a.socket()
	assert.NoError(t, s.Emit("private"))
	assert.NoError(t, nodes[0].io.To(a.room).Emit("own room"))
	assert.NoError(t, s.Emit("question", func([]any, error) {}))
	nodes[0].io.In(a.room).SocketsJoin("r")
	nodes[0].io.In(a.room).FetchSockets()(func(found []*socket.RemoteSocket, err error) {
		assert.NoError(t, err)
		assert.Equal(t, "found", len(found), 1)
	})
	a.want(`42["private",null]`, `42["own room",null]`)
	a.question(`["question"]`)
	nodes[0].io.In(a.room).SocketsLeave("r")
	assert.NoError(t, nodes[0].io.Local().Emit("local"))
	a.want(`42["local",null]`)
	assert.Equal(t, "messages on the bus", f.count(), 0)
}

func TestClusterVolatileStaysVolatile(t *testing.T) {
	f, nodes := newPeers(t, 2)
	seen := make(chan *message, 10)
	f.set(func(f *fabric) {
		f.lose = func(_ string, m *message) bool {
			seen <- m
			return false
		}
	})
	a, b := nodes[0].dial("/", ""), nodes[1].dial("/", "")
	assert.NoError(t, nodes[0].io.Volatile().Emit("volatile"))
	m := await(t, "message", seen)
	assert.Equal(t, "volatile", m.Volatile, true)
	a.want(`42["volatile",null]`)
	b.want(`42["volatile",null]`)

	nodes[0].typing(a.sid, typingNotice{Username: "A", ID: a.sid, Typing: true})
	assert.Equal(t, "volatile", await(t, "message", seen).Volatile, true)
	b.want(`42["typing",{"username":"A","id":"` + a.sid + `","typing":true}]`)
	assert.NoError(t, nodes[0].io.Local().Emit("nothing before"))
	a.want(`42["nothing before",null]`)
}

func TestClusterVolatileIsDroppedForSocketsThatAreNotReady(t *testing.T) {
	f := &fabric{}
	var nodes []*node
	for range 2 {
		bus := f.join(t)
		nodes = append(nodes, newNode(t, nil, func(o *setup) { o.Bus, o.Nodes = bus, func() int { return 2 } }))
	}
	c, _ := nodes[1].join("{}")
	assert.NoError(t, nodes[1].io.Local().Emit("unread"))
	assert.NoError(t, nodes[0].io.Volatile().Emit("volatile"))
	unread := c.conn.Private()
	assert.NoError(t, nodes[0].io.Except("nobody").Emit("last"))
	assert.Eventually(t, "the last one is there", func() bool { return c.conn.Private() > unread })
	c.want(t, `2["unread",null]`, `2["last",null]`)
}

func TestClusterJoinsLeavesAndDisconnects(t *testing.T) {
	_, nodes := newPeers(t, 2)
	a, b := nodes[0].dial("/", ""), nodes[1].dial("/", "")
	io := nodes[0].io
	io.SocketsJoin("r", "q")
	assert.NoError(t, io.To("r").Emit("joined")) // stays behind the join
	a.want(`42["joined",null]`)
	b.want(`42["joined",null]`)
	io.In("q").Except(a.room).SocketsLeave("r")
	assert.NoError(t, io.To("r").Emit("only a"))
	assert.NoError(t, io.To("q").Emit("both"))
	a.want(`42["only a",null]`, `42["both",null]`)
	b.want(`42["both",null]`)
	io.In("q").DisconnectSockets(false)
	a.want("41")
	b.want("41")

	c := nodes[1].dial("/", "")
	io.In(c.room).DisconnectSockets(true)
	c.want("41")
	if _, err := c.net.Read(make([]byte, 10)); err != nil {
		t.Errorf("the close frame is missing: %v", err)
	}
}

// fetch returns what FetchSockets calls back with.
func fetch(t *testing.T, from interface {
	FetchSockets() func(func([]*socket.RemoteSocket, error))
},
) ([]*socket.RemoteSocket, error) {
	t.Helper()
	type result struct {
		found []*socket.RemoteSocket
		err   error
	}
	results := make(chan result, 2)
	from.FetchSockets()(func(found []*socket.RemoteSocket, err error) { results <- result{found, err} })
	r := await(t, "sockets", results)
	slices.SortFunc(r.found, func(a, b *socket.RemoteSocket) int { return strings.Compare(string(a.Id()), string(b.Id())) })
	return r.found, r.err
}

func TestClusterFetchSockets(t *testing.T) {
	_, nodes := newPeers(t, 3)
	a, b := nodes[0].dial("/", ""), nodes[1].dial("/", `{"token":"secret"}`)
	b.socket().Join("r")
	b.socket().SetData(map[string]any{"n": 1})
	found, err := fetch(t, nodes[0].io)
	assert.NoError(t, err)
	assert.Equal(t, "sockets", len(found), 2)
	assert.Equal(t, "sorted", string(found[0].Id()), min(a.sid, b.sid))

	found, err = fetch(t, nodes[0].io.In("r"))
	assert.NoError(t, err)
	assert.Equal(t, "in r", len(found), 1)
	s := found[0]
	assert.Equal(t, "id", string(s.Id()), b.sid)
	assert.Equal(t, "rooms", s.Rooms().Len(), 2)
	assert.Equal(t, "auth", fmt.Sprint(s.Handshake().Auth), "map[token:secret]")
	assert.Equal(t, "query", fmt.Sprint(s.Handshake().Query["colour"]), "[blue]")
	assert.Equal(t, "data", fmt.Sprint(s.Data()), "map[n:1]")

	assert.NoError(t, s.Emit("private", 1))
	s.Join("far")
	assert.NoError(t, nodes[2].io.To("r").Emit("still there"))
	s.Leave("r")
	b.want(`42["private",1]`)
	b.want(`42["still there",null]`)
	assert.Eventually(t, "joined and left", func() bool { r := b.socket().Rooms(); return r.Has("far") && !r.Has("r") })
	s.Disconnect(false)
	b.want("41")
}

func TestClusterFetchTakesMoreThanOneMessage(t *testing.T) {
	f, nodes := newPeers(t, 2)
	for i := range 9 {
		s := nodes[1].dial("/", "").socket()
		switch i {
		case 0:
			s.SetData(make(chan int))
		case 1:
			s.SetData(strings.Repeat("x", bus.MaxPayload))
		case 2:
			s.SetData(panicky{})
		default:
			s.SetData(strings.Repeat("x", 100<<10))
		}
	}
	found, err := fetch(t, nodes[0].io)
	assert.NoError(t, err)
	assert.Equal(t, "sockets", len(found), 9)
	without := 0
	for _, s := range found {
		if s.Data() == nil {
			without++
		}
	}
	assert.Equal(t, "whose data nobody can carry", without, 3)

	f.set(func(f *fabric) {
		f.lose = func(_ string, m *message) bool { return m.Kind == kindSockets && m.Part == 1 }
	})
	found, err = fetch(t, nodes[0].io.Timeout(1000*time.Millisecond))
	if !errors.Is(err, ErrUnanswered) {
		t.Errorf("with a part missing: %v", err)
	}
	assert.Equal(t, "of the part that came", len(found) > 0 && len(found) < 6, true)
}

type panicky struct{}

func (panicky) MarshalJSON() ([]byte, error) { panic("no") }

func TestClusterLostAnswersAreErrors(t *testing.T) {
	f, nodes := newPeers(t, 3)
	a := nodes[0].dial("/", "")
	nodes[1].dial("/", "")
	f.set(func(f *fabric) {
		f.lose = func(to string, m *message) bool { return to == "node2" && !m.Kind.isAnswer() }
	})
	found, err := fetch(t, nodes[0].io.Timeout(300*time.Millisecond))
	if !errors.Is(err, ErrUnanswered) || !strings.Contains(err.Error(), "1 of 2 within 300ms") {
		t.Errorf("one node is silent: %v", err)
	}
	assert.Equal(t, "what did come", len(found), 2)

	f.set(func(f *fabric) { f.err = errors.New("full") })
	found, err = fetch(t, nodes[0].io)
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("nothing was sent: %v", err)
	}
	assert.Equal(t, "what is known", len(found), 1)
	assert.NoError(t, nodes[0].io.Except("x").Emit("local all the same"))
	a.want(`42["local all the same",null]`)
	assert.Equal(t, "unsent", nodes[0].hub.Stats().BusUnsent, 2)
	assert.Equal(t, "pending", len(nodes[0].hub.requests.open), 0)
}

func TestClusterServerSideEmit(t *testing.T) {
	_, nodes := newPeers(t, 3)
	heard := make(chan string, 10)
	for i, n := range nodes {
		assert.NoError(t, n.io.On("news", func(args ...any) { heard <- fmt.Sprint(i, args) }))
		assert.NoError(t, n.io.On("ask", func(args ...any) {
			answer := args[len(args)-1].(socket.Ack)
			answer([]any{fmt.Sprintf("node %d", i), args[0]}, nil)
			answer([]any{"again"}, nil)
		}))

		assert.NoError(t, n.io.On("panic", func(args ...any) { panic(args) }))
	}
	assert.NoError(t, nodes[0].io.ServerSideEmit("panic"))
	assert.NoError(t, nodes[0].io.ServerSideEmit("news", "x", 2))
	got := []string{await(t, "news", heard), await(t, "news", heard)}
	slices.Sort(got)
	assert.Equal(t, "heard", fmt.Sprint(got), "[1 [x 2] 2 [x 2]]")
	assert.Equal(t, "panics", nodes[1].hub.Stats().Panics, 1)

	outcomes := make(chan outcome, 10)
	callback := func(values []any, err error) { outcomes <- outcome{values, err} }
	assert.NoError(t, nodes[0].io.ServerSideEmit("ask", "q", callback))
	o := await(t, "answers", outcomes)
	assert.NoError(t, o.err)
	slices.SortFunc(o.values, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	assert.Equal(t, "answers", fmt.Sprint(o.values), "[[node 1 q] [node 2 q]]")

	for _, bad := range []any{[]byte("binary"), make(chan int)} {
		if err := nodes[0].io.ServerSideEmit("news", bad); err == nil {
			t.Errorf("%T was sent", bad)
		}
	}
	if err := nodes[0].io.ServerSideEmit("connection"); err == nil {
		t.Error("a reserved event was sent")
	}
	assert.Equal(t, "heard", len(heard), 0)
}

func TestClusterServerSideEmitTimesOut(t *testing.T) {
	_, nodes := newPeers(t, 3)
	nodes[0].hub.opts.Timeout = 300 * time.Millisecond
	assert.NoError(t, nodes[1].io.On("ask", func(args ...any) { args[0].(socket.Ack)(nil, nil) })) // node 2 has no listener
	outcomes := make(chan outcome, 10)
	assert.NoError(t, nodes[0].io.ServerSideEmit("ask", func(values []any, err error) { outcomes <- outcome{values, err} }))
	o := await(t, "time-out", outcomes)
	if !errors.Is(o.err, ErrUnanswered) {
		t.Errorf("time-out: %v", o.err)
	}
	assert.Equal(t, "who did answer", fmt.Sprint(o.values), "[[]]")
}

func TestClusterOfOneHasNobodyToAsk(t *testing.T) {
	_, nodes := newPeers(t, 1)
	a := nodes[0].dial("/", "")
	assert.NoError(t, nodes[0].io.ServerSideEmit("news"))
	called := 0
	assert.NoError(t, nodes[0].io.ServerSideEmit("ask", func(values []any, err error) {
		called++
		assert.Equal(t, "answers", len(values), 0)
		assert.NoError(t, err)
	}))

	assert.Equal(t, "called", called, 1)
	found, err := fetch(t, nodes[0].io)
	assert.NoError(t, err)
	assert.Equal(t, "found", string(found[0].Id()), a.sid)
}

func TestClusterCloseFailsWhatWaits(t *testing.T) {
	f, nodes := newPeers(t, 2)
	f.losing(kindFetch)
	errs := make(chan error, 2)
	nodes[0].io.FetchSockets()(func(_ []*socket.RemoteSocket, err error) { errs <- err })
	nodes[0].hub.Close()
	if err := await(t, "callback", errs); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	nodes[0].io.FetchSockets()(func(_ []*socket.RemoteSocket, err error) { errs <- err })
	if err := await(t, "callback", errs); !errors.Is(err, ErrClosed) {
		t.Errorf("closed before: %v", err)
	}
}

func TestClusterMessageForANamespaceThatIsGone(t *testing.T) {
	_, nodes := newPeers(t, 2)
	nodes[0].io.Of("/only-here", nil)
	a := nodes[0].dial("/only-here", "")
	found, err := fetch(t, nodes[0].io.Of("/only-here", nil))
	assert.NoError(t, err)
	assert.Equal(t, "found", len(found), 1)
	outcomes := make(chan outcome, 10)
	assert.NoError(t, nodes[0].io.Of("/only-here", nil).Timeout(clusterTimeout).Emit("ask", func(values []any, err error) {
		outcomes <- outcome{values, err}
	}))

	id := a.question(`["ask"]`)
	id = strings.TrimPrefix(id, "/only-here,")
	a.send("43/only-here," + id + `["yes"]`)
	o := await(t, "answers", outcomes)
	assert.NoError(t, o.err)
	assert.Equal(t, "answers", fmt.Sprint(o.values), "[yes]")
}

func TestClusterWithoutStreamReachesEveryone(t *testing.T) {
	f := &fabric{}
	var clients []*fake
	var first *node
	for range 2 {
		bus := f.join(t)
		n := newNode(t, nil, func(o *setup) { o.plain, o.Bus, o.Nodes = true, bus, func() int { return 2 } })
		c := n.open()
		c.send("0{}")
		c.next(t)
		clients = append(clients, c)
		if first == nil {
			first = n
		}
	}
	first.io.Emit("hello")
	for _, c := range clients {
		c.want(t, `2["hello"]`)
	}
}
