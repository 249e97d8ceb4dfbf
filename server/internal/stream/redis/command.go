package redis

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

var errNoAnswer = errors.New("no answer from Redis")

// within runs a command and returns its result, or an error as soon as ctx ends or limit passes. The client cannot be
// interrupted while it reads, so within leaves the command behind then: the command may use nothing that changes later. It
// ends at its own time limit or when the client is closed, and its result is lost.
func within[T any](ctx context.Context, limit time.Duration, command func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
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

// backoff is the wait before the next attempt. It starts at 10 ms and doubles up to max; up to half of it is taken off at
// random, so that nodes do not come back in step.
type backoff struct {
	max  time.Duration
	next time.Duration
}

// sleep waits and reports whether ctx is still valid.
func (b *backoff) sleep(ctx context.Context) bool {
	b.next = min(max(2*b.next, 10*time.Millisecond), b.max)
	timer := time.NewTimer(b.next - rand.N(b.next/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (b *backoff) reset() { b.next = 0 }
