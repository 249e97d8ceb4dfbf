package app

import (
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/pace"
)

// alarm logs errors of the server itself that could come a thousand times a second. It logs a few at once, then one a
// second with the number of those that were left out.
type alarm struct {
	log     *slog.Logger
	pace    pace.Bucket
	started time.Time
	unsaid  atomic.Int64
}

const (
	alarmRate  = 1 // per second
	alarmBurst = 5
)

func newAlarm(log *slog.Logger) *alarm {
	return &alarm{log: log, pace: pace.New(alarmRate, alarmBurst), started: time.Now()}
}

// raise logs at error level.
func (a *alarm) raise(message string, args ...any) {
	if !a.pace.Take(time.Since(a.started)) {
		a.unsaid.Add(1)
		return
	}
	if unsaid := a.unsaid.Swap(0); unsaid > 0 {
		args = append(args, "left_out", unsaid)
	}
	a.log.Error(message, args...)
}

// panicked logs the panic p of a handler. It is called in the deferred function that recovers.
func (a *alarm) panicked(p any, path string) {
	a.raise("panic in a request", "panic", p, "path", path, "stack", string(debug.Stack()))
}
