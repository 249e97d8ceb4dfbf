package adapter

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/goleak"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 5 * time.Second

// node is a hub with a Socket.IO server, bound to sessions without a transport.
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

// setup is what a test may change in a node.
type setup struct {
	Options
	Binding
	others Binding // of the namespaces beside "/"
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

// start makes everything but the sessions. The returned group ends after the hub is closed.
func (n *node) start(s stream.Stream, o setup) (following *sync.WaitGroup) {
	n.stream, n.sweepers = s, fanout.New(fanout.Options{Shards: 1})
	if s == nil {
		n.stream = memory.New(memory.Options{})
	}
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	following = &sync.WaitGroup{}
	if !o.plain {
		n.replica = replica.New(replica.Options{
			Stream: n.stream, Sweepers: n.sweepers, Encode: encoderOf("2"), Decode: func(frame []byte) []byte { return frame }, Window: o.window,
			Hooks: replica.Hooks{Reset: o.reset}, Logger: o.Logger,
		})
		n.log = n.replica.Log()
		o.Binding.Replica, o.Recovery = n.replica, true
	}
	if o.Greeting == nil {
		o.Greeting = greetingOf("2", 0)
	}
	o.Bind = func(ns Namespace) Binding {
		if ns.Name() == "/" {
			return o.Binding
		}
		return o.others
	}
	n.hub = New(o.Options)
	n.io = socket.NewServer(nil, n.hub.ServerOptions())
	if !o.plain {
		assert.NoError(n.t, n.replica.Load(n.hub.life))
		following.Go(func() { _ = n.replica.Run(n.hub.life, n.stream) })
	}
	return following
}

// main is the adapter of "/".
func (n *node) main() *namespace {
	found, _ := n.hub.namespaces.Load("/")
	return found.(*namespace)
}

// typingNotice is a volatile event from one client to the others.
type typingNotice struct {
	Username string `json:"username"`
	ID       string `json:"id"`
	Typing   bool   `json:"typing"`
}

// timeMark stands for the time stamp in an event.
const timeMark = 0x00

// typing emits a typing notice to all clients but one.
func (n *node) typing(except string, notice typingNotice) {
	assert.NoError(n.t, handle{n.main()}.EmitVolatile(socket.SocketId(except), "typing", notice))
}

// encoderOf is a simple [replica.Encode]: the event with its time and its offset. prefix is what comes before the arguments in
// the namespace.
func encoderOf(prefix string) replica.Encode {
	return func(dst []byte, e stream.Entry) ([]byte, bool) {
		if !wire.IsEventArgs(e.Event) {
			return dst, false
		}
		args := bytes.ReplaceAll(e.Event[:len(e.Event)-1], []byte{timeMark}, fmt.Append(nil, e.Offset.Ms))
		return wire.AppendMessage(dst, fmt.Appendf(nil, `%s%s,%q]`, prefix, args, e.Offset)), true
	}
}

// greetingOf greets with a number and the joining offset.
func greetingOf(prefix string, online int) func([]byte, fanout.Cursor, Client) []byte {
	return func(dst []byte, at fanout.Cursor, _ Client) []byte {
		return wire.AppendMessage(dst, fmt.Appendf(nil, `%s["presence",{"online":%d},%q]`, prefix, online, at.Offset()))
	}
}

// handler is a client that never waits.
type handler func(ctx context.Context, event string, args []any, ack func(...any)) bool

func (h handler) Event(ctx context.Context, event string, args []any, ack func(...any)) bool {
	return h(ctx, event, args, ack)
}
func (handler) Left(bool) time.Duration { return 0 }

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

// say appends a message as chat does and returns the frame that clients will receive.
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
