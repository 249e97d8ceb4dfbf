// Package chat owns the rules of the room: what a message is, how long it may be, how fast one connection may speak,
// which answer the sender gets, which history a client may request, and which typing notices are relayed.
//
// It knows nothing of sockets, streams or metrics: events come in as the values that the JSON decoder made of them, and
// leave through the small interfaces of this file. From outside this module it imports only the standard library.
package chat

import (
	"context"
	"log/slog"
	"math"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/pace"
)

// Names of the events that a client may send, as they cross the wire. The same names label the counted outcomes.
const (
	EventMessage = "event:message"
	EventHistory = "history"
	EventTyping  = "typing"
	EventRooms   = "rooms"
)

// TimeMark is the byte that holds the place of the stream's time stamp in a stored event. JSON text cannot contain it,
// so it occurs exactly once.
const TimeMark = 0x00

// Limits bound what one connection may say. They are fixed when the service is made. A zero field takes the default in
// its comment, so the zero Limits is usable.
type Limits struct {
	// MaxMessageChars is the longest message in characters (Unicode code points). Default 4000.
	MaxMessageChars int
	// MaxUsernameChars is the longest username in characters, after trimming. Default 64.
	MaxUsernameChars int
	// MessageRate is the sustained rate of one connection in events per second; excess events wait. 0 is unlimited.
	MessageRate int
	// MessageBurst is how many events a connection may send at once before it is paced. Default 1.
	MessageBurst int
}

func (l Limits) withDefaults() Limits {
	if l.MaxMessageChars <= 0 {
		l.MaxMessageChars = 4000
	}
	if l.MaxUsernameChars <= 0 {
		l.MaxUsernameChars = MaxUsernameChars
	}
	return l
}

// Record takes the events that every client of every node gets.
type Record interface {
	// Append queues args, the JSON text of the event's arguments with one [TimeMark] in it, and takes ownership of it.
	// It blocks only while the stream's bounded queue is full, at most until ctx ends. Events of one caller are stored
	// in the order of its calls. If it returns nil, done is called exactly once, from any goroutine, with the time
	// stamp of the stored event in milliseconds since the epoch or with an error; otherwise nothing was queued and done
	// is never called. While a key that is not empty is remembered, an event with the same key is not stored again and
	// done gets the time stamp of the first.
	Append(ctx context.Context, key string, args []byte, done func(at int64, err error)) error
}

// Archive reads older events.
type Archive interface {
	// Before returns at most n events, oldest first: the newest ones that are older than the given offset (empty: the
	// newest of all). before has the form of an offset, but need not exist any more. The caller does not write to Args.
	// Some entries may not be messages. Before returns fewer than n entries only if there are no more, if their Args
	// together exceed [HistoryBytes], or with an error; the entries found before the error are then returned with it.
	Before(ctx context.Context, before string, n int) ([]Entry, error)
}

// Entry is one event of the archive.
type Entry struct {
	Offset string // the place in the total order, opaque
	At     int64  // milliseconds since the epoch
	Args   []byte // as appended, or as clients got it: with At instead of [TimeMark], and one more argument
}

// Relay sends a typing notice to every connection except the one with the given id. It must be quick, may drop the
// notice, and never stores it.
type Relay func(except string, notice Typing)

// Hooks let the owner observe. Every field may be nil; each must be quick and safe for concurrent use.
type Hooks struct {
	// Handled is called once for each event of a client, when its outcome is known. event is one of [Events], outcome one
	// of [Outcomes].
	Handled func(event, outcome string)
	// Logger gets the refusals at debug level, with their cause.
	Logger *slog.Logger
}

// Service applies the rules. Its methods may be called from any goroutine.
type Service struct {
	limits  Limits
	record  Record
	archive Archive
	relay   Relay
	hooks   Hooks
	typists typists
	epoch   time.Time // of the times that typing keeps
}

// New makes a service. rec is required. Without an archive every history request gets [Unavailable]; without a relay
// typing notices go nowhere.
func New(limits Limits, rec Record, a Archive, r Relay, hooks Hooks) *Service {
	// The epoch lies an hour back so that the zero value of a throttle is "long ago".
	return &Service{limits: limits.withDefaults(), record: rec, archive: a, relay: r, hooks: hooks, epoch: time.Now().Add(-time.Hour)}
}

// Connection is what the rules remember of one connection, over all rooms that it is in and while it leaves and rejoins
// them. It holds no goroutine and needs no closing.
type Connection struct {
	events  pace.Bucket // all events together; excess events are delayed
	history pace.Bucket // requests for history and for the rooms; excess requests are refused
	rejoin  pace.Bucket // rooms that are left; the next CONNECT to them is delayed
	epoch   time.Time
}

// NewConnection makes the memory of a connection, with the limits of this service. It is for the services of all rooms,
// which should have the same limits.
func (s *Service) NewConnection() *Connection {
	return &Connection{
		events:  pace.New(s.limits.MessageRate, s.limits.MessageBurst),
		history: pace.New(historyRate, historyBurst),
		rejoin:  pace.New(historyRate, historyBurst),
		epoch:   time.Now(),
	}
}

// request takes the token of one request for history or for the rooms; false: there is none.
func (c *Connection) request() bool { return c.history.Take(c.now()) }

// now is the time since the epoch of the connection.
func (c *Connection) now() time.Duration { return time.Since(c.epoch) }

// Client is what the rules remember of one socket of a connection.
type Client struct {
	id     string
	who    auth.Identity
	conn   *Connection
	typing typist
}

// NewClient makes the memory of a socket. id is the Socket.IO session id, which others see in typing notices. who is the
// identity of its user.
func (s *Service) NewClient(conn *Connection, id string, who auth.Identity) *Client {
	return &Client{id: id, who: who, conn: conn}
}

// RejoinDelay is how long a connection that left a room waits before its next packet to that room. A rejoin can send history,
// so it is paced like a history request; but who leaves rooms may still read history in others.
func (s *Service) RejoinDelay(c *Client) time.Duration { return c.conn.rejoin.Reserve(c.conn.now()) }

// Unknown paces an event that the room does not know and does nothing else.
func (s *Service) Unknown(ctx context.Context, c *Client) { _ = s.pace(ctx, c) }

// now is the time since the epoch of the service.
func (s *Service) now() time.Duration { return time.Since(s.epoch) }

// handled reports an outcome to the hooks. err is nil when the event was accepted.
func (s *Service) handled(c *Client, event string, err *Error) {
	outcome := OutcomeOK
	if err != nil {
		outcome = string(err.Code)
		if s.hooks.Logger != nil {
			s.hooks.Logger.Debug("event refused", "event", event, "sid", c.id, "error", err)
		}
	}
	if s.hooks.Handled != nil {
		s.hooks.Handled(event, outcome)
	}
}

// refuse ends an event with an error: counts it, logs it, and tells the sender if it asked for an ack.
func (s *Service) refuse(c *Client, event string, err *Error, ack func(any)) {
	s.handled(c, event, err)
	if ack != nil {
		ack(err.Refusal())
	}
}

// first returns the first argument of an event as an object.
func first(args []any) (map[string]any, *Error) {
	if len(args) == 0 {
		return nil, invalid("The event needs an object as its first argument.")
	}
	object, ok := args[0].(map[string]any)
	if !ok {
		return nil, invalid("The first argument must be an object.")
	}
	return object, nil
}

// whole returns the value of a JSON number that is an integer, clamped to 32 bits.
func whole(v any) (int, bool) {
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) {
		return 0, false
	}
	return int(max(math.MinInt32, min(f, math.MaxInt32))), true
}

// Events returns the names of the events a client may send.
func Events() []string { return []string{EventMessage, EventHistory, EventTyping, EventRooms} }
