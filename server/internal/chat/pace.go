package chat

import (
	"context"
	"sync"
	"time"
)

// pacer is a token bucket in sixteen bytes and a lock: instead of counting tokens it keeps the moment at which the
// bucket would be full again.
type pacer struct {
	interval time.Duration // one token; 0 means no limit
	burst    time.Duration // what the bucket holds, as time

	mu   sync.Mutex
	full time.Duration // since the epoch of the service
}

// newPacer makes a full bucket of burst tokens (at least one) that regains rate tokens per second; rate 0 is no limit.
func newPacer(rate, burst int) pacer {
	if rate <= 0 {
		return pacer{}
	}
	interval := time.Second / time.Duration(rate)
	return pacer{interval: interval, burst: interval * time.Duration(max(burst, 1))}
}

// same is a bucket as full as p.
func (p *pacer) same() pacer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return pacer{interval: p.interval, burst: p.burst, full: p.full}
}

// reserve takes a token, now or in the future, and returns how long the caller has to wait for it. Tokens are handed
// out in the order of the calls.
func (p *pacer) reserve(now time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.full = max(p.full, now) + p.interval
	return max(p.full-p.burst-now, 0)
}

// take takes a token if there is one now.
func (p *pacer) take(now time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	full := max(p.full, now) + p.interval
	if full-p.burst > now {
		return false
	}
	p.full = full
	return true
}

// pace blocks while the connection sends events faster than its rate. Every event takes its turn here, a refused one
// too: a flood of garbage is read no faster than a flood of messages.
func (s *Service) pace(ctx context.Context, c *Client) *Error {
	if c.events.interval == 0 {
		return nil
	}
	delay := c.events.reserve(s.now())
	if delay == 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return unavailable("The connection closed before it was this event's turn.", ctx.Err())
	}
}
