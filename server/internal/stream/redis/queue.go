package redis

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gammazero/deque"

	"scalable-chat/server/internal/stream"
)

// record is an event on its way to Redis.
type record struct {
	key      string // digest, empty for none
	event    []byte
	done     func(stream.Offset, error)
	deadline time.Time // of its outcome
}

// queue holds the records that wait to be sent, bounded by count and bytes. While it is full, put waits in line. With the
// default settings the credit of the replica is smaller than the queue, so the line serves larger windows and other callers:
// the contract of [stream.Stream] lets Append block while the queue is full.
type queue struct {
	maxRecords, maxBytes int
	ready                chan struct{} // holds one value if there may be something to take, or the queue was closed

	mu      sync.Mutex
	closed  bool
	records deque.Deque[record]
	bytes   int
	line    list.List // of *waiter
}

// waiter is a record in line. The queue guards its fields.
type waiter struct {
	record  record
	decided chan struct{} // closed when the record was queued or refused
	err     error
}

var errFull = errors.New("the append queue is full")

func newQueue(maxRecords, maxBytes int) *queue {
	return &queue{maxRecords: maxRecords, maxBytes: maxBytes, ready: make(chan struct{}, 1)}
}

// put queues r. While the queue is full, calls wait in order, each until ctx ends or r's deadline passes.
func (q *queue) put(ctx context.Context, r record) error {
	if len(r.event) > q.maxBytes {
		return fmt.Errorf("append: event of %d bytes, the queue takes %d", len(r.event), q.maxBytes)
	}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return stream.ErrClosed
	}
	if q.line.Len() == 0 && q.fitsLocked(r) {
		q.pushLocked(r)
		q.mu.Unlock()
		return nil
	}
	w := &waiter{record: r, decided: make(chan struct{})}
	place := q.line.PushBack(w)
	q.mu.Unlock()
	return q.wait(ctx, w, place)
}

func (q *queue) wait(ctx context.Context, w *waiter, place *list.Element) error {
	ctx, cancel := context.WithDeadlineCause(ctx, w.record.deadline, errFull)
	defer cancel()
	select {
	case <-w.decided:
		return w.err
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-w.decided: // decided at the last moment
		return w.err
	default:
	}
	q.line.Remove(place)
	q.admitLocked() // a smaller record behind w may fit
	return fmt.Errorf("%w: %w", stream.ErrUnavailable, context.Cause(ctx))
}

func (q *queue) fitsLocked(r record) bool {
	return q.records.Len() < q.maxRecords && q.bytes+len(r.event) <= q.maxBytes
}

func (q *queue) pushLocked(r record) {
	q.records.PushBack(r)
	q.bytes += len(r.event)
	q.wake()
}

func (q *queue) popLocked() record {
	r := q.records.PopFront()
	q.bytes -= len(r.event)
	return r
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// admitLocked queues the records at the head of the line while there is room.
func (q *queue) admitLocked() {
	for q.line.Len() > 0 {
		w := q.line.Front().Value.(*waiter)
		if !q.fitsLocked(w.record) {
			return
		}
		q.line.Remove(q.line.Front())
		q.pushLocked(w.record)
		close(w.decided)
	}
}

// take appends the oldest records to batch: as many as maxRecords and maxBytes allow, but at least one if there is any.
// last reports that the queue is closed and empty.
func (q *queue) take(batch []record, maxRecords, maxBytes int) (_ []record, last bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := 0
	for len(batch) < maxRecords && q.records.Len() > 0 {
		size += len(q.records.Front().event)
		if size > maxBytes && len(batch) > 0 {
			break
		}
		batch = append(batch, q.popLocked())
	}
	q.admitLocked()
	return batch, q.closed && q.records.Len() == 0
}

// expire removes and returns the oldest records while their deadline is not after now.
func (q *queue) expire(now time.Time) []record {
	q.mu.Lock()
	defer q.mu.Unlock()
	var expired []record
	for q.records.Len() > 0 && !q.records.Front().deadline.After(now) {
		expired = append(expired, q.popLocked())
	}
	q.admitLocked()
	return expired
}

// deadline returns the deadline of the oldest record; ok is false if there is none.
func (q *queue) deadline() (_ time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.records.Len() == 0 {
		return time.Time{}, false
	}
	return q.records.Front().deadline, true
}

// close refuses the records in line and all later ones. Queued records may still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for q.line.Len() > 0 {
		w := q.line.Remove(q.line.Front()).(*waiter)
		w.err = stream.ErrClosed
		close(w.decided)
	}
	q.wake()
}

// over reports whether the queue is closed and empty.
func (q *queue) over() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && q.records.Len() == 0
}
