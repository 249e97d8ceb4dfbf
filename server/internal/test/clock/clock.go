// Package clock is a clock that a test sets forward.
package clock

import (
	"sync"
	"time"
)

// Clock is the real clock plus an offset. The zero Clock is right. Its methods may be called from any goroutine.
type Clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

// Now returns the time of this clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// Advance sets the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}
