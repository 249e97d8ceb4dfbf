package adapter

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zishang520/engine.io-go-parser/packet"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/transports"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/goleak"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 5 * time.Second

// node is a hub with a Socket.IO server that is bound to sessions without a transport.
type node struct {
	t        *testing.T
	hub      *Hub
	io       *socket.Server
	stream   stream.Stream
	sweepers *fanout.Sweepers
	replica  *replica.Replica // of "/"
	log      *fanout.Log      // of the replica
	engine   engine.BaseServer
}

// setup is what a test may change of a node.
type setup struct {
	Options
	Binding
	window fanout.Window
	reset  func()
	plain  bool // without a record
}

// newNode starts a node; change, which may be nil, edits its setup.
func newNode(t *testing.T, s stream.Stream, change func(*setup)) *node {
	t.Helper()
	o := setup{}
	if change != nil {
		change(&o)
	}
	n := &node{t: t, engine: engine.MakeBaseServer()}
	following := n.start(s, o)
	n.io.Bind(n.engine)
	t.Cleanup(func() {
		n.hub.Close()
		following.Wait()
		n.sweepers.Close()
	})
	return n
}

// start makes everything but the sessions. What it returns ends after the hub is closed.
func (n *node) start(s stream.Stream, o setup) (following *sync.WaitGroup) {
	n.stream, n.sweepers = s, fanout.New(fanout.Options{Shards: 1})
	if s == nil {
		n.stream = memory.New(memory.Options{})
	}
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	following = &sync.WaitGroup{}
	if !o.plain {
		n.replica = replica.New(replica.Options{
			Stream: n.stream, Sweepers: n.sweepers, Encode: encodeEntry, Decode: func(frame []byte) []byte { return frame }, Window: o.window,
			Hooks: replica.Hooks{Reset: o.reset}, Logger: o.Logger,
		})
		n.log = n.replica.Log()
		o.Binding.Replica, o.Recovery = n.replica, true
	}
	if o.Greeting == nil {
		o.Greeting = greetingOf(0)
	}
	o.Bind = func(ns Namespace) Binding {
		if ns.Name() == "/" {
			return o.Binding
		}
		return Binding{}
	}
	n.hub = New(o.Options)
	n.io = socket.NewServer(nil, n.hub.ServerOptions())
	if !o.plain {
		assert.NoError(n.t, n.replica.Load(n.hub.life))
		following.Go(func() { _ = n.replica.Run(n.hub.life) })
	}
	return following
}

// main is the adapter of "/".
func (n *node) main() *namespace {
	found, _ := n.hub.namespaces.Load("/")
	return found.(*namespace)
}

// typing emits a typing notice to everyone but one.
func (n *node) typing(except string, notice chat.Typing) {
	assert.NoError(n.t, handle{n.main()}.EmitVolatile(socket.SocketId(except), chat.EventTyping, notice))
}

// encodeEntry is a simple [replica.Encode]: the event with its time and its offset.
func encodeEntry(dst []byte, e stream.Entry) ([]byte, bool) {
	if !wire.IsEventArgs(e.Event) {
		return dst, false
	}
	args := bytes.ReplaceAll(e.Event[:len(e.Event)-1], []byte{chat.TimeMark}, fmt.Append(nil, e.Offset.Ms))
	return wire.AppendMessage(dst, fmt.Appendf(nil, `2%s,%q]`, args, e.Offset)), true
}

// greetingOf greets with a number and the joining offset.
func greetingOf(online int) func([]byte, fanout.Cursor) []byte {
	return func(dst []byte, at fanout.Cursor) []byte {
		return wire.AppendMessage(dst, fmt.Appendf(nil, `2["presence",{"online":%d},%q]`, online, at.Offset()))
	}
}

// handler is a client that never waits.
type handler func(ctx context.Context, event string, args []any, ack func(...any)) bool

func (h handler) Event(ctx context.Context, event string, args []any, ack func(...any)) bool {
	return h(ctx, event, args, ack)
}
func (handler) Left() time.Duration { return 0 }

// fake is a session without a transport.
type fake struct {
	unused
	events.EventEmitter

	id      string
	conn    *fanout.Conn
	pending chan struct{}

	volatile atomic.Int64 // pieces that were sent

	mu      sync.Mutex
	turned  sync.Cond
	turn    uint64
	busy    bool
	connect bool // a CONNECT is in turn
	state   string
	queue   []string // frames' payloads that were taken and not yet read
	lost    []fanout.Lost
}

// unused is what the hub and the library never call.
type unused struct{ engine.Socket }

var _ session = (*fake)(nil)

// open makes a session and hands it to the library.
func (n *node) open() *fake {
	id, err := n.engine.GenerateId(nil)
	assert.NoError(n.t, err)
	f := &fake{EventEmitter: events.New(), id: id, state: "open", pending: make(chan struct{}, 1)}
	f.turned.L = &f.mu
	f.conn = n.sweepers.NewConn(f)
	n.engine.Emit("connection", f)
	n.t.Cleanup(func() { f.close("transport close") })
	return f
}

func (f *fake) Lost(l fanout.Lost) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = append(f.lost, l)
}

func (f *fake) Pending() {
	select {
	case f.pending <- struct{}{}:
	default:
	}
}

func (f *fake) Follow(at fanout.Cursor, first []byte) { f.conn.Join(at, first) }
func (f *fake) Unfollow(l *fanout.Log)                { f.conn.Leave(l) }
func (f *fake) SendFrame(frame []byte) bool           { return f.conn.Send(frame) }
func (f *fake) Id() string                            { return f.id }
func (f *fake) Protocol() int                         { return 4 }
func (f *fake) RemoteAddress() string                 { return "127.0.0.1" }
func (f *fake) Transport() transports.Transport       { return transport{} }

func (f *fake) SendVolatile(frames []byte) bool {
	f.volatile.Add(1)
	return f.conn.SendVolatile(frames)
}

type transport struct{ transports.Transport }

func (transport) Writable() bool { return true }

type noResponse struct{}

func (noResponse) Header() http.Header         { return http.Header{} }
func (noResponse) Write(p []byte) (int, error) { return len(p), nil }
func (noResponse) WriteHeader(int)             {}

func (f *fake) Request() *types.HttpContext {
	r, _ := http.NewRequest(http.MethodGet, "/socket.io/?EIO=4", nil)
	c := types.NewHttpContext(noResponse{}, r)
	c.Flush()
	return c
}

func (f *fake) ReadyState() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *fake) Write(r io.Reader, _ *packet.Options, _ engine.SendCallback) engine.Socket {
	b, _ := io.ReadAll(r)
	f.conn.Send(wire.AppendMessage(nil, b))
	f.mu.Lock()
	refused, turn := f.connect && b[0] == '4', f.turn
	f.mu.Unlock()
	if refused {
		f.Done(turn)
	}
	return f
}

func (f *fake) Close(bool) { go f.close("forced close") }

// close ends the session as the edge does: the state first, then the event.
func (f *fake) close(reason string) {
	f.mu.Lock()
	was := f.state
	f.state = "closed"
	f.turned.Broadcast()
	f.mu.Unlock()
	if was == "open" {
		f.Emit("close", reason, nil)
		f.conn.Close()
	}
}

func (f *fake) Turn() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.turn
}

func (f *fake) Done(turn uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy && f.turn == turn {
		f.busy, f.connect = false, false
		f.turned.Broadcast()
	}
}

// send hands one packet to the library when it is its turn. It does not wait for the end of that turn.
func (f *fake) send(p string) {
	f.mu.Lock()
	for f.busy && f.state == "open" {
		f.turned.Wait()
	}
	f.turn++
	f.busy, f.connect = p[0] != '3', p[0] == '0'
	open := f.state == "open"
	f.mu.Unlock()
	if open {
		f.Emit("data", types.NewStringBufferString(p))
	}
}

func (f *fake) isBusy() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.busy
}

// next returns the next packet for the client, without the Engine.IO type.
func (f *fake) next(t *testing.T) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		if p, ok := f.take(); ok {
			return p
		}
		select {
		case <-f.pending:
		case <-deadline:
			t.Fatal("no packet for the client")
		}
	}
}

func (f *fake) take() (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		for b := f.conn.Take(nil, 1<<20); len(b) > 0; {
			size, n := 2, int(b[1])
			switch n {
			case 126:
				size, n = 4, int(binary.BigEndian.Uint16(b[2:]))
			case 127:
				size, n = 10, int(binary.BigEndian.Uint64(b[2:]))
			}
			start := size + 1 // without the type of the packet, which binary ones do not have
			if b[0]&0xf == byte(wire.OpBinary) {
				start = size
			}
			f.queue = append(f.queue, string(b[start:size+n]))
			b = b[size+n:]
		}
	}
	if len(f.queue) == 0 {
		return "", false
	}
	p := f.queue[0]
	f.queue = f.queue[1:]
	return p, true
}

func (f *fake) want(t *testing.T, packets ...string) {
	t.Helper()
	for _, p := range packets {
		if got := f.next(t); got != p {
			t.Errorf("packet for the client:\n got %s\nwant %s", got, p)
		}
	}
}

// silent checks that everything for the client was read, at a moment when its last packet has been dealt with.
func (f *fake) silent(t *testing.T) {
	t.Helper()
	if p, ok := f.take(); ok {
		t.Errorf("unexpected packet for the client: %s", p)
	}
}

// greeting is what a client learns on connecting.
type greeting struct {
	Sid, Pid string
	Online   int
	Offset   string
}

// connectMain connects a session to "/" and reads the greeting.
func (f *fake) connectMain(t *testing.T, auth string) greeting {
	t.Helper()
	f.send("0" + auth)
	var g greeting
	answer := f.next(t)
	assert.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(answer, "0")), &g))
	presence := f.next(t)
	assert.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(presence, "2")), &[]any{new(string), &g, &g.Offset}))
	return g
}

// join is a session that is connected to "/".
func (n *node) join(auth string) (*fake, greeting) {
	n.t.Helper()
	f := n.open()
	return f, f.connectMain(n.t, auth)
}

// say appends a message as chat does and returns the frame that clients will get.
func (n *node) say(text string) (packet string, offset stream.Offset) {
	n.t.Helper()
	stored := make(chan stream.Offset, 1)
	args := `["message",{"message":"` + text + `","at":` + "\x00" + `}]`
	assert.NoError(n.t, n.stream.Append(n.hub.life, "", []byte(args), func(o stream.Offset, err error) { stored <- o }))
	offset = <-stored
	at, _, _ := strings.Cut(offset.String(), "-")
	return `2["message",{"message":"` + text + `","at":` + at + `},"` + offset.String() + `"]`, offset
}

// socketOf finds the library's socket.
func (n *node) socketOf(sid string) *socket.Socket {
	n.t.Helper()
	s, ok := n.io.Sockets().Sockets().Load(socket.SocketId(sid))
	if !ok {
		n.t.Fatalf("no socket %s", sid)
	}
	return s
}
