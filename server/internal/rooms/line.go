package rooms

import (
	"context"
	"time"

	"scalable-chat/server/internal/pace"
)

// line lets callers pass one after the other, in the order in which they came and at a bounded rate. Who gives up leaves the
// line and takes nothing from those behind.
type line struct {
	head chan struct{} // holds a value while somebody is at the head of the line
	rate pace.Bucket
}

func newLine(rate, once int) *line {
	return &line{head: make(chan struct{}, 1), rate: pace.New(rate, once)}
}

// pass waits for the caller's turn, calls ready until that returns true, waits for the rate, and calls then. Nobody else passes
// meanwhile. If needless is true when the turn has come, or later, then is not called.
func (l *line) pass(ctx context.Context, now func() time.Duration, needless, ready func() bool, then func()) error {
	select {
	case l.head <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.head }()
	for !needless() {
		if err := ctx.Err(); err != nil {
			return err // before it takes from the rate
		}
		if !ready() {
			if err := pace.Sleep(ctx, capacityLook); err != nil {
				return err
			}
			continue
		}
		if err := pace.Sleep(ctx, l.rate.Reserve(now())); err != nil {
			return err
		}
		then()
		return nil
	}
	return nil
}

// capacityLook is how often the first in line looks whether there is room.
const capacityLook = 50 * time.Millisecond
