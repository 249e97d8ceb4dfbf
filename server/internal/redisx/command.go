package redisx

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// ErrNoAnswer means that Redis did not answer in time.
var ErrNoAnswer = errors.New("no answer from Redis")

// Within runs a command and returns its result, or an error as soon as ctx ends or limit passes. The client cannot be
// interrupted while it reads, so Within leaves the command behind then: the command may use nothing that changes later. It
// ends at its own time limit or when the client is closed, and its result is lost.
func Within[T any](ctx context.Context, limit time.Duration, command func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, ErrNoAnswer)
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	go func() {
		defer cancel()
		value, err := command(ctx)
		results <- result{value, err}
	}()
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-results: // the command itself ended ctx
		return r.value, r.err
	default:
		var none T
		return none, context.Cause(ctx)
	}
}

// Backoff is the wait before the next attempt. It starts at 10 ms and doubles up to Max, which is required; up to half of it
// is taken off at random, so that nodes do not come back in step.
type Backoff struct {
	Max  time.Duration
	next time.Duration
}

// Next returns how long to wait now.
func (b *Backoff) Next() time.Duration {
	b.next = min(max(2*b.next, 10*time.Millisecond), b.Max)
	return b.next - rand.N(b.next/2)
}

// Sleep waits and reports whether ctx is still valid.
func (b *Backoff) Sleep(ctx context.Context) bool {
	timer := time.NewTimer(b.Next())
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Reset begins anew at 10 ms.
func (b *Backoff) Reset() { b.next = 0 }
