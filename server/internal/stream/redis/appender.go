package redis

import (
	"context"
	"fmt"
	"time"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
)

// Bounds of one batch. Redis runs a batch in one go while all other clients wait.
const (
	batchRecords = 512
	batchBytes   = 1 << 20
)

// appender takes records from the queue, sends them in batches, one at a time, and reports their outcomes. run makes all
// calls of done. The appender retries a batch until its outcome is known, even when all of its records have been reported
// as unavailable in the meantime, so that no later batch overtakes it.
type appender struct {
	queue   *queue
	script  *script
	trouble *redisx.Trouble

	// owned by run
	outcomes chan outcome
	timer    *time.Timer
	number   uint64
	busy     bool     // a batch is on its way
	batch    []record // that batch
	told     int      // how many of its oldest records have been reported as unavailable
	spare    []record // empty; the next batch is collected in it
}

type outcome struct {
	offsets []stream.Offset
	err     error
}

// run works until the queue is closed and empty and every outcome is reported, or until ctx ends: then the remaining
// records are unavailable.
func (a *appender) run(ctx context.Context) {
	a.outcomes = make(chan outcome, 1)
	a.timer = time.NewTimer(time.Hour)
	defer a.timer.Stop()
	for {
		if !a.busy {
			if last := a.start(ctx); last {
				return
			}
		}
		if a.busy && a.told == len(a.batch) && a.queue.over() {
			return // no caller waits for the batch, and no record is left that could overtake it
		}
		a.setTimer()
		select {
		case <-a.queue.ready:
		case o := <-a.outcomes:
			a.finish(ctx, o)
		case now := <-a.timer.C:
			a.expire(now)
		case <-ctx.Done():
			a.abandon()
			return
		}
	}
}

// start sends the next batch, if there is one. last reports that no more batches will come.
func (a *appender) start(ctx context.Context) (last bool) {
	batch, last := a.queue.take(a.spare, batchRecords, batchBytes)
	if len(batch) == 0 {
		return last
	}
	a.batch, a.spare = batch, a.batch[:0]
	a.busy, a.told = true, 0
	a.number++
	c := a.script.prepare(a.number, batch)
	go func() { a.outcomes <- a.send(ctx, c) }()
	return false
}

// finish reports the outcome of the batch while the next one is already in flight.
func (a *appender) finish(ctx context.Context, o outcome) {
	finished, told := a.batch, a.told
	a.busy = false
	a.start(ctx)
	for i := told; i < len(finished); i++ {
		if o.err != nil {
			finished[i].done(stream.Offset{}, o.err)
		} else {
			finished[i].done(o.offsets[i], nil)
		}
	}
	clear(finished) // so that the slice keeps no event alive
}

// setTimer sets the timer to the deadline of the oldest record that has not been reported.
func (a *appender) setTimer() {
	deadline, ok := a.queue.deadline()
	if a.busy && a.told < len(a.batch) {
		deadline, ok = a.batch[a.told].deadline, true
	}
	if !ok {
		a.timer.Stop()
		return
	}
	a.timer.Reset(time.Until(deadline))
}

// expire reports the records whose deadline has passed: first those in flight, whose outcome stays unknown to their
// callers, then those that were not sent, which it drops.
func (a *appender) expire(now time.Time) {
	if a.busy {
		for ; a.told < len(a.batch) && !a.batch[a.told].deadline.After(now); a.told++ {
			a.batch[a.told].done(stream.Offset{}, fmt.Errorf("%w: no answer in time", stream.ErrUnavailable))
		}
		if a.told < len(a.batch) {
			return // in order
		}
	}
	for _, r := range a.queue.expire(now) {
		r.done(stream.Offset{}, fmt.Errorf("%w: not sent in time", stream.ErrUnavailable))
	}
}

func (a *appender) abandon() {
	err := fmt.Errorf("%w: closed before it was stored", stream.ErrUnavailable)
	if a.busy {
		for ; a.told < len(a.batch); a.told++ {
			a.batch[a.told].done(stream.Offset{}, err)
		}
	}
	for last := false; !last; {
		var batch []record
		batch, last = a.queue.take(nil, batchRecords, batchBytes)
		for _, r := range batch {
			r.done(stream.Offset{}, err)
		}
	}
}

// send retries the batch until its outcome is known, until ctx ends, or until Redis may have forgotten the outcome.
func (a *appender) send(ctx context.Context, batch call) outcome {
	started := time.Now()
	for wait := (redisx.Backoff{Max: 500 * time.Millisecond}); ; {
		offsets, err := redisx.Within(ctx, commandLimit, func(ctx context.Context) ([]stream.Offset, error) {
			return a.script.run(ctx, batch)
		})
		if err == nil {
			a.trouble.Well()
			return outcome{offsets: offsets}
		}
		if ctx.Err() == nil {
			a.trouble.Failed(err)
		}
		if !wait.Sleep(ctx) || time.Since(started) > markerTTL/2 {
			return outcome{err: fmt.Errorf("%w: %w", stream.ErrUnavailable, err)}
		}
	}
}
