package sqlite

import (
	"context"
	"errors"
	"testing"

	"github.com/ncruces/go-sqlite3"

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

// TestP12_ABackupDelaysNoStart: another process reads an older state of the file when a node starts after a crash.
func TestP12_ABackupDelaysNoStart(t *testing.T) {
	s := open(t, Options{})
	mustSay(t, s, "a", "", "x")
	backup, err := s.files.connect(t.Context())
	assert.NoError(t, err)
	defer backup.close()
	assert.NoError(t, backup.Exec("BEGIN"))
	_, err = backup.newest()
	assert.NoError(t, err)
	mustSay(t, s, "a", "", "y")
	next, err := s.files.connect(t.Context())
	assert.NoError(t, err)
	defer next.close()
	assert.NoError(t, next.Exec("PRAGMA busy_timeout = 1"))
	assert.NoError(t, next.settle())
}

// TestP13_AReadThatIsCutOffIsNoShortPage: a read whose context ends between two rows fails.
func TestP13_AReadThatIsCutOffIsNoShortPage(t *testing.T) {
	s := open(t, Options{})
	mustSayAll(t, s, "a", 10, 10)
	for cut := range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		rows := 0
		err := s.readers.do(ctx, func(r *conn) error {
			return r.query(func(*sqlite3.Stmt) {
				if rows++; rows > cut {
					cancel()
				}
			}, `SELECT ms FROM entry ORDER BY ms`)
		})
		if !errors.Is(err, errInterrupted) {
			t.Errorf("after %d rows of 11: error %v", rows, err)
		}
		cancel()
	}
}

// TestP12_AReadDelaysNoCommit: after a failed commit the connections are closed, and with them a long read.
func TestP12_AReadDelaysNoCommit(t *testing.T) {
	s := open(t, Options{Logger: quiet})
	mustSay(t, s, "a", "", "x")
	reading, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.readers.do(t.Context(), func(r *conn) error {
			close(reading)
			return r.query(nil, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n`) // never ends
		})
	}()
	<-reading
	failed := false
	assert.NoError(t, s.perform(t.Context(), func(*conn) error {
		if !failed {
			failed = true
			return errBroken
		}
		return nil
	}))
	if err := assert.Receive(t, "the end of the read", ended); !errors.Is(err, errInterrupted) {
		t.Errorf("error %v", err)
	}
	mustSay(t, s, "a", "", "y")
}
