package sqlite

import (
	"context"
	"errors"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// appendWaits begins an append that waits for a reader until free or cancel is called. done receives its outcome.
func appendWaits(t *testing.T, s *Store, r *room) (cancel, free func(), done <-chan error) {
	t.Helper()
	s.readers.close()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	outcome := make(chan error, 1)
	go func() {
		err := r.Append(ctx, "key", []byte("event"), func(_ stream.Offset, err error) { outcome <- err })
		if err != nil {
			outcome <- err
		}
	}()
	assert.Eventually(t, "the append reads the room", func() bool {
		waits := !r.loading.TryLock()
		if !waits {
			r.loading.Unlock()
		}
		return waits
	})
	return cancel, s.readers.reopen, outcome
}

// isForgotten waits until the store has no room.
func (s *Store) isForgotten(t *testing.T) {
	t.Helper()
	assert.Eventually(t, "the room is forgotten", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.rooms) == 0
	})
}

// TestP4_ARoomOpenedAgainHasTheAppendsThatAreNotQueuedYet: otherwise it would neither hand them out nor recognise their retries.
func TestP4_ARoomOpenedAgainHasTheAppendsThatAreNotQueuedYet(t *testing.T) {
	s := open(t, Options{})
	first := s.Room("cats").(*room)
	_, free, done := appendWaits(t, s, first)
	first.Close()
	again := s.Room("cats").(*room)
	free()
	assert.NoError(t, assert.Receive(t, "the outcome", done))
	assert.Equal(t, "it is the same record", again.record == first.record, true)
	again.Close()
	s.isForgotten(t)
}

// TestP12_ARoomWhoseLastAppendFailsIsForgotten, if it was closed before.
func TestP12_ARoomWhoseLastAppendFailsIsForgotten(t *testing.T) {
	s := open(t, Options{})
	r := s.Room("cats").(*room)
	cancel, free, done := appendWaits(t, s, r)
	defer free()
	r.Close()
	cancel()
	if err := assert.Receive(t, "the outcome", done); !errors.Is(err, stream.ErrUnavailable) {
		t.Errorf("the append failed with %v", err)
	}
	s.isForgotten(t)
}
