// Package adapter is the Socket.IO adapter over a stream: what a namespace broadcasts goes into the ordered record, what
// comes out of the record goes to the sockets of this node.
//
//	io.Emit, chat ──▶ Hub.Publish ──▶ stream ──▶ Hub.Run ──▶ fanout.Log ──▶ every socket of "/" on this node
//	Socket.Emit, rooms, volatile ──▶ namespace.Broadcast ──▶ private frames of the sockets concerned (──▶ bus ──▶ other nodes)
//
// It also owns where a socket of "/" begins in the log (at its head, some messages back, or right after the offset that
// a reconnecting client remembers), and when an inbound packet has been dealt with, so that the edge may hand over the
// next one of the same session.
package adapter

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"
	"golang.org/x/sync/semaphore"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
)

// Handler deals with the events of one socket. It is called with one event of a session at a time and holds back the
// session's next packet until it returns, so it must return in bounded time; ctx ends when the hub stops, not when the
// client leaves. args are the event's arguments as the JSON decoder made them; ack, nil if the client wants none, may be
// called from any goroutine, also later, and only the first call counts. It returns false for an event that it does not
// know; such an event goes to the listeners that were added with the library's own On, in no certain order.
type Handler func(ctx context.Context, event string, args []any, ack func(...any)) (known bool)

// Hooks let the owner observe. Every field may be nil; each must be quick and safe for concurrent use.
type Hooks struct {
	Recovered func(ok bool)  // a client asked for what it missed
	Reset     func()         // the log was dropped because the stream had a gap
	Followed  func(at int64) // a live message came out of the stream; its stamp in milliseconds since the epoch
}

// Options say what a hub works on. Zero values are legal and mean what the field says.
type Options struct {
	// Stream is the record of what is broadcast on "/". Without one, broadcasts reach the sockets of this node and,
	// over Bus, those of others, but nothing is ordered, kept or recovered.
	Stream stream.Stream
	// Log is what the sessions follow; the hub alone writes to it. It goes with Stream and is emptied by Load.
	Log *fanout.Log
	// Window is how many entries are preloaded, WindowBytes how large they may be: the size of the log, which is not
	// larger than what the stream retains. Defaults 10,000 and 16 MiB.
	Window, WindowBytes int
	// Retained tells how many entries the stream retains now, where that may be fewer than Window; nil: Window.
	Retained func() int
	// History tells from the auth of a handshake how many past messages the client asks for; nil: none.
	History func(auth map[string]any) int
	// Online counts the connections to the cluster, for the presence that each socket is greeted with; nil: zero.
	Online func() int
	// Handler makes the handler of a socket that is about to be connected, in any namespace; nil, or a nil result: the
	// library's listeners alone get its events.
	Handler func(*socket.Socket) Handler
	// Leave tells how long a session must wait with its next packet after a socket of it was disconnected by the client,
	// so that to come and go again and again is no way around a handler's limits; nil: not at all.
	Leave func(*socket.Socket) time.Duration
	// Bus connects the hub with those of other nodes; nil: there are none. The hub listens to it until Close.
	Bus Bus
	// Nodes counts the live nodes of the cluster, this one included; nil: one. As many answers, less one, are waited for,
	// and each publishes its part of what may be on its way.
	Nodes func() int
	// Timeout is how long answers of other nodes are waited for, where the caller does not say. Default 5 s.
	Timeout time.Duration
	// VolatileInterval is how long volatile broadcasts of a namespace are gathered, to be written to each socket in one piece.
	// At most 64 of them, and 64 KiB unless a single one is larger, are delivered in that time. Default 150 ms.
	VolatileInterval time.Duration
	Hooks            Hooks
	Logger           *slog.Logger // nil: the default logger
}

// Stats are totals since the start.
type Stats struct {
	Panics    int64 // handlers that panicked
	Malformed int64 // entries of the stream that are no events
	Unsent    int64 // broadcasts that the stream did not take

	VolatileDropped int64 // volatile broadcasts, also of other nodes, that were dropped because too many came

	BusUnsent    int64 // messages that the bus did not take
	BusUnheard   int64 // messages of other nodes that were dropped because too many came
	BusMalformed int64 // messages of other nodes that make no sense
}

// Hub connects the namespaces of one Socket.IO server with one stream. It is the server's adapter constructor. Its
// methods may be called from any goroutine.
type Hub struct {
	opts Options
	log  *slog.Logger
	life context.Context // ends with Close; handlers and appends run under it
	end  context.CancelFunc

	panics, malformed, unsent, volatileDropped atomic.Int64

	main       atomic.Pointer[namespace] // "/"
	namespaces sync.Map                  // by name: *namespace
	brake      *brake
	reads      *semaphore.Weighted // see maxReads
	publishing sync.RWMutex        // held for reading by whoever appends
	settled    bool                // guarded by publishing: nobody may append any more

	// For and of other nodes.
	requests                            requests
	tasks                               tasks
	inbox                               *serial // what other nodes want done
	unsubscribe                         func()
	awaited                             atomic.Int64 // answers of clients that are to come
	complained                          atomic.Int64 // when the bus was last complained of, in nanoseconds
	busUnsent, busUnheard, busMalformed atomic.Int64

	// starts is held for writing while the log is emptied and refilled, so that nobody starts in between.
	starts   sync.RWMutex
	restored sync.Map // socket.SocketId -> restoration: from RestoreSession to the admission of that socket

	// owned by Load and Run
	last    stream.Offset // the newest entry that was taken from the stream
	scratch []byte
	frames  []fanout.Frame
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
	// Follow starts at the cursor, behind the private frames first, in one atomic step.
	Follow(at fanout.Cursor, first []byte)
	Unfollow(log *fanout.Log)
}

// sender queues whole private frames without blocking; false means that they are gone.
type sender interface {
	SendFrame(frame []byte) bool
	SendVolatile(frames []byte) bool
}

// turns hand inbound packets over one at a time.
type turns interface {
	Turn() uint64 // the number of the packet in turn
	Done(turn uint64)
}

// recoverWait bounds how long a client waits whose offset this node has not reached yet, recoverLook how long after that
// was reached, and claimLook how long after an older socket with its id is gone.
const (
	recoverWait = 2 * time.Second
	recoverLook = 20 * time.Millisecond
	claimLook   = time.Millisecond
)

// maxReads is how many clients' questions for history are answered at once: they go the same way as what is said now, and
// must not crowd it out.
const maxReads = 2

// New makes a hub. [Hub.Load] fills its log, [Hub.Run] keeps it filled, [Hub.Close] ends it.
func New(o Options) *Hub {
	if o.Window <= 0 {
		o.Window = 10_000
	}
	if o.WindowBytes <= 0 {
		o.WindowBytes = 16 << 20
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.VolatileInterval <= 0 {
		o.VolatileInterval = volatileInterval
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	h := &Hub{opts: o, log: o.Logger, brake: newBrake(o.retained, o.WindowBytes), reads: semaphore.NewWeighted(maxReads)}
	h.life, h.end = context.WithCancel(context.Background())
	h.inbox = newSerial(h, "request of another node", inboxCalls, inboxBytes)
	h.unsubscribe = func() {}
	if o.Bus != nil {
		h.unsubscribe = o.Bus.Subscribe(busTopic, h.receive)
	}
	return h
}

// retained is how many entries both the stream and the log hold.
func (o Options) retained() int {
	if o.Retained == nil {
		return o.Window
	}
	return min(o.Window, o.Retained())
}

// ServerOptions are the options that the Socket.IO server must be made with: this adapter, and connection state recovery
// switched on, so that a CONNECT answer carries the private id that a client needs to recover, with the parser that goes
// with it.
func (h *Hub) ServerOptions() *socket.ServerOptions {
	o := socket.DefaultServerOptions()
	o.SetServeClient(false)
	o.SetAdapter(h)
	if h.opts.Stream != nil {
		recovery := &socket.ConnectionStateRecovery{}
		recovery.SetSkipMiddlewares(false)
		o.SetConnectionStateRecovery(recovery)
		o.SetParser(identifying{parser.NewParser(), h})
	}
	return o
}

// Close ends the handlers and appends that still wait, stops listening to other nodes, and fails what waits for their
// answers with [ErrClosed]. It waits for the listeners and callbacks that run because of other nodes, so it must not be
// called by one. The sessions are not closed; that is the edge's business.
func (h *Hub) Close() {
	h.end()
	h.unsubscribe()
	h.requests.close()
	h.tasks.close()
}

// Stats reads the counters.
func (h *Hub) Stats() Stats {
	return Stats{
		Panics: h.panics.Load(), Malformed: h.malformed.Load(), Unsent: h.unsent.Load(),
		VolatileDropped: h.volatileDropped.Load(),
		BusUnsent:       h.busUnsent.Load(), BusUnheard: h.busUnheard.Load(), BusMalformed: h.busMalformed.Load(),
	}
}

// follows reports whether the sockets of that namespace follow the log.
func (h *Hub) follows(nsp string) bool { return nsp == "/" && h.opts.Stream != nil }

// New makes the adapter of a namespace, for the library.
func (h *Hub) New(nsp socket.Namespace) socket.Adapter {
	n := newNamespace(h, nsp)
	h.namespaces.Store(nsp.Name(), n)
	if nsp.Name() == "/" {
		h.main.Store(n)
	}
	return n
}
