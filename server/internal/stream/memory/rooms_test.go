package memory

import (
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/streamtest"
	"scalable-chat/server/internal/test/clock"
)

func TestRoomsContract(t *testing.T) {
	streamtest.RunRooms(t, func(t *testing.T) streamtest.RoomsHarness {
		now := &clock.Clock{}
		rooms := NewRooms(RoomsOptions{Room: Options{Now: now.Now}})
		return streamtest.RoomsHarness{
			Nodes:  []stream.Rooms{rooms},
			Trim:   func(name string, keep int) { rooms.open[name].stream.trim(keep) },
			Flush:  func(name string) { rooms.open[name].flush() },
			Expire: func() { now.Advance(rooms.opts.Room.DedupeTTL) },
		}
	})
}

// flush simulates a loss of everything, as [Stream.flush] does, and has the sink told.
func (r *room) flush() {
	r.stream.flush()
	r.change(func() {})
}
