package memory

import (
	"context"
	"fmt"

	"scalable-chat/server/internal/stream"
)

// maxBatch is how many entries a follower is given at once.
const maxBatch = 512

// follower is a position in the ring.
type follower struct {
	next  uint64 // number of the entry to hand out next
	batch []stream.Entry
	woken chan struct{} // holds one value if entries may have come since the last look
}

func (f *follower) wake() {
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

// Follow implements [stream.Stream]. It runs fn on the caller's goroutine with up to 512 entries at once.
func (s *Stream) Follow(ctx context.Context, after stream.Offset, fn func([]stream.Entry) error) error {
	f := &follower{batch: make([]stream.Entry, 0, maxBatch), woken: make(chan struct{}, 1)}
	if err := s.join(f, after); err != nil {
		return err
	}
	defer s.leave(f)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.read(f); err != nil {
			return err
		}
		if len(f.batch) > 0 {
			if err := fn(f.batch); err != nil {
				return err
			}
			continue
		}
		select {
		case <-f.woken:
		case <-s.ended:
		case <-ctx.Done():
		}
	}
}

func (s *Stream) join(f *follower, after stream.Offset) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !after.IsZero() {
		i := s.search(after)
		if i == s.entries.Len() || s.entries.At(i).Offset != after {
			return fmt.Errorf("%w: no entry %s", stream.ErrGap, after)
		}
		f.next = s.first + uint64(i) + 1
	}
	s.followers[f] = struct{}{}
	return nil
}

func (s *Stream) leave(f *follower) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.followers, f)
}

// read fills f.batch with the next entries, none if there are none yet, and advances f.
func (s *Stream) read(f *follower) error {
	clear(f.batch) // so that a sleeping follower keeps no event alive
	f.batch = f.batch[:0]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return stream.ErrClosed
	}
	if f.next < s.first {
		return fmt.Errorf("%w: %d entries were forgotten before they were followed", stream.ErrGap, s.first-f.next)
	}
	f.batch = s.copyTo(f.batch, int(f.next-s.first), maxBatch)
	f.next += uint64(len(f.batch))
	return nil
}
