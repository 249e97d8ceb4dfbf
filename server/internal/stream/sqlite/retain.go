package sqlite

import (
	"context"
	"math"
	"time"

	"scalable-chat/server/internal/stream"
)

// Retention bounds the record. What is beyond either bound is deleted, the oldest entries of all rooms first.
type Retention struct {
	Age   time.Duration // zero: entries of any age are kept
	Bytes int64         // of the file that are in use; zero: any number
}

const (
	// keepInterval is how often the bounds are looked at.
	keepInterval = time.Second
	// growth is after how many bytes the size of the file is looked at, which costs as much as an append.
	growth = 16 << 10
	// mostForgotten is how many entries are deleted at most at once: more than can come meanwhile, and few enough for a delay
	// that nobody notices.
	mostForgotten = 256
	// rowBytes is about what an entry takes in the file beyond its event.
	rowBytes = 100
)

// keepWithinBounds has old entries deleted until the store is closed, also while nobody speaks.
func (s *Store) keepWithinBounds() {
	ticker := time.NewTicker(keepInterval)
	defer ticker.Stop()
	for {
		for s.isBeyond() {
			s.writer.excess.Store(true)
			if s.perform(s.life, func(*conn) error { return nil }) != nil {
				break // the next look is soon
			}
		}
		s.writer.excess.Store(false)
		select {
		case <-ticker.C:
		case <-s.life.Done():
			return
		}
	}
}

// isBeyond reports whether entries have to be deleted.
func (s *Store) isBeyond() (beyond bool) {
	err := s.readers.do(s.life, func(r *conn) error {
		size, err := r.size()
		if err != nil {
			return err
		}
		oldest, err := r.number(`SELECT ms FROM entry ORDER BY ms LIMIT 1`)
		beyond = oldest != 0 && (size > s.opts.Retention.mostBytes() || oldest < s.expired())
		return err
	})
	return beyond && err == nil
}

// mostBytes is the bound, or the largest number if there is none.
func (r Retention) mostBytes() int64 {
	if r.Bytes <= 0 {
		return math.MaxInt64
	}
	return r.Bytes
}

// Since is the offset before which entries are older than [Retention.Age]; zero if they may have any age. They are deleted soon.
func (s *Store) Since() stream.Offset {
	if s.opts.Retention.Age <= 0 {
		return stream.Offset{}
	}
	return stream.Offset{Ms: uint64(max(0, s.expired()))}
}

// expired is the time before which entries are too old, in milliseconds since the epoch.
func (s *Store) expired() int64 {
	if s.opts.Retention.Age <= 0 {
		return math.MinInt64
	}
	return s.opts.Now().Add(-s.opts.Retention.Age).UnixMilli()
}

// forget deletes old entries in the transaction of a batch, if the file is too large or [Store.keepWithinBounds] asks for it.
func (w *writer) forget() error {
	size, err := w.conn.size()
	if err != nil {
		return err
	}
	before := int64(math.MaxInt64)
	if size <= w.store.opts.Retention.mostBytes() {
		if !w.excess.Load() {
			return nil
		}
		before = w.store.expired()
	}
	return w.conn.forget(before, mostForgotten)
}

// perform has the writer do something in the transaction of a batch, and waits for the outcome.
func (s *Store) perform(ctx context.Context, task func(*conn) error) error {
	outcome := make(chan error, 1)
	err := s.enqueue(ctx, &waiting{task: task, done: func(_ stream.Offset, err error) { outcome <- err }})
	if err != nil {
		return err
	}
	return <-outcome
}
