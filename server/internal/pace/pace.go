// Package pace has the token bucket that slows clients down, and the wait that can be broken off.
package pace

import (
	"context"
	"sync"
	"time"
)

// Bucket is a token bucket in sixteen bytes and a lock: instead of counting tokens it keeps the moment at which it would
// be full again. The zero value sets no limit. Its methods may be called from any goroutine; times are those since any
// moment that stays the same.
type Bucket struct {
	interval time.Duration // one token; 0 means no limit
	burst    time.Duration // what the bucket holds, as time

	mu   sync.Mutex
	full time.Duration
}

// New makes a full bucket of burst tokens (at least one) that regains rate tokens per second; rate 0 is no limit.
func New(rate, burst int) Bucket {
	if rate <= 0 {
		return Bucket{}
	}
	interval := time.Second / time.Duration(rate)
	return Bucket{interval: interval, burst: interval * time.Duration(max(burst, 1))}
}

// Reserve takes a token, now or in the future, and returns how long the caller has to wait for it. Tokens are handed
// out in the order of the calls.
func (b *Bucket) Reserve(now time.Duration) time.Duration { return b.ReserveN(now, 1) }

// ReserveN takes n tokens like [Bucket.Reserve]; there may be more of them than the bucket holds.
func (b *Bucket) ReserveN(now time.Duration, n int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.full = max(b.full, now) + time.Duration(n)*b.interval
	return max(b.full-b.burst-now, 0)
}

// Take takes a token if there is one now.
func (b *Bucket) Take(now time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	full := max(b.full, now) + b.interval
	if full-b.burst > now {
		return false
	}
	b.full = full
	return true
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
