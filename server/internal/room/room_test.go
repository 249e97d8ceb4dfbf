package room

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/goleak"

	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

var _ attached = (*engineio.Session)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newRoom is a room over a record in memory, and its replica.
func newRoom(t *testing.T) (*Room, *replica.Replica) {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	sweepers := fanout.New(fanout.Options{Shards: 1})
	messages := memory.New(memory.Options{})
	rep := replica.New(replica.Options{
		Stream: messages, Sweepers: sweepers, Encode: Encoder("/"), Decode: Decode, Logger: quiet,
	})
	life, end := context.WithCancel(context.Background())
	assert.NoError(t, rep.Load(life))
	var following sync.WaitGroup
	following.Go(func() { _ = rep.Run(life, messages) })
	t.Cleanup(func() {
		end()
		rep.Close()
		following.Wait()
		sweepers.Close()
	})
	return New(Options{Namespace: "/", Replica: rep, Welcome: NewWelcome(Limits{MessageChars: 9}), MaxHistory: 5, Online: func() int { return 7 }, Logger: quiet}), rep
}

// namespace notes what the room does with it.
type namespace struct {
	sent    [][]byte
	emitted []any // the exception, the event, its arguments
}

func (*namespace) Name() string                 { return "/" }
func (n *namespace) SendVolatile(frames []byte) { n.sent = append(n.sent, frames) }
func (n *namespace) EmitVolatile(except socket.SocketId, event string, args ...any) error {
	n.emitted = append(n.emitted, except, event)
	n.emitted = append(n.emitted, args...)
	return nil
}

var _ adapter.Namespace = (*namespace)(nil)

func TestPRE1_TheGreetingHasTheJoiningOffset(t *testing.T) {
	r, rep := newRoom(t)
	binding := r.Bind(&namespace{})
	at := rep.Start(0)
	conn := r.rules.NewConnection(netip.Prefix{})
	to := client{r, r.rules.NewClient(conn, "sid", auth.Fixed(auth.Identity{}), nil)}
	_, presence, rest := wire.Cut(binding.Greeting(nil, at, to))
	assert.Equal(t, "greeting", string(presence), `42["presence",{"online":7},"`+at.Offset().String()+`"]`)
	assert.Equal(t, "what follows is one frame", wire.FrameLen(rest), len(rest))
	assert.Equal(t, "the most history on joining", binding.History(map[string]any{"history": 100.0}), 5)
}

func TestPRE2_PresenceAndTypingGoToTheNamespace(t *testing.T) {
	r, _ := newRoom(t)
	r.Presence(2) // before it is bound: there is no receiver
	n := &namespace{}
	r.Bind(n)
	r.Presence(2)
	assert.Equal(t, "frames", len(n.sent), 1)
	assert.Equal(t, "presence", string(payloadOf(n.sent[0])), `42["presence",{"online":2}]`)
	notice := chat.Typing{Username: "A", ID: "sid", Typing: true}
	r.relay("sid", notice)
	assert.Equal(t, "typing", n.emitted, []any{socket.SocketId("sid"), "typing", notice})
}

func TestStoredMessagesAreInTheArchiveAndOnTheWire(t *testing.T) {
	r, rep := newRoom(t)
	stored := make(chan int64, 2)
	say := func(text string) int64 {
		err := r.Append(t.Context(), "", []byte(`["message",{"message":"`+text+`","at":`+"\x00"+`}]`), func(at chat.Position, err error) {
			assert.Equal(t, "error", err, nil)
			stored <- int64(at.Ms)
		})
		assert.NoError(t, err)
		return assert.Receive(t, "the ack", stored)
	}
	at := say("a")
	say("b")
	entries, err := r.Before(t.Context(), "", 10, 48<<10)
	assert.NoError(t, err)
	assert.Equal(t, "entries without the genesis", len(entries), 2)
	assert.Equal(t, "at", entries[0].At, at)

	// In the archive they are as clients got them.
	sweepers := fanout.New(fanout.Options{Shards: 1})
	defer sweepers.Close()
	reader := sweepers.NewConn(nobody{})
	reader.Join(rep.Start(2), nil)
	got := reader.Take(nil, 1<<20)
	for _, e := range entries {
		want := wire.AppendMessage(nil, append([]byte("2"), e.Args...))
		if !bytes.Contains(got, want) || !strings.HasSuffix(string(e.Args), `,"`+e.Offset+`"]`) {
			t.Errorf("on the wire: %q, want %q", got, want)
		}
	}

	entries, err = r.Before(t.Context(), entries[1].Offset, 10, 48<<10)
	assert.NoError(t, err)
	assert.Equal(t, "older entries", len(entries), 1)
	if _, err := r.Before(t.Context(), "no offset", 1, 1); err == nil {
		t.Error("a bad offset was accepted")
	}
}

type nobody struct{}

func (nobody) Lost(fanout.Lost) {}
func (nobody) Pending()         {}

// connection keeps what a room attaches to it.
type connection struct{ attachment any }

func (c *connection) Attachment(make func() any) any {
	if c.attachment == nil {
		c.attachment = make()
	}
	return c.attachment
}

func (*connection) Network() netip.Prefix { return netip.Prefix{} }

// TestLIM1_LimitsAreTheConnections: sockets of one connection share its rates, in all rooms, as long as it lasts.
func TestLIM1_LimitsAreTheConnections(t *testing.T) {
	r, _ := newRoom(t)
	other, _ := newRoom(t)
	c := &connection{}
	first := r.connectionOf(c)
	assert.Equal(t, "the same for another socket of it", r.connectionOf(c) == first, true)
	assert.Equal(t, "the same in another room", other.connectionOf(c) == first, true)
	assert.Equal(t, "the same for another connection", r.connectionOf(&connection{}) == first, false)
}

func TestEventsGoToTheRules(t *testing.T) {
	r, _ := newRoom(t)
	conn, by := r.rules.NewConnection(netip.Prefix{}), auth.Fixed(auth.Identity{ID: "u"})
	c := client{r, r.rules.NewClient(conn, "sid", by, nil)}
	answers := make(chan any, 1)
	ack := func(v ...any) { answers <- v[0] }
	object := map[string]any{"message": "m", "username": "u", "typing": true}
	for _, event := range chat.Events() {
		assert.Equal(t, event, c.Event(t.Context(), event, []any{object}, ack), true)
		assert.Receive(t, "the answer to "+event, answers)
	}
	assert.Equal(t, "unknown", c.Event(t.Context(), "unknown", nil, nil), false)
	assert.Equal(t, "no wait at first", c.Left(true), time.Duration(0))
}

func TestP10_ARoomIsSmall(t *testing.T) {
	const many = 2000
	_, rep := newRoom(t)
	options := Options{Namespace: "/rooms/cats", Replica: rep, Welcome: NewWelcome(Limits{}), Online: func() int { return 0 }}
	rooms, bindings := make([]*Room, many), make([]adapter.Binding, many)
	before := assert.HeapInUse()
	for i := range rooms {
		rooms[i] = New(options)
		bindings[i] = rooms[i].Bind(&namespace{})
	}
	each := (assert.HeapInUse() - before) / many
	t.Logf("a room: %d bytes", each)
	if each > 1024 {
		t.Errorf("a room takes %d bytes", each)
	}
	runtime.KeepAlive(bindings)
}
