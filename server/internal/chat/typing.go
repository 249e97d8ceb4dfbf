package chat

import (
	"context"
	"maps"
	"sync"
	"time"
)

const (
	// typingInterval is the shortest time between two notices that the same client began to type.
	typingInterval = time.Second
	// maxTypists is how many clients of one node the others hear of at a time. A page names three and counts the rest.
	maxTypists = 16
	// typingTTL is how long a client is said to type if nothing more is heard of it: receivers forget it then.
	typingTTL = 5 * time.Second
	// typingRest is how long the place of a client that stopped stays taken. It bounds how many can follow each other within
	// the time for which notices are gathered.
	typingRest = 150 * time.Millisecond
)

// Typing is the notice that others get: somebody types, or stopped.
type Typing struct {
	Username string `json:"username"`
	ID       string `json:"id"` // tells namesakes apart; opaque
	Typing   bool   `json:"typing"`
}

// Accepted is the answer to an event that leaves nothing behind.
type Accepted struct {
	Status string `json:"status"` // always "ok"
}

// typist is what is known of one client's typing. The zero typist does not type.
type typist struct {
	mu    sync.Mutex
	typed bool          // the last notice that was relayed
	begun time.Duration // when a beginning was relayed last
}

// Typing handles the event [EventTyping]: { username, typing }. The notice is relayed to the others and never stored.
// A beginning is relayed at most once a second, an end only after a beginning; a notice that comes too early is refused
// with [RateLimited], an end that nobody waits for is accepted and dropped. While many type, the others hear of some only;
// what is said of the rest is accepted and dropped. It blocks for pacing only. ack may be nil.
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
	object, bad := first(args)
	if bad != nil {
		return Typing{}, bad
	}
	typing, ok := object["typing"].(bool)
	if !ok {
		return Typing{}, invalid("typing must be true or false.")
	}
	username, bad := s.readUsername(c, object)
	return Typing{Username: username, Typing: typing}, bad
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

// typists are the clients of whom the others have heard that they type. A client keeps its place until it stops or
// falls silent, so that the others hear its end as well as its beginning. The zero value is ready to use.
type typists struct {
	mu     sync.Mutex
	places map[string]place // by client; never more than maxTypists
}

type place struct {
	typing bool
	until  time.Duration // then it is free for others
}

// admit reports whether the others shall hear a notice of a client, and remembers that they did.
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

// hasRoomLocked reports whether one more client can be admitted, and frees what is not used any more.
func (t *typists) hasRoomLocked(now time.Duration) bool {
	if t.places == nil {
		t.places = map[string]place{}
	}
	maps.DeleteFunc(t.places, func(_ string, p place) bool { return p.until <= now })
	return len(t.places) < maxTypists
}
