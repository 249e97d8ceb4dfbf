// Package adapter is the Socket.IO adapter: it delivers the library's broadcasts to a namespace's sockets, on all nodes.
//
//	io.Emit ──▶ namespace.Broadcast ──▶ replica ──▶ stream ──▶ replica ──▶ fanout.Log ──▶ every socket, on every node
//	Socket.Emit, rooms ──▶ namespace.Broadcast ──▶ private frames of the selected sockets (──▶ bus ──▶ other nodes)
//
// It owns the members of each namespace and their rooms, the requests between nodes, and the order of a CONNECT: where a
// socket begins to follow its namespace's log, and when an inbound packet is finished, so that the edge may hand over the
// next one of the same session. The owner gives events their meaning: it binds a [Binding] to each namespace, and opens and
// discards those of rooms.
//
// It has many files because each kind of request between nodes has its own.
package adapter

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/replica"
)

// Binding is what the owner binds to a namespace. The zero Binding is a plain namespace of the library.
type Binding struct {
	// Replica records the broadcasts to everyone in the namespace; the sockets follow its log. Without a replica, broadcasts
	// reach the sockets of this node and, over the bus, those of other nodes, but nothing is ordered, kept or recovered.
	Replica *replica.Replica
	// History reads from a handshake's auth how many past messages the client asks for; nil: none.
	History func(auth map[string]any) int
	// Greeting appends the first frames that a socket gets; the first of them carries the offset where the socket begins. It is
	// required with Replica. to is the socket's client, which may be nil.
	Greeting func(dst []byte, at fanout.Cursor, to Client) []byte
	// PrivateIDs makes the private ids of sockets, and says who may recover with them; nil: they are random, and anybody may
	// who has one.
	PrivateIDs auth.PrivateIDs
	// Client makes the owner's side of a socket that is about to be connected; nil, or a nil result: only the library's
	// listeners get its events. by is the pass that the edge has for its CONNECT, if that is a speaker; else it has the zero
	// identity.
	Client func(s *socket.Socket, by *auth.Speaker) Client
	// Publish sends a message, of which it owns the bytes, to [Hub.Receive] on all other nodes that have the namespace. The
	// namespace's volatile broadcasts go this way, at most a few messages in each [Options.VolatileInterval]; nil: over the
	// bus. It may drop the message and must not block.
	Publish func(message []byte)
	// Members is called with the new value of [Hub.Members] whenever that changes, one call at a time and in order. It must
	// be quick and must not call the hub; nil: nobody is told.
	Members func(n int)
}

// Client is the owner's side of one socket.
type Client interface {
	// Event handles one event. It is called with one event of a session at a time, and the session's next packet waits until
	// it returns, so it must return in bounded time; ctx ends when the hub stops, not when the client leaves. args are
	// the event's arguments as the JSON decoder made them; ack, nil if the client wants none, may be called from any
	// goroutine, also later, and only the first call counts. It returns false for an event that it does not know; such an
	// event goes to the listeners that were added with the library's own On, in no certain order.
	Event(ctx context.Context, event string, args []any, ack func(...any)) (known bool)
	// Left is called once, when the socket has left; an event may still be in progress. stays tells whether the client keeps
	// its connection: then the session waits for the result before its next packet, so that a client cannot get around limits
	// by leaving and joining again.
	Left(stays bool) (rejoin time.Duration)
}

// Namespace is a bound namespace as its owner uses it. Its methods may be called from any goroutine.
type Namespace interface {
	Name() string
	// SendVolatile sends whole frames to every greeted socket of this node that is writable.
	SendVolatile(frames []byte)
	// EmitVolatile emits an event to every socket but one, on all nodes, as the library's volatile broadcasts do.
	EmitVolatile(except socket.SocketId, event string, args ...any) error
}

// Hooks let the owner observe. Every field may be nil; each must be quick and safe for concurrent use.
type Hooks struct {
	Recovered func(ok bool) // a client asked to recover
}

// Options configure a hub. Zero values are legal and mean what the field says.
type Options struct {
	// Bind is called once for each namespace that the library makes, before it has sockets; nil: all are plain.
	Bind func(Namespace) Binding
	// Recovery offers connection state recovery to clients. It is set if any namespace is bound to a replica.
	Recovery bool
	// Bus connects the hub to those of other nodes; nil: there are none. The hub listens to it until Close.
	Bus bus.Bus
	// Nodes counts the live nodes of the cluster, this one included; nil: one. A request waits for one answer of each of
	// the others.
	Nodes func() int
	// Timeout is how long a request waits for other nodes if the caller does not say. Default 5 s.
	Timeout time.Duration
	// Answer is what this node answers to a [Hub.Query] of another node about a namespace, which this node may not have: a
	// JSON array. It is called for one query at a time and should be quick: other requests of nodes wait. nil: an empty one.
	Answer func(namespace string) []byte
	// VolatileInterval is how long a namespace gathers volatile broadcasts. It then writes them to each socket in one piece:
	// at most 64 of them, and 64 KiB unless a single one is larger. Default 150 ms.
	VolatileInterval time.Duration
	Hooks            Hooks
	Logger           *slog.Logger // nil: the default logger
}

// Stats are totals since the start.
type Stats struct {
	Panics          int64 // listeners and handlers that panicked
	Unsent          int64 // broadcasts that the stream did not take
	VolatileDropped int64 // volatile broadcasts, also of other nodes, dropped because there were too many

	BusUnsent    int64 // messages that the bus did not take
	BusUnheard   int64 // messages of other nodes dropped because there were too many
	BusMalformed int64 // messages of other nodes that are malformed, or came for another namespace
}

// Hub is the adapter constructor of one Socket.IO server: it makes an adapter for each namespace, and connects them to
// those of the other nodes. Its methods may be called from any goroutine.
type Hub struct {
	opts   Options
	logger *slog.Logger
	life   context.Context // ends with Close; handlers and appends run under it
	end    context.CancelFunc

	panics, unsent, volatileDropped atomic.Int64

	namespaces sync.Map // by name: *namespace

	parent socket.ParentNamespace // of the namespaces of Open; set by Attach

	// Exchange with other nodes.
	requests                            requests
	tasks                               tasks
	inbox                               *serial // requests of other nodes
	unsubscribe                         func()
	awaited                             atomic.Int64 // outstanding answers of clients
	complained                          atomic.Int64 // when complain last logged, in nanoseconds
	busUnsent, busUnheard, busMalformed atomic.Int64
}

var _ socket.AdapterConstructor = (*Hub)(nil)

// session is what the hub needs of a connection: *engineio.Session has it.
type session interface {
	engine.Socket
	follower
	sender
	turns
}

// follower moves a session along logs.
type follower interface {
	// Follow starts at the cursor, after the private frames in first, in one atomic step.
	Follow(at fanout.Cursor, first []byte)
	Unfollow(log *fanout.Log)
}

// sender queues whole private frames without blocking; false means that they are dropped.
type sender interface {
	SendFrame(frame []byte) bool
	SendVolatile(frames []byte) bool
}

// turns hand inbound packets over, one at a time for each namespace.
type turns interface {
	// Turn is the turn of the current packet. The code that handles the packet keeps the value and calls Done once.
	Turn(namespace string) engineio.Turn
	// Joined and Left say whether the library has a socket of the session in a namespace.
	Joined(namespace string, r engineio.Resident)
	Left(namespace string)
	// Parted says that the library is done with the socket that has left, although the turn lasts.
	Parted(namespace string)
	// Pass is what the edge knows of the newest CONNECT.
	Pass(namespace string) any
}

// claimLook is how soon claim checks again whether an older socket with the same id is gone, mostLook how seldom in the end;
// claimWait is how long it waits.
const (
	claimWait = 2 * time.Second
	claimLook = time.Millisecond
	mostLook  = 50 * time.Millisecond
)

// New makes a hub. [Hub.Close] ends it.
func New(o Options) *Hub {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.VolatileInterval <= 0 {
		o.VolatileInterval = volatileInterval
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	h := &Hub{opts: o, logger: o.Logger}
	h.life, h.end = context.WithCancel(context.Background())
	h.inbox = newSerial(h, "request of another node", inboxCalls, inboxBytes)
	h.unsubscribe = func() {}
	if o.Bus != nil {
		h.unsubscribe = o.Bus.Subscribe(busTopic, h.receive)
	}
	return h
}

// ServerOptions are the options that the Socket.IO server requires: this adapter, the parser that shows every CONNECT to the
// adapter first, and, with [Options.Recovery], connection state recovery, so that the answer to a CONNECT carries the
// private id that a client needs to recover.
func (h *Hub) ServerOptions() *socket.ServerOptions {
	o := socket.DefaultServerOptions()
	o.SetServeClient(false)
	o.SetAdapter(h)
	o.SetParser(engineio.NewParser(h.identify))
	if h.opts.Recovery {
		recovery := &socket.ConnectionStateRecovery{}
		recovery.SetSkipMiddlewares(false)
		o.SetConnectionStateRecovery(recovery)
	}
	return o
}

// Close cancels waiting handlers and appends, stops listening to other nodes, and fails requests that wait for their answers
// with [ErrClosed]. It waits for running listeners and callbacks of other nodes' requests, so they must not call it. It
// does not close the sessions; the edge does.
func (h *Hub) Close() {
	h.end()
	h.unsubscribe()
	h.requests.close()
	h.tasks.close()
}

// Stats reads the counters.
func (h *Hub) Stats() Stats {
	return Stats{
		Panics: h.panics.Load(), Unsent: h.unsent.Load(), VolatileDropped: h.volatileDropped.Load(),
		BusUnsent: h.busUnsent.Load(), BusUnheard: h.busUnheard.Load(), BusMalformed: h.busMalformed.Load(),
	}
}

// namespaceOf returns the adapter of a namespace, nil if there is none of that name.
func (h *Hub) namespaceOf(name string) *namespace {
	found, _ := h.namespaces.Load(name)
	n, _ := found.(*namespace)
	return n
}

// New makes the adapter of a namespace, for the library. The namespace that stands in for one that is being discarded gets
// the adapter of that one.
func (h *Hub) New(nsp socket.Namespace) socket.Adapter {
	if n := h.namespaceOf(nsp.Name()); n != nil && n.discarded.Load() {
		return n
	}
	n := newNamespace(h, nsp)
	h.namespaces.Store(nsp.Name(), n)
	return n
}
