// Package memory is the ordered record of a single node, kept in a ring in memory: the embedded default. It behaves like
// the record in Redis, except that it ends with the process. Every process begins with a genesis entry of its own time,
// so that an offset of an earlier process never matches an entry of this one.
//
// A [Stream] is one record, which its followers read. [Rooms] are many, which hand their entries out: the goroutine that
// appends also calls the sink, so that a room costs none.
package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/gammazero/deque"

	"scalable-chat/server/internal/stream"
)

var _ stream.Stream = (*Stream)(nil)

// Options bound a [Stream]. A zero field is no bound: the defaults of the settings are in the package config.
type Options struct {
	// MaxEntries and MaxBytes bound the retained entries: the oldest are dropped first, the newest one never. An entry
	// counts as its event plus [EntryOverhead].
	MaxEntries int
	MaxBytes   int
	// DedupeTTL is how long a key is remembered after the entry was stored. At most DedupeMax keys are remembered; beyond
	// that the oldest is forgotten early. A key takes about 100 bytes.
	DedupeTTL time.Duration
	DedupeMax int
	// Now is the clock. It may step back; offsets still grow. Default: time.Now.
	Now func() time.Time
}

// EntryOverhead is the assumed cost of an entry in bytes, beyond its event.
const EntryOverhead = 64

// maxPending bounds how many outcomes may wait for their done; beyond that Append blocks.
const maxPending = 1024

// Stream is a [stream.Stream] in memory. Append stores the entry and then, before it returns, runs the due calls of done,
// its own and those of other callers, unless another Append already does so. If new ones keep coming, a goroutine takes
// over.
type Stream struct {
	slots chan struct{} // one value for each outcome in pending
	ended chan struct{} // closed by Close
	room  *room         // that the record belongs to; nil: it stands alone

	mu sync.Mutex
	*record
	closed    bool
	pending   deque.Deque[outcome]
	draining  bool
	idle      chan struct{} // not nil while Close waits: closed when draining ends
	followers map[*follower]struct{}
}

// outcome is a call of done that is due.
type outcome struct {
	done   func(stream.Offset, error)
	offset stream.Offset
}

// New makes a stream that holds its genesis entry.
func New(opts Options) *Stream {
	return newStream(newRecord(opts.defaults(), stream.Offset{}))
}

// defaults sets what is zero.
func (opts Options) defaults() Options {
	unbound(&opts.MaxEntries)
	unbound(&opts.MaxBytes)
	unbound(&opts.DedupeMax)
	if opts.DedupeTTL <= 0 {
		opts.DedupeTTL = math.MaxInt64
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return opts
}

func newStream(r *record) *Stream {
	return &Stream{
		slots:     make(chan struct{}, maxPending),
		ended:     make(chan struct{}),
		record:    r,
		followers: map[*follower]struct{}{},
	}
}

// unbound sets a zero bound to its largest value.
func unbound(v *int) {
	if *v <= 0 {
		*v = math.MaxInt
	}
}

// Append implements [stream.Stream]. It blocks only while 1,024 calls of done wait behind one that does not return.
func (s *Stream) Append(ctx context.Context, key string, event []byte, done func(stream.Offset, error)) error {
	if len(event) == 0 {
		return errors.New("append: empty event")
	}
	select {
	case s.slots <- struct{}{}:
	default:
		if err := s.waitForSlot(ctx); err != nil {
			return err
		}
	}
	event = bytes.Clone(event)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.slots
		return stream.ErrClosed
	}
	s.pending.PushBack(outcome{done, s.storeLocked(key, event)})
	s.room.countLocked()
	drain := !s.draining
	s.draining = true
	s.mu.Unlock()
	s.room.fit()
	if drain {
		s.drain()
	}
	return nil
}

func (s *Stream) waitForSlot(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-s.ended:
		return stream.ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("%w: append queue is full: %w", stream.ErrUnavailable, context.Cause(ctx))
	}
}

// drainMost is how many outcomes of others one Append reports before a goroutine takes over: while many append, new ones
// keep coming.
const drainMost = 64

// drain hands out new entries of a room and runs every due done, in order and without the lock, until there is nothing left.
func (s *Stream) drain() {
	for n := 0; ; n++ {
		if n == drainMost {
			go s.drain()
			return
		}
		s.mu.Lock()
		due := s.room.dueLocked()
		if s.pending.Len() == 0 && !due {
			s.draining = false
			if s.idle != nil {
				close(s.idle)
				s.idle = nil
			}
			s.mu.Unlock()
			return
		}
		var o outcome
		if s.pending.Len() > 0 {
			o = s.pending.PopFront()
		}
		s.mu.Unlock()
		if due {
			s.room.hand()
		}
		if o.done != nil {
			o.done(o.offset, nil)
			<-s.slots
		}
	}
}

// storeLocked stores an event, unless its key is known, and wakes the followers.
func (s *Stream) storeLocked(key string, event []byte) stream.Offset {
	offset := s.store(key, event)
	for f := range s.followers {
		f.wake()
	}
	return offset
}

// Last implements [stream.Stream]. It never blocks.
func (s *Stream) Last(_ context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, stream.ErrClosed
	}
	return s.last(before, n), nil
}

// After implements [stream.Stream]. It never blocks.
func (s *Stream) After(_ context.Context, after stream.Offset, n int) ([]stream.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, stream.ErrClosed
	}
	return s.oldest(after, n), nil
}

// Close ends the stream: Append, Last, After and Follow return [stream.ErrClosed], the followers too. It waits, within ctx, until
// every done has returned.
func (s *Stream) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.ended)
	}
	if s.draining && s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	s.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
