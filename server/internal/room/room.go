// Package room binds one namespace of Socket.IO to the rules of the chat and to its record.
//
//	client ── event ──▶ adapter ──▶ room ──▶ chat (rules) ──▶ room ──▶ replica ──▶ stream
//	client ◀── greeting, presence, typing ───── room
//
// It owns the wire form of the chat: which event goes to which rule, the frame of an entry, the greeting of a new socket,
// presence and typing; and who is here. It has no goroutine.
package room

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/replica"
)

// Options configure a room. Namespace, Replica, Online and Welcome are required.
type Options struct {
	Namespace  string           // "/", or "/rooms/" and the name
	Replica    *replica.Replica // encodes with the [Encoder] of the namespace
	PrivateIDs auth.PrivateIDs  // of the sockets; nil: they are random
	Limits     chat.Limits
	Rates      *chat.Rates // of all rooms of the node; nil: the room has its own
	MaxHistory int         // most messages that a handshake may ask for
	Online     func() int  // how many clients are online, for the greeting
	Welcome    *Welcome    // what clients are told of the settings
	// Rooms looks up the public list of rooms; nil: there are none.
	Rooms func(context.Context) ([]Listed, error)
	// Directory is that of the node; nil: who is in the room is not known.
	Directory *Directory
	Handled   func(event, outcome string)
	Logger    *slog.Logger // nil: the default logger
}

// Listed is one room of the public list.
type Listed = chat.Listed

// Room is the chat in one namespace, which [Room.Bind] gives it. Its methods may be called from any goroutine.
type Room struct {
	opts      Options
	logger    *slog.Logger
	rules     *chat.Service
	namespace atomic.Pointer[adapter.Namespace]
}

var (
	_ chat.Record  = (*Room)(nil)
	_ chat.Archive = (*Room)(nil)
)

// New makes a room.
func New(o Options) *Room {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	r := &Room{opts: o, logger: o.Logger}
	r.rules = chat.New(chat.Options{
		Room: NameOf(o.Namespace), Limits: o.Limits, Rates: o.Rates,
		Record: r, Archive: r, Relay: r.relay,
		Hooks: chat.Hooks{Handled: o.Handled, Logger: o.Logger},
	})
	return r
}

// NameOf is the name of the room in a namespace, as rights speak of it; "/" is the global one.
func NameOf(namespace string) string { return strings.TrimPrefix(namespace, "/rooms/") }

// Bind gives the room its namespace and returns the room's side of it, for [adapter.Options].
func (r *Room) Bind(n adapter.Namespace) adapter.Binding {
	r.namespace.Store(&n)
	return adapter.Binding{
		Replica: r.opts.Replica,
		History: func(auth map[string]any) int { return chat.WantedHistory(auth, r.opts.MaxHistory) },
		Greeting: func(dst []byte, at fanout.Cursor, to adapter.Client) []byte {
			dst = appendPresence(dst, r.opts.Namespace, r.opts.Online(), at.Offset())
			return r.appendWelcome(dst, to.(client).rules.Identity())
		},
		PrivateIDs: r.opts.PrivateIDs,
		Client:     r.newClient,
	}
}

// attached is what the room needs of a connection of the edge.
type attached interface {
	Attachment(make func() any) any
	Network() netip.Prefix
}

// client is the room's side of one socket.
type client struct {
	room  *Room
	rules *chat.Client
}

var _ adapter.Client = client{}

func (r *Room) newClient(s *socket.Socket, by *auth.Speaker) adapter.Client {
	conn := s.Conn().(attached)
	rules := r.rules.NewClient(r.connectionOf(conn), string(s.Id()), by, s.Handshake().Auth)
	if r.logs() {
		r.logger.Debug("client entered", "room", NameOf(r.opts.Namespace), "socket", rules.ID(), "user", rules.Identity().ID, "address", conn.Network())
	}
	// The handshake is not needed any more, but the library keeps it, with the client's data, as long as the socket.
	*s.Handshake() = socket.Handshake{}
	return client{r, rules}
}

// connectionOf is what the rules remember of a connection. It lasts as long as that and is the same in all rooms, so that
// neither another room nor leaving and joining again resets a limit.
func (r *Room) connectionOf(conn attached) *chat.Connection {
	return conn.Attachment(func() any { return r.rules.NewConnection(conn.Network()) }).(*chat.Connection)
}

// Event implements [adapter.Client].
func (c client) Event(ctx context.Context, event string, args []any, ack func(...any)) (known bool) {
	var answer func(any)
	if ack != nil {
		answer = func(v any) { ack(v) }
	}
	rules := c.room.rules
	switch event {
	case chat.EventMessage:
		rules.Message(ctx, c.rules, args, answer)
	case chat.EventHistory:
		rules.History(ctx, c.rules, args, answer)
	case chat.EventRooms:
		rules.Rooms(ctx, c.rules, c.room.opts.Rooms, answer)
	case chat.EventPeople:
		rules.People(ctx, c.rules, c.room.People, answer)
	case chat.EventToken:
		rules.Token(ctx, c.rules, args, answer)
	case chat.EventTyping:
		rules.Typing(ctx, c.rules, args, answer)
	default:
		rules.Unknown(ctx, c.rules)
		return false
	}
	return true
}

// logs reports whether debug records are wanted.
func (r *Room) logs() bool { return r.logger.Enabled(context.Background(), slog.LevelDebug) }

// Left implements [adapter.Client].
func (c client) Left(stays bool) time.Duration {
	if c.room.logs() {
		c.room.logger.Debug("client left", "room", NameOf(c.room.opts.Namespace), "socket", c.rules.ID())
	}
	c.rules.Left()
	if !stays {
		return 0
	}
	return c.room.rules.RejoinDelay(c.rules)
}
