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
	if atHead, err := l.queue(ctx, needless); !atHead {
		return err
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

// queue waits until the caller is at the head. It looks from time to time whether that is needless by now.
func (l *line) queue(ctx context.Context, needless func() bool) (atHead bool, err error) {
	look := time.NewTicker(needlessLook)
	defer look.Stop()
	for {
		select {
		case l.head <- struct{}{}:
			return true, nil
		case <-look.C:
			if needless() {
				return false, nil
			}
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// needlessLook is how often those behind the first look whether they still need to wait.
const needlessLook = time.Second

// capacityLook is how often the first in line looks whether there is room.
const capacityLook = 50 * time.Millisecond
