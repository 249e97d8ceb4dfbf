// Package pace has the token bucket that slows clients down, the wait that can be broken off, and the logger that writes only so
// much.
package pace

import (
	"context"
	"sync"
	"time"
)

// Rate is what a token bucket regains and holds. The zero value sets no limit. Times are those since any moment that stays
// the same.
type Rate struct {
	interval time.Duration // one token; 0 means no limit
	burst    time.Duration // what the bucket holds, as time
}

// NewRate is that of a bucket of burst tokens (at least one) that regains rate tokens per second; rate 0 is no limit.
func NewRate(rate, burst int) Rate {
	if rate <= 0 {
		return Rate{}
	}
	interval := time.Second / time.Duration(rate)
	return Rate{interval: interval, burst: interval * time.Duration(max(burst, 1))}
}

// Level is the state of a bucket without a lock and without its rate, for owners of many: instead of counting tokens it is the
// moment at which the bucket would be full again. The zero Level is full.
type Level time.Duration

// ReserveN takes n tokens, now or in the future, and returns how long the caller has to wait for them. There may be more of
// them than the bucket holds.
func (l *Level) ReserveN(r Rate, now time.Duration, n int) time.Duration {
	full := max(time.Duration(*l), now) + time.Duration(n)*r.interval
	*l = Level(full)
	return max(full-r.burst-now, 0)
}

// Take takes a token if there is one now.
func (l *Level) Take(r Rate, now time.Duration) bool {
	after := *l
	if after.ReserveN(r, now, 1) > 0 {
		return false
	}
	*l = after
	return true
}

// Bucket is a token bucket. The zero value sets no limit. Its methods may be called from any goroutine.
type Bucket struct {
	rate Rate

	mu    sync.Mutex
	level Level
}

// New makes a full bucket; see [NewRate].
func New(rate, burst int) Bucket { return Bucket{rate: NewRate(rate, burst)} }

// Reserve takes a token, now or in the future, and returns how long the caller has to wait for it. Tokens are handed
// out in the order of the calls.
func (b *Bucket) Reserve(now time.Duration) time.Duration { return b.ReserveN(now, 1) }

// ReserveN takes n tokens like [Bucket.Reserve]; there may be more of them than the bucket holds.
func (b *Bucket) ReserveN(now time.Duration, n int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.level.ReserveN(b.rate, now, n)
}

// Take takes a token if there is one now.
func (b *Bucket) Take(now time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.level.Take(b.rate, now)
}

// Sleep waits for d, or until ctx ends: then it returns the error of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
