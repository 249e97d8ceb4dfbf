// Package chat owns the rules of the room: what a message is, how long it may be, who may speak, under which name and how
// fast, which answer the sender gets, what a client may ask for, and which typing notices are relayed.
//
// It knows nothing of sockets, streams or metrics: events come in as the values that the JSON decoder made of them, and
// leave through the small interfaces of this file. From outside this module it imports only the standard library.
package chat

import (
	"context"
	"log/slog"
	"math"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/subscriber"
)

// Names of the events that a client may send, as they cross the wire. The same names label the counted outcomes.
const (
	EventMessage = "event:message"
	EventHistory = "history"
	EventTyping  = "typing"
	EventRooms   = "rooms"
	EventPeople  = "people"
	EventToken   = "token"
)

// TimeMark is the byte that holds the place of the stream's time stamp in a stored event. JSON text cannot contain it,
// so it occurs exactly once.
const TimeMark = 0x00

// Limits bound what clients may say. They are fixed when the service is made. A zero field takes the default in its
// comment, so the zero Limits is usable.
type Limits struct {
	// MaxMessageChars is the longest message in characters (Unicode code points). Default 4000.
	MaxMessageChars int
	// MaxUsernameChars is the longest username in characters, after trimming. Default [MaxUsernameChars].
	MaxUsernameChars int
	// MessageRate is the sustained rate of one connection in events per second, and of one user over all connections to
	// this node; excess events wait. 0 is unlimited.
	MessageRate int
	// MessageBurst is how many events a connection, or a user, may send at once before it is paced. Default 1.
	MessageBurst int
	// AddressRate is the sustained rate of all guests of one public address together, in events per second; excess events
	// wait. The burst is four times that. 0 is unlimited.
	AddressRate int
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
	// in the order of its calls. If it returns nil, done is called exactly once, from any goroutine, with the place of
	// the stored event or with an error; otherwise nothing was queued and done
	// is never called. While a key that is not empty is remembered, an event with the same key is not stored again and
	// done gets the place of the first.
	Append(ctx context.Context, key string, args []byte, done func(at Position, err error)) error
}

// Position is the place of a stored event in the total order: its time stamp in milliseconds since the epoch, by the stream's
// clock, and its number among those of that millisecond.
type Position struct{ Ms, Seq uint64 }

// String is the offset of the event, as clients get it.
func (p Position) String() string {
	return strconv.FormatUint(p.Ms, 10) + "-" + strconv.FormatUint(p.Seq, 10)
}

// Archive reads events of the past. An offset must look like one, but need not exist any more. Each method returns at most n
// events, oldest first; some may not be messages. It returns fewer only if there are no more, if their Args together exceed
// enough bytes, or with an error; the entries found before the error are then returned with it. The caller gets the slice,
// but does not write to Args.
type Archive interface {
	// Before returns the newest events that are older than the offset; empty: the newest of all.
	Before(ctx context.Context, before string, n, enough int) ([]Entry, error)
	// After returns the oldest events that are newer than the offset.
	After(ctx context.Context, after string, n, enough int) ([]Entry, error)
	// From is After, but begins with the event at the offset, if that exists.
	From(ctx context.Context, from string, n, enough int) ([]Entry, error)
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
	// Logger gets, at debug level, the refusals with their cause, and what becomes of each message; nil: nobody does. It never gets
	// the text of a message.
	Logger *slog.Logger
}

// Options configure a service. Record is required.
type Options struct {
	// Room is the name by which the rights of users speak of the room; "/" is the main room. Default "/".
	Room   string
	Limits Limits
	// Rates are those of all rooms of the node, made with the same limits; nil: the service has its own.
	Rates   *Rates
	Record  Record
	Archive Archive // nil: every request for history gets [Unavailable]
	Relay   Relay   // nil: typing notices go nowhere
	Hooks   Hooks
}

// Service applies the rules of one room. Its methods may be called from any goroutine.
type Service struct {
	room    string
	limits  Limits
	rates   *Rates
	record  Record
	archive Archive
	relay   Relay
	hooks   Hooks
	typists typists
	epoch   time.Time // of the times that typing keeps
}

// New makes a service.
func New(o Options) *Service {
	if o.Room == "" {
		o.Room = "/"
	}
	if o.Rates == nil {
		o.Rates = NewRates(o.Limits)
	}
	return &Service{
		room: o.Room, limits: o.Limits.withDefaults(), rates: o.Rates,
		record: o.Record, archive: o.Archive, relay: o.Relay, hooks: o.Hooks,
		// It lies an hour back so that the zero value of a throttle is "long ago".
		epoch: time.Now().Add(-time.Hour),
	}
}

// Connection is what the rules remember of one connection, over all rooms that it is in and while it leaves and rejoins
// them. It holds no goroutine and needs no closing.
type Connection struct {
	rates   *Rates
	network *netip.Prefix // nil: it may stand for everybody, so it has no bound

	mu       sync.Mutex
	events   pace.Level // all events together; excess events are delayed
	requests pace.Level // all that ask for something, as history; excess requests are refused
	rejoin   pace.Level // rooms that are left; the next CONNECT to them is delayed
}

// NewConnection makes the memory of a connection, with the limits of this service. It is for the services of all rooms,
// which should have the same limits and rates. network is what stands for the client where clients are counted by address.
func (s *Service) NewConnection(network netip.Prefix) *Connection {
	c := &Connection{rates: s.rates}
	if subscriber.IsPublic(network) {
		c.network = &network
	}
	return c
}

// Client is what the rules remember of one socket of a connection.
type Client struct {
	id      string
	speaker *auth.Speaker
	conn    *Connection
	rules   *Service
	typed   atomic.Pointer[string] // the newest username that the client gave; nil: none
	typing  typist

	leave atomic.Pointer[context.CancelFunc] // ends the wait of an event; nil: none waits for long
}

// ID is the Socket.IO session id of the client, which is public.
func (c *Client) ID() string { return c.id }

// Identity is the newest identity of the client's user.
func (c *Client) Identity() auth.Identity { return c.speaker.Identity() }

// NewClient makes the memory of a socket. id is the Socket.IO session id, which others see in typing notices. Each event
// counts for the identity that speaker has by then. handshake is the client's auth of CONNECT, as decoded from JSON: a
// username in it is shown until the client speaks.
func (s *Service) NewClient(conn *Connection, id string, speaker *auth.Speaker, handshake any) *Client {
	c := &Client{id: id, speaker: speaker, conn: conn, rules: s}
	fields, _ := handshake.(map[string]any)
	username, _ := fields["username"].(string)
	if name, bad := s.normalName(username); bad == nil && name != "" {
		c.note(name)
	}
	return c
}

// RejoinDelay is how long a connection that left a room waits before its next packet to that room. A rejoin can send history,
// so it is paced like a history request; but who leaves rooms may still read history in others.
func (s *Service) RejoinDelay(c *Client) time.Duration {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	return c.conn.rejoin.ReserveN(requestRate, c.conn.rates.now(), 1)
}

// Unknown paces an event that the room does not know and does nothing else.
func (s *Service) Unknown(ctx context.Context, c *Client) { _ = s.pace(ctx, c) }

// now is the time since the epoch of the service.
func (s *Service) now() time.Duration { return time.Since(s.epoch) }

// handled reports an outcome to the hooks. err is nil when the event was accepted.
func (s *Service) handled(c *Client, event string, err *Error) {
	outcome := OutcomeOK
	if err != nil {
		outcome = string(err.Code)
		if s.logs() {
			s.hooks.Logger.Debug("event refused", "event", event, "room", s.room, "socket", c.id, "user", c.Identity().ID, "error", err)
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
func Events() []string {
	return []string{EventMessage, EventHistory, EventTyping, EventRooms, EventPeople, EventToken}
}
