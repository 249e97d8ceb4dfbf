package forward

import (
	"log/slog"
	"sync"
	"time"
)

// warnInterval is the shortest time between two warnings of one kind. Strangers can cause them, so they must not fill the log.
const warnInterval = 30 * time.Second

// seldom logs warnings of one kind at most once in [warnInterval], with the number of those that it left out.
type seldom struct {
	log *slog.Logger

	mu   sync.Mutex
	next time.Time // guarded by mu
	left int       // guarded by mu
}

func (s *seldom) warn(message string, args ...any) {
	s.mu.Lock()
	now := time.Now()
	if now.Before(s.next) {
		s.left++
		s.mu.Unlock()
		return
	}
	left := s.left
	s.next, s.left = now.Add(warnInterval), 0
	s.mu.Unlock()
	if left > 0 {
		args = append(args, "more_since_the_last_warning", left)
	}
	s.log.Warn(message, args...)
}
