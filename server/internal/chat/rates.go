package chat

import (
	"context"
	"net/netip"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/pace"
)

// How many requests of a connection are answered: all that ask for something, as history. Excess requests are refused, not
// delayed, so that a flood does not keep the record busy.
const (
	RequestRate  = 2 // requests per second
	RequestBurst = 10
)

var requestRate = pace.NewRate(RequestRate, RequestBurst)

const (
	userRequests = 5 // a user may ask as often as so many connections
	addressBurst = 4 // seconds of its rate that an address may use at once
)

// Rates bound what a user does over all connections to this node, and what all guests of one public address do. Services
// share them. They hold no goroutine, need no closing, and remember only who has done something in the last seconds.
type Rates struct {
	connection pace.Rate           // events of one
	events     *pace.Table[string] // by user
	requests   *pace.Table[string] // by user
	addresses  *pace.Table[netip.Prefix]
	epoch      time.Time
}

// NewRates makes the rates of a node.
func NewRates(l Limits) *Rates {
	return &Rates{
		connection: pace.NewRate(l.MessageRate, l.MessageBurst),
		events:     pace.NewTable[string](l.MessageRate, l.MessageBurst),
		requests:   pace.NewTable[string](userRequests*RequestRate, userRequests*RequestBurst),
		addresses:  pace.NewTable[netip.Prefix](l.AddressRate, addressBurst*l.AddressRate),
		epoch:      time.Now(),
	}
}

// now is the time since the epoch.
func (r *Rates) now() time.Duration { return time.Since(r.epoch) }

// lastWait is how long an event waits at most, when its client has left, to be handled nevertheless: what a client said last
// counts, but those who come, speak and leave must not delay the others of their address for long.
const lastWait = time.Second

// pace blocks while the connection, its user, or the guests of its address send events faster than their rates. Every event
// is paced, also one that is refused later, so a flood of garbage is read no faster than a flood of messages.
func (s *Service) pace(ctx context.Context, c *Client) *Error {
	delay := c.reserve()
	if delay == 0 {
		return nil
	}
	if delay > lastWait {
		var end func()
		ctx, end = c.whileThere(ctx)
		defer end()
	}
	if err := pace.Sleep(ctx, delay); err != nil {
		c.giveBack()
		return unavailable("The connection closed before it was this event's turn.", err)
	}
	return nil
}

// reserve takes a token of each rate that bounds the client and returns how long it has to wait for all of them.
func (c *Client) reserve() time.Duration {
	who, rates := c.speaker.Identity(), c.conn.rates
	now := rates.now()
	delay := max(c.conn.reserve(now), rates.events.Reserve(who.ID, now))
	if c.sharesAddress(who) {
		delay = max(delay, rates.addresses.Reserve(*c.conn.network, now))
	}
	return delay
}

// reserve takes the token of one event.
func (c *Connection) reserve(now time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events.ReserveN(c.rates.connection, now, 1)
}

// ask takes the token of one request; false: there is none.
func (c *Connection) ask(now time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests.Take(requestRate, now)
}

// gone is in place of [Client.leave] when the client has left.
var gone context.CancelFunc = func() {}

// Left says that the socket has left. An event that waits for long is given up.
func (c *Client) Left() {
	if leave := c.leave.Swap(&gone); leave != nil {
		(*leave)()
	}
}

// whileThere returns a context that ends when the client leaves, or with end.
func (c *Client) whileThere(ctx context.Context) (there context.Context, end func()) {
	there, leave := context.WithCancel(ctx)
	if !c.leave.CompareAndSwap(nil, &leave) && c.leave.Load() == &gone {
		leave()
	}
	return there, func() {
		c.leave.CompareAndSwap(&leave, nil)
		leave()
	}
}

// giveBack returns the tokens that others wait for, so that events that never came do not delay theirs.
func (c *Client) giveBack() {
	who, rates := c.speaker.Identity(), c.conn.rates
	rates.events.GiveBack(who.ID)
	if c.sharesAddress(who) {
		rates.addresses.GiveBack(*c.conn.network)
	}
}

// sharesAddress reports whether the client is bounded with others of its address: new guests would else be a way around the
// rate of a user.
func (c *Client) sharesAddress(who auth.Identity) bool { return who.Guest && c.conn.network != nil }

// mayAsk takes the token of one request; false: there is none.
func (c *Client) mayAsk() bool {
	rates := c.conn.rates
	now := rates.now()
	return c.conn.ask(now) && rates.requests.Take(c.speaker.Identity().ID, now)
}
