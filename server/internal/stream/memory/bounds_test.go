package memory

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/dedupe"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/clock"
)

// say opens a room, appends so many events of a size, and closes the room.
func say(t *testing.T, r *Rooms, name string, events, size int) (newest stream.Offset) {
	t.Helper()
	room := r.Room(name)
	defer room.Close()
	for range events {
		assert.NoError(t, room.Append(t.Context(), "", make([]byte, size), func(o stream.Offset, _ error) { newest = o }))
	}
	return newest
}

// held is how many entries a room has, the genesis included.
func held(t *testing.T, r *Rooms, name string) int {
	t.Helper()
	room := r.Room(name)
	defer room.Close()
	entries, err := room.Last(t.Context(), stream.Offset{}, 1<<20)
	assert.NoError(t, err)
	return len(entries)
}

func TestP6_ClosedRoomsAreBounded(t *testing.T) {
	for name, o := range map[string]RoomsOptions{
		"number": {MaxClosed: 3},
		"bytes":  {MaxBytes: 4 * (roomOverhead + 9*1000)},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewRooms(o)
			for i := range 10 {
				say(t, r, fmt.Sprint(i), 10, 900)
			}
			assert.Equal(t, "rooms that are kept", r.order.Len(), 3)
			for i, want := range map[int]int{9: 11, 8: 11, 7: 11, 6: 1, 0: 1} {
				assert.Equal(t, fmt.Sprint("entries of room ", i), held(t, r, fmt.Sprint(i)), want)
			}
		})
	}
}

func TestP6_LongestClosedRoomIsForgottenFirst(t *testing.T) {
	r := NewRooms(RoomsOptions{MaxClosed: 2})
	say(t, r, "a", 1, 10)
	say(t, r, "b", 1, 10)
	held(t, r, "a") // now b has been closed for longer
	say(t, r, "c", 1, 10)
	assert.Equal(t, "entries of a", held(t, r, "a"), 2)
	assert.Equal(t, "entries of b", held(t, r, "b"), 1)
}

func TestP6_ROOM6_ClosedRoomIsForgottenAfterItsTTL(t *testing.T) {
	now := &clock.Clock{}
	r := NewRooms(RoomsOptions{Room: Options{Now: now.Now}, TTL: time.Hour})
	say(t, r, "a", 1, 10)
	say(t, r, "b", 1, 10)
	now.Advance(59 * time.Minute)
	assert.Equal(t, "entries before", held(t, r, "a"), 2)
	now.Advance(2 * time.Minute)
	assert.Equal(t, "entries of b", held(t, r, "b"), 1)
	assert.Equal(t, "entries of a, which somebody has visited", held(t, r, "a"), 2)
}

func TestP6_EmptyRoomCostsNothingOnceClosed(t *testing.T) {
	r := NewRooms(RoomsOptions{})
	for i := range 1000 {
		say(t, r, fmt.Sprint(i), 0, 0)
	}
	assert.Equal(t, "rooms", len(r.open)+len(r.closed)+r.order.Len(), 0)
	assert.Equal(t, "bytes", r.bytes.Load(), 0)
}

// No offset stands for two entries, although the clock does not move.
func TestP3_ForgottenRoomBeginsLater(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	r := NewRooms(RoomsOptions{Room: Options{Now: func() time.Time { return now }}, MaxClosed: 1})
	newest := say(t, r, "a", 5, 10)
	say(t, r, "b", 1, 10)
	room := r.Room("a")
	defer room.Close()
	entries, err := room.Last(t.Context(), stream.Offset{}, 10)
	assert.NoError(t, err)
	assert.Equal(t, "entries", len(entries), 1)
	if entries[0].Offset.Compare(newest) <= 0 {
		t.Errorf("genesis %s, although %s was an entry", entries[0].Offset, newest)
	}
}

// steady is a sink that must never be reset after its beginning.
type steady struct {
	t     *testing.T
	begun chan struct{}
	got   int
}

func newSteady(t *testing.T) *steady { return &steady{t: t, begun: make(chan struct{}, 1)} }

func (s *steady) Reset([]stream.Entry) {
	select {
	case s.begun <- struct{}{}:
	default:
		s.t.Error("the room was reset")
	}
}
func (s *steady) Deliver(entries []stream.Entry) { s.got += len(entries) }
func (*steady) Message([]byte)                   {}
func (*steady) Members(int)                      {}

// Beyond the bytes of all rooms, closed ones go first; then the room that grows drops its own oldest entries.
func TestP6_OpenRoomsKeepToTheBytesOfAll(t *testing.T) {
	const most = 1 << 20
	r := NewRooms(RoomsOptions{MaxBytes: most})
	say(t, r, "closed", 100, 1000)
	quiet, loud := r.Room("quiet"), r.Room("loud")
	sink := newSteady(t)
	loud.Follow(1, sink)
	assert.Eventually(t, "the first reset", func() bool { return len(sink.begun) > 0 })
	put := func(to stream.Room) {
		assert.NoError(t, to.Append(t.Context(), "", make([]byte, 1000), func(stream.Offset, error) {}))
	}
	for range 100 {
		put(quiet)
	}
	for range 5000 {
		put(loud)
		if used := r.bytes.Load(); used > most+2000 {
			t.Fatalf("%d bytes are used", used)
		}
	}
	assert.Equal(t, "closed rooms", r.order.Len(), 0)
	entries, err := quiet.Last(t.Context(), stream.Offset{}, 1000)
	assert.NoError(t, err)
	assert.Equal(t, "entries of the quiet room", len(entries), 101)
	quiet.Close()
	loud.Close()
	assert.Equal(t, "entries that the sink got", sink.got, 5000)
	if used := r.bytes.Load(); used > most {
		t.Errorf("%d bytes are kept", used)
	}
}

// Rooms are opened, filled and closed at random by many: what is counted is what is held.
func TestP6_CountsWhatItHolds(t *testing.T) {
	r := NewRooms(RoomsOptions{MaxBytes: 200 << 10, MaxClosed: 20, Room: Options{MaxEntries: 50, DedupeMax: 10}})
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 0))
			for i := range 300 {
				room := r.Room(fmt.Sprint(worker, "-", rng.IntN(6)))
				if rng.IntN(2) == 0 {
					room.Follow(5, newSteady(t))
				}
				room.SetMembers(i)
				for range rng.IntN(30) {
					key := fmt.Sprint(rng.IntN(20))
					assert.NoError(t, room.Append(t.Context(), key, make([]byte, 1+rng.IntN(3000)), func(stream.Offset, error) {}))
				}
				room.Close()
			}
		})
	}
	all.Wait()
	sum := int64(0)
	for e := r.order.Front(); e != nil; e = e.Next() {
		k := e.Value.(*kept)
		size := int64(k.record.bytes + dedupe.Overhead*k.record.keys.Len() + roomOverhead)
		assert.Equal(t, "size of "+k.name, k.size, size)
		sum += size
	}
	assert.Equal(t, "bytes", r.bytes.Load(), sum)
	assert.Equal(t, "open rooms", r.opens.Load(), 0)
	if r.order.Len() > 20 || sum > 200<<10 {
		t.Errorf("%d rooms with %d bytes are kept", r.order.Len(), sum)
	}
}

// An append hands its entry out and reports it without a goroutine, and without memory beyond the entry.
func TestP10_AppendToARoomAllocatesOnlyTheEntry(t *testing.T) {
	room := NewRooms(RoomsOptions{Room: Options{MaxEntries: 1000}}).Room("cats")
	defer room.Close()
	sink := newSteady(t)
	room.Follow(1, sink)
	assert.Eventually(t, "the first reset", func() bool { return len(sink.begun) > 0 })
	event, done := []byte("event"), func(stream.Offset, error) {}
	for range 2000 { // fills the ring
		assert.NoError(t, room.Append(t.Context(), "", event, done))
	}
	allocs := testing.AllocsPerRun(1000, func() { _ = room.Append(t.Context(), "", event, done) })
	assert.Equal(t, "allocations", allocs, 1)
}
