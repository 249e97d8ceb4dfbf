package pace

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Thinned is a logger for what may happen in very many places at the same moment, as when all rooms lose their records, or as
// often as strangers want. It writes at most so many records within that time; the next one after that says how many were left out.
// Records at debug level are neither thinned nor counted: who asks for them wants all.
func Thinned(log *slog.Logger, most int, within time.Duration) *slog.Logger {
	return slog.New(thinned{log.Handler(), &thinning{most: most, within: within}})
}

type thinned struct {
	slog.Handler
	shared *thinning
}

// thinning is what the descendants of one thinned logger share.
type thinning struct {
	most   int
	within time.Duration

	mu      sync.Mutex
	began   time.Time // of the time that counts, guarded by mu
	written int       // in it, guarded by mu
	left    int       // since the last record, guarded by mu
}

// Handle implements [slog.Handler].
func (h thinned) Handle(ctx context.Context, r slog.Record) error {
	if r.Level <= slog.LevelDebug {
		return h.Handler.Handle(ctx, r)
	}
	left, ok := h.shared.take(r.Time)
	if !ok {
		return nil
	}
	if left > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("left_out_before", left))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h thinned) WithAttrs(attrs []slog.Attr) slog.Handler {
	return thinned{h.Handler.WithAttrs(attrs), h.shared}
}

// WithGroup implements [slog.Handler].
func (h thinned) WithGroup(name string) slog.Handler {
	return thinned{h.Handler.WithGroup(name), h.shared}
}

// take reports whether a record may be written, and how many were left out before it.
func (t *thinning) take(now time.Time) (left int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.began) >= t.within {
		t.began, t.written = now, 0
	}
	if t.written == t.most {
		t.left++
		return 0, false
	}
	t.written++
	left, t.left = t.left, 0
	return left, true
}
