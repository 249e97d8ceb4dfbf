package sqlite

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/clock"
)

// count is how many entries the file has.
func (s *Store) count(t *testing.T) (n int64) {
	t.Helper()
	assert.NoError(t, s.readers.do(t.Context(), func(r *conn) (err error) {
		n, err = r.number(`SELECT count(*) FROM entry`)
		return err
	}))
	return n
}

// TestP13_RetentionByAge: what is too old goes, of all rooms, also of a node where nobody speaks.
func TestP13_RetentionByAge(t *testing.T) {
	now := &clock.Clock{}
	s := open(t, Options{Now: now.Now, Retention: Retention{Age: 24 * time.Hour}})
	for i := range 600 {
		mustSayAll(t, s, []string{Global, "cats", "dogs"}[i%3], 1, 10)
	}
	now.Advance(23 * time.Hour)
	mustSayAll(t, s, "cats", 5, 10)
	now.Advance(2 * time.Hour)
	assert.Eventually(t, "the old entries are gone", func() bool { return s.count(t) == 5 })
	assert.Equal(t, "entries of cats", len(timeline(t, s, "cats")), 5)

	room := s.Room("dogs")
	defer room.Close()
	entries, err := room.Last(t.Context(), stream.Offset{}, 10)
	assert.NoError(t, err)
	assert.Equal(t, "entries of a room that has lost all", len(entries), 1)
	assert.Equal(t, "event of its genesis", len(entries[0].Event), 0)
}

// TestP13_RetentionByBytes: under a load, the file stays within its bound, and has the newest entries of all rooms.
func TestP13_RetentionByBytes(t *testing.T) {
	const bound = 4 << 20
	s := open(t, Options{Retention: Retention{Bytes: bound}})
	var newest string
	for i := range 60 {
		for _, room := range []string{"a", "b", "c"} {
			newest = mustSayAll(t, s, room, 100, 600) // 11 MB of events in all
		}
		if size := s.size(t); i > 30 && size > 2*bound {
			t.Fatalf("%d bytes are in use", size)
		}
	}
	assert.Eventually(t, "the file is within its bound", func() bool { return s.size(t) <= bound })
	assert.Equal(t, "the newest event", timeline(t, s, "c")[newest], 1)
	for _, room := range []string{"a", "b", "c"} {
		if n := len(timeline(t, s, room)); n < 1000 || n > 2500 {
			t.Errorf("room %s has %d entries", room, n)
		}
	}
}

func (s *Store) size(t *testing.T) (n int64) {
	t.Helper()
	assert.NoError(t, s.readers.do(t.Context(), func(r *conn) (err error) {
		n, err = r.size()
		return err
	}))
	return n
}

// mustSayAll appends so many events of a size, and returns the last one.
func mustSayAll(t *testing.T, s *Store, name string, n, size int) (event string) {
	t.Helper()
	room := s.Room(name)
	defer room.Close()
	outcomes := make(chan error, n)
	for range n {
		event = fmt.Sprint(rand.Uint64(), strings.Repeat("x", size))
		assert.NoError(t, room.Append(t.Context(), "", []byte(event), func(_ stream.Offset, err error) { outcomes <- err }))
	}
	for range n {
		assert.NoError(t, assert.Receive(t, "an outcome", outcomes))
	}
	return event
}

// TestP3_ErasedOffsetsAreNotGivenAgain, although the clock steps back.
func TestP3_ErasedOffsetsAreNotGivenAgain(t *testing.T) {
	dir := used(t)
	s := open(t, Options{Dir: dir})
	newest := mustSay(t, s, Global, "", "event")
	assert.NoError(t, s.Close(t.Context()))
	n, err := Erase(t.Context(), dir, func(string, []byte) bool { return true })
	assert.NoError(t, err)
	assert.Equal(t, "erased", n, 3)
	s = open(t, Options{Dir: dir, Now: func() time.Time { return time.UnixMilli(1000) }})
	if o := mustSay(t, s, Global, "", "event"); o.Compare(newest) <= 0 {
		t.Errorf("offset %s, although there was %s", o, newest)
	}
}

// TestP12_AnEmptyRoomHasTheSameGenesisAfterARestart, until something was deleted: then it may be its own.
func TestP12_AnEmptyRoomHasTheSameGenesisAfterARestart(t *testing.T) {
	dir := used(t)
	genesis := func() stream.Offset {
		s, err := Open(t.Context(), Options{Dir: dir})
		assert.NoError(t, err)
		room := s.Room("empty")
		entries, err := room.Last(t.Context(), stream.Offset{}, 10)
		assert.NoError(t, err)
		assert.Equal(t, "entries", len(entries), 1)
		room.Close()
		assert.NoError(t, s.Close(t.Context()))
		return entries[0].Offset
	}
	first := genesis()
	assert.Equal(t, "genesis after a restart", genesis(), first)
	_, err := Erase(t.Context(), dir, func(string, []byte) bool { return true })
	assert.NoError(t, err)
	if later := genesis(); later.Compare(first) <= 0 {
		t.Errorf("genesis %s after everything was erased, %s before", later, first)
	}
}
