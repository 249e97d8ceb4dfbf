package replica

import (
	"fmt"
	"runtime"
	"testing"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// TestP10_ASilentRoomIsSmall: replica, log and record of an open room that follows and has no message.
func TestP10_ASilentRoomIsSmall(t *testing.T) {
	const count = 3000
	h := newHouse(t)
	budget := fanout.NewBudget(1 << 30)
	goroutines := runtime.NumGoroutine()
	rooms, replicas := make([]stream.Room, count), make([]*Replica, count)
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprint("room-", i)
	}
	measure(t, "the record", count, 2048, func(i int) { rooms[i] = h.rooms.Room(names[i]) })
	measure(t, "replica and log", count, 1536, func(i int) {
		replicas[i] = New(Options{
			Stream: rooms[i], Sweepers: h.sweepers, Encode: encodeEntry, Decode: decodeFrame, Window: fanout.Window{MaxCount: 1000, Budget: budget},
		})
		rooms[i].Follow(50, sink{replicas[i]})
		for replicas[i].isAhead(stream.Offset{Ms: 1}) {
			runtime.Gosched()
		}
	})
	assert.Eventually(t, "no goroutine for each", func() bool { return runtime.NumGoroutine() <= goroutines })
	for i := range rooms {
		rooms[i].Close()
		replicas[i].Close()
	}
	assert.Equal(t, "bytes of the budget", budget.Used(), 0)
}

// measure makes so many of something, each of which may take most bytes.
func measure(t *testing.T, what string, count int, most int64, one func(i int)) {
	t.Helper()
	before := assert.HeapInUse()
	for i := range count {
		one(i)
	}
	each := (assert.HeapInUse() - before) / int64(count)
	t.Logf("%s: %d bytes each", what, each)
	if each > most {
		t.Errorf("%s: %d bytes each, at most %d", what, each, most)
	}
}

func TestP9_DeliveringAllocatesNothing(t *testing.T) {
	sweepers := fanout.New(fanout.Options{Shards: 1})
	defer sweepers.Close()
	encode := func(dst []byte, e stream.Entry) ([]byte, bool) { return wire.AppendMessage(dst, e.Event), true }
	r := New(Options{Sweepers: sweepers, Encode: encode, Decode: decodeFrame})
	defer r.Close()
	r.Reset([]stream.Entry{{Offset: stream.Offset{Ms: 1}}})
	batch, event := make([]stream.Entry, 10), []byte(`42["m",1]`)
	deliver := func() {
		for i := range batch {
			batch[i] = stream.Entry{Offset: stream.Offset{Ms: r.last.Ms + uint64(i) + 1}, Event: event}
		}
		r.Deliver(batch)
	}
	for range 100 { // grows the segments to their full size
		deliver()
	}
	// What remains are the segments, and their indexes.
	if allocs := testing.AllocsPerRun(1000, deliver); allocs > 0 {
		t.Errorf("%v allocations for a batch", allocs)
	}
}
