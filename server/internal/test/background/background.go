// Package background runs a test's background work and waits for its end, and lets a test observe that nothing happens.
package background

import (
	"context"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// Run calls fn in a goroutine until the test ends or stop is called; then ctx ends, and stop waits for fn. It may be
// called more than once.
func Run(t testing.TB, fn func(ctx context.Context)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// Outlast waits for a while during which something must not happen.
func Outlast(t testing.TB, d time.Duration) {
	t.Helper()
	began := time.Now()
	assert.Eventually(t, "time passes", func() bool { return time.Since(began) > d })
}
