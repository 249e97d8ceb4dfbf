package chat

import (
	"context"
	"sync"
	"time"
)

// typingInterval is the shortest time between two notices that the same client began to type.
const typingInterval = time.Second

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
// with [RateLimited], an end that nobody waits for is accepted and dropped. It blocks for pacing only. ack may be nil.
func (s *Service) Typing(ctx context.Context, c *Client, args []any, ack func(any)) {
	notice, err := Typing{}, s.pace(ctx, c)
	if err == nil {
		notice, err = s.readTyping(args)
	}
	relay := false
	if err == nil {
		relay, err = c.typing.note(notice.Typing, s.now())
	}
	if err != nil {
		s.refuse(c, EventTyping, err, ack)
		return
	}
	if relay && s.relay != nil {
		notice.ID = c.id
		s.relay(c.id, notice)
	}
	s.handled(c, EventTyping, nil)
	if ack != nil {
		ack(Accepted{Status: OutcomeOK})
	}
}

func (s *Service) readTyping(args []any) (Typing, *Error) {
	object, bad := first(args)
	if bad != nil {
		return Typing{}, bad
	}
	typing, ok := object["typing"].(bool)
	if !ok {
		return Typing{}, invalid("typing must be true or false.")
	}
	username, bad := s.readUsername(object)
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
