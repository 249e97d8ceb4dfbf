package redisx

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Trouble knows whether one of the things that need Redis fails, and why. Its methods may be called from any goroutine.
type Trouble struct {
	what string
	log  *slog.Logger

	mu     sync.Mutex
	reason string // empty while all is well
}

// NewTrouble returns a Trouble that is none yet. what says in words what fails then, as in "messages cannot be stored".
func NewTrouble(what string, log *slog.Logger) *Trouble { return &Trouble{what: what, log: log} }

// Failed records a failed attempt and logs the first in a row.
func (t *Trouble) Failed(err error) {
	if t.set(reason(err)) == "" {
		t.log.Warn("redis is degraded", "trouble", t.what, "error", err)
	}
}

// Well records a successful attempt and logs it after a failure.
func (t *Trouble) Well() {
	if was := t.set(""); was != "" {
		t.log.Info("redis has recovered", "trouble", t.what, "reason", was)
	}
}

// Over forgets a failure: nobody tries any more.
func (t *Trouble) Over() { t.set("") }

// set stores a reason and returns the previous one.
func (t *Trouble) set(reason string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.reason
	t.reason = reason
	return was
}

// String says in words, without addresses, what fails and why. It is empty while all is well.
func (t *Trouble) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reason == "" {
		return ""
	}
	return t.what + ": " + t.reason
}

// Troubles joins those that there are.
func Troubles(all ...*Trouble) string {
	var words []string
	for _, t := range all {
		if s := t.String(); s != "" {
			words = append(words, s)
		}
	}
	return strings.Join(words, "; ")
}

// reason describes a failure in words. Addresses and credentials stay in the log.
func reason(err error) string {
	var dial *net.OpError
	var timeout net.Error
	var refusal redis.Error
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		return "Redis cannot be reached"
	case errors.Is(err, ErrNoAnswer), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "Redis does not answer"
	case errors.As(err, &refusal):
		code, _, _ := strings.Cut(refusal.Error(), " ")
		return "Redis refuses (" + code + ")"
	default:
		return "the connection to Redis was lost"
	}
}
