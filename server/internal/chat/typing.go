package chat

import (
	"context"
	"maps"
	"sync"
	"time"
)

const (
	// typingInterval is the shortest time between two relayed starts of one client.
	typingInterval = time.Second
	// maxTypists is how many clients of one node may be announced as typing at a time. A page names three and counts the
	// rest.
	maxTypists = 16
	// typingTTL is how long a notice holds without another one; after that receivers forget the client.
	typingTTL = 5 * time.Second
	// typingRest is how long a client keeps its place after it stops. It bounds how many clients can use one place while
	// notices are gathered.
	typingRest = 150 * time.Millisecond
)

// Typing is the notice that others get when somebody types or stops.
type Typing struct {
	Username string `json:"username"`
	ID       string `json:"id"` // tells namesakes apart; opaque
	Typing   bool   `json:"typing"`
}

// Accepted is the answer to an event that is not stored.
type Accepted struct {
	Status string `json:"status"` // always "ok"
}

// typist is the typing state of one client. The zero typist does not type.
type typist struct {
	mu    sync.Mutex
	typed bool          // the last notice that was relayed
	begun time.Duration // when a start was last relayed
}

// Typing handles the event [EventTyping]: { username, typing }. It relays the notice to the others and never stores it.
// It relays a start at most once a second and refuses an earlier one with [RateLimited]. It relays a stop only after a
// start; any other stop is accepted and dropped. While too many clients type, it accepts and drops the notices of clients
// without a place. It blocks for pacing only. ack may be nil.
func (s *Service) Typing(ctx context.Context, c *Client, args []any, ack func(any)) {
	notice, err := Typing{}, s.pace(ctx, c)
	if err == nil {
		notice, err = s.readTyping(c, args)
	}
	relay := false
	if err == nil {
		relay, err = c.typing.note(notice.Typing, s.now())
	}
	if err != nil {
		s.refuse(c, EventTyping, err, ack)
		return
	}
	if relay && s.relay != nil && s.typists.admit(c.id, notice.Typing, s.now()) {
		notice.ID = c.id
		s.relay(c.id, notice)
	}
	s.handled(c, EventTyping, nil)
	if ack != nil {
		ack(Accepted{Status: OutcomeOK})
	}
}

func (s *Service) readTyping(c *Client, args []any) (Typing, *Error) {
	fields, bad := first(args)
	if bad != nil {
		return Typing{}, bad
	}
	who := c.speaker.Identity()
	if bad := s.mayWrite(who); bad != nil {
		return Typing{}, bad
	}
	typing, ok := fields["typing"].(bool)
	if !ok {
		return Typing{}, invalid("typing must be true or false.")
	}
	by, bad := s.authorOf(who, fields)
	if bad != nil {
		return Typing{}, bad
	}
	c.show(by)
	return Typing{Username: by.name, Typing: typing}, nil
}

// note records a notice and reports whether the others should hear it.
func (t *typist) note(typing bool, now time.Duration) (relay bool, err *Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !typing:
		relay, t.typed = t.typed, false
		return relay, nil
	case now-t.begun < typingInterval:
		return false, &Error{Code: RateLimited, Message: "Typing was announced less than a second ago."}
	default:
		t.typed, t.begun = true, now
		return true, nil
	}
}

// typists are the clients that were announced as typing. A client keeps its place until it stops or falls silent, so that
// the others get its stop as well as its start. The zero value is ready to use.
type typists struct {
	mu     sync.Mutex
	places map[string]place // by client; never more than maxTypists
}

type place struct {
	typing bool
	until  time.Duration // the place is free from then on
}

// admit reports whether to relay a notice of a client, and updates its place.
func (t *typists) admit(id string, typing bool, now time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, known := t.places[id]
	known = known && p.until > now
	switch {
	case !typing && known && p.typing:
		t.places[id] = place{until: now + typingRest}
		return true
	case !typing || !known && !t.hasRoomLocked(now):
		return false
	}
	t.places[id] = place{typing: true, until: now + typingTTL}
	return true
}

// hasRoomLocked reports whether one more client can be admitted. It frees expired places.
func (t *typists) hasRoomLocked(now time.Duration) bool {
	if t.places == nil {
		t.places = map[string]place{}
	}
	maps.DeleteFunc(t.places, func(_ string, p place) bool { return p.until <= now })
	return len(t.places) < maxTypists
}
