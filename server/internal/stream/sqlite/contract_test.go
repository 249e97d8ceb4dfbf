package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/streamtest"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a store, in a new directory unless the options name one, and closes it at the end of the test.
func open(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "data")
	}
	s, err := Open(t.Context(), o)
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close(context.Background())) })
	return s
}

func TestRoomsContract(t *testing.T) {
	streamtest.RunRooms(t, func(t *testing.T) streamtest.RoomsHarness {
		now := &clock.Clock{}
		const ttl = time.Hour
		s := open(t, Options{Now: now.Now, DedupeTTL: ttl})
		return streamtest.RoomsHarness{
			Nodes:  []stream.Rooms{s},
			Trim:   func(room string, keep int) { s.trim(t, room, keep) },
			Flush:  func(room string) { s.flush(t, room) },
			Expire: func() { now.Advance(ttl) },
		}
	})
}

// trim deletes all but the newest entries of a room.
func (s *Store) trim(t *testing.T, room string, keep int) {
	assert.NoError(t, s.perform(t.Context(), func(c *conn) error {
		statement, err := c.prepared(`DELETE FROM entry WHERE room = ?1 AND (ms, seq) NOT IN (
			SELECT ms, seq FROM entry WHERE room = ?1 ORDER BY ms DESC, seq DESC LIMIT ?2)`, room, keep)
		if err != nil {
			return err
		}
		return statement.Exec()
	}))
}

// flush loses all of a room.
func (s *Store) flush(t *testing.T, room string) {
	s.trim(t, room, 0)
	s.mu.Lock()
	r := s.rooms[room]
	s.mu.Unlock()
	assert.NoError(t, s.perform(t.Context(), func(c *conn) error {
		r.keys = nil
		return c.beginAfter(s.offsets.next(s.opts.Now()))
	}))
	assert.NoError(t, s.readers.do(t.Context(), func(c *conn) error { return r.root(c) }))
	r.change(func() { r.begun = false })
}
