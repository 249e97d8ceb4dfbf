// Package memory is the ordered record of a single node, kept in a ring in memory: the embedded default. It behaves like
// the record in Redis, except that it ends with the process. Every process begins with a genesis entry of its own time,
// so that an offset of an earlier process never matches an entry of this one.
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
	opts  Options
	slots chan struct{} // one value for each outcome in pending
	ended chan struct{} // closed by Close

	mu        sync.Mutex
	closed    bool
	entries   deque.Deque[stream.Entry]
	first     uint64 // number, counted from the genesis as 0, of the oldest entry retained
	bytes     int
	newest    stream.Offset
	keys      keyTable
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
	unbound(&opts.MaxEntries)
	unbound(&opts.MaxBytes)
	unbound(&opts.DedupeMax)
	if opts.DedupeTTL <= 0 {
		opts.DedupeTTL = math.MaxInt64
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Stream{
		opts:      opts,
		slots:     make(chan struct{}, maxPending),
		ended:     make(chan struct{}),
		keys:      keyTable{offsets: map[digest]stream.Offset{}, ttl: opts.DedupeTTL, max: opts.DedupeMax},
		followers: map[*follower]struct{}{},
	}
	s.addLocked(nil, opts.Now())
	return s
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
	drain := !s.draining
	s.draining = true
	s.mu.Unlock()
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

// drain runs every due done, in order and without the lock, until there is none.
func (s *Stream) drain() {
	for n := 0; ; n++ {
		if n == drainMost {
			go s.drain()
			return
		}
		s.mu.Lock()
		if s.pending.Len() == 0 {
			s.draining = false
			if s.idle != nil {
				close(s.idle)
				s.idle = nil
			}
			s.mu.Unlock()
			return
		}
		o := s.pending.PopFront()
		s.mu.Unlock()
		o.done(o.offset, nil)
		<-s.slots
	}
}

func (s *Stream) storeLocked(key string, event []byte) stream.Offset {
	now := s.opts.Now()
	if key == "" {
		return s.addLocked(event, now)
	}
	d := digestOf(key)
	if offset, ok := s.keys.find(d, now); ok {
		return offset
	}
	offset := s.addLocked(event, now)
	s.keys.add(d, offset, now)
	return offset
}

// addLocked stores the next entry, drops the oldest ones beyond the bounds, and wakes the followers.
func (s *Stream) addLocked(event []byte, now time.Time) stream.Offset {
	if ms := uint64(max(0, now.UnixMilli())); ms > s.newest.Ms {
		s.newest = stream.Offset{Ms: ms}
	} else {
		s.newest.Seq++
	}
	s.entries.PushBack(stream.Entry{Offset: s.newest, Event: event})
	s.bytes += len(event) + EntryOverhead
	for s.entries.Len() > s.opts.MaxEntries || s.bytes > s.opts.MaxBytes && s.entries.Len() > 1 {
		s.forgetLocked()
	}
	for f := range s.followers {
		f.wake()
	}
	return s.newest
}

func (s *Stream) forgetLocked() {
	s.bytes -= len(s.entries.PopFront().Event) + EntryOverhead
	s.first++
}

// Last implements [stream.Stream]. It never blocks.
func (s *Stream) Last(_ context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, stream.ErrClosed
	}
	end := s.entries.Len()
	if !before.IsZero() {
		end = s.searchLocked(before)
	}
	from := max(0, end-max(0, n))
	entries := make([]stream.Entry, 0, end-from)
	for i := from; i < end; i++ {
		entries = append(entries, s.entries.At(i))
	}
	return entries, nil
}

// Close ends the stream: Append, Last and Follow return [stream.ErrClosed], the followers too. It waits, within ctx, until
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
