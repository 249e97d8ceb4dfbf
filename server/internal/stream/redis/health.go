package redis

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// task is one of the things that need Redis.
type task int

const (
	appending task = iota
	following
	tasks
)

func (t task) String() string {
	return [tasks]string{"messages cannot be stored", "messages cannot be received"}[t]
}

// health knows which tasks fail and why.
type health struct {
	log *slog.Logger

	mu      sync.Mutex
	reasons [tasks]string // empty while the task is well
}

// failed records a failed attempt and logs the first in a row.
func (h *health) failed(t task, err error) {
	if h.set(t, reason(err)) == "" {
		h.log.Warn("redis stream is degraded", "trouble", t.String(), "error", err)
	}
}

// well records a successful attempt and logs it after a failure.
func (h *health) well(t task) {
	if was := h.set(t, ""); was != "" {
		h.log.Info("redis stream has recovered", "trouble", t.String(), "reason", was)
	}
}

// set stores a reason and returns the previous one.
func (h *health) set(t task, reason string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.reasons[t]
	h.reasons[t] = reason
	return was
}

func (h *health) troubles() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	for t, reason := range h.reasons {
		if reason != "" {
			all = append(all, task(t).String()+": "+reason)
		}
	}
	return strings.Join(all, "; ")
}

// reason describes a failure in words. Addresses and credentials stay in the log.
func reason(err error) string {
	var dial *net.OpError
	var timeout net.Error
	var refusal redis.Error
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		return "Redis cannot be reached"
	case errors.Is(err, errNoAnswer), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "Redis does not answer"
	case errors.As(err, &refusal):
		code, _, _ := strings.Cut(refusal.Error(), " ")
		return "Redis refuses (" + code + ")"
	default:
		return "the connection to Redis was lost"
	}
}
