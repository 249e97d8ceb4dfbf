package streamtest

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// RoomsHarness is a fresh backend of rooms, each of which retains at least 2,500 entries and 8 MiB, with hooks that let the
// suite cause what happens in production. Names of rooms are those of [stream.ValidRoom].
type RoomsHarness struct {
	// Nodes are the rooms of each node of one cluster; a backend of a single node has one.
	Nodes []stream.Rooms
	// Trim drops all but the newest keep entries of a room (at least one), as retention does.
	Trim func(room string, keep int)
	// Flush loses all of a room at once: entries and remembered keys.
	Flush func(room string)
	// Expire makes the DedupeTTL pass for every key used so far.
	Expire func()
}

// first is the first node, other the last one, which may be the same.
func (h RoomsHarness) first() stream.Rooms { return h.Nodes[0] }
func (h RoomsHarness) other() stream.Rooms { return h.Nodes[len(h.Nodes)-1] }

// roomTests are about what rooms have beyond a record.
var roomTests = map[string]func(*testing.T, RoomsHarness){
	"Follow/ResetComesFirst":               testResetFirst,
	"Follow/EmptyRoomBeginsWithItsGenesis": testFollowEmpty,
	"P10_Order_EveryNodeSeesTheSame":       testRoomOrder,
	"P10_ManyRoomsAtOnce":                  testManyRooms,
	"P10_NamesAreDistinct":                 testRoomNames,
	"P10_GapResetsThatRoomOnly":            testRoomGap,
	"P10_SilentRoomCostsNoGoroutine":       testRoomGoroutines,
	"P3_NoGap_TrimmedBehindTheSink":        testRoomTrimmed,
	"Close/WaitsForTheCall":                testRoomCloseWaits,
	"Close/EndsTheCalls":                   testRoomCloseEnds,
	"P4_Reopened_KeepsEntriesAndKeys":      testReopened,
	"Members/AreSummedOverNodes":           testMembers,
	"Publish/ReachesTheRoomOnOtherNodes":   testPublish,
	"Property":                             testRoomProperty,
}

// recordTests are those of [Run] that follow nothing.
var recordTests = map[string]func(*testing.T, Harness){
	"Genesis/EmptyStreamHasExactlyOne": testGenesisOnce,
	"P2_CallerOrder":                   testCallerOrder,
	"Append/RefusesAnEmptyEvent":       testEmptyEvent,
	"P4_Dedupe_SameKeySameOffset":      testDedupe,
	"P4_Dedupe_Concurrent":             testDedupeConcurrent,
	"P4_Dedupe_ForgetsAfterTTL":        testDedupeExpires,
	"Last/Bounds":                      testLastBounds,
	"After/Bounds":                     testAfterBounds,
	"After/WalksForwardWithoutGap":     testAfterWalk,
}

// RunRooms runs the contract suite of [stream.Rooms]. It calls start once per test; start registers its own clean-up.
func RunRooms(t *testing.T, start func(t *testing.T) RoomsHarness) {
	for name, test := range roomTests {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
	for name, test := range recordTests {
		t.Run("Record/"+name, func(t *testing.T) {
			h := start(t)
			room := &opened{Room: h.first().Room("record"), sink: &sink{t: t, name: "record"}}
			t.Cleanup(room.end)
			test(t, room.harness(h))
		})
	}
}

func testResetFirst(t *testing.T, h RoomsHarness) {
	writer := open(t, h.first(), "cats", 1)
	for i := range 10 {
		mustAppend(t, writer.harness(h), "", fmt.Sprint("event ", i))
	}
	all := last(t, writer.harness(h), stream.Offset{}, 100)
	writer.end()
	for _, tail := range []int{1, 4, 11, 100} {
		reader := open(t, h.other(), "cats", tail)
		got, resets := reader.seen()
		assert.Equal(t, "resets", resets, 1)
		sameEntries(t, got, all[len(all)-min(tail, len(all)):])
		reader.end()
	}
	reader := open(t, h.other(), "cats", 3)
	mustAppend(t, reader.harness(h), "", "one more")
	all = last(t, reader.harness(h), stream.Offset{}, 4)
	sameEntries(t, reader.reaches(all[3].Offset), all)
}

func testFollowEmpty(t *testing.T, h RoomsHarness) {
	room := open(t, h.first(), "cats", 5)
	got, _ := room.seen()
	sameEntries(t, got, last(t, room.harness(h), stream.Offset{}, 10))
	assert.Equal(t, "genesis event", len(got[0].Event), 0)
	o := mustAppend(t, room.harness(h), "", "first")
	assert.Equal(t, "entries", len(room.reaches(o)), 2)
}

// testRoomOrder: many callers append on all nodes at once; all sinks and Last see one order.
func testRoomOrder(t *testing.T, h RoomsHarness) {
	const callers, each = 3, 300
	var rooms []*opened
	for _, node := range h.Nodes {
		rooms = append(rooms, open(t, node, "cats", 1))
	}
	var all sync.WaitGroup
	for _, room := range rooms {
		all.Go(func() { flood(t, room.harness(h), callers, each) })
	}
	all.Wait()
	want := last(t, rooms[0].harness(h), stream.Offset{}, 5000)
	assert.Equal(t, "entries", len(want), 1+len(rooms)*callers*each)
	for _, room := range rooms {
		sameEntries(t, room.reaches(want[len(want)-1].Offset), want)
		_, resets := room.seen()
		assert.Equal(t, "resets", resets, 1)
	}
}

// testManyRooms: each room has its own events, also while many are appended to, opened and closed.
func testManyRooms(t *testing.T, h RoomsHarness) {
	const count, each = 100, 20
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			name := fmt.Sprint("room-", i)
			writer, reader := open(t, h.Nodes[i%len(h.Nodes)], name, 1), (*opened)(nil)
			if len(h.Nodes) > 1 {
				reader = open(t, h.Nodes[(i+1)%len(h.Nodes)], name, 1)
			}
			var newest stream.Offset
			for n := range each {
				newest = mustAppend(t, writer.harness(h), "", fmt.Sprint(name, " ", n))
			}
			for _, room := range []*opened{writer, reader} {
				if room == nil {
					continue
				}
				for n, e := range room.reaches(newest)[1:] {
					assert.Equal(t, "event", string(e.Event), fmt.Sprint(name, " ", n))
				}
				room.end()
			}
		})
	}
	all.Wait()
}

func testRoomNames(t *testing.T, h RoomsHarness) {
	names := []string{"a", "A", "...", "~", "-", "_", "a.b", "a-b", "a.b.c", "0", "news", "room", "genesis"}
	rooms := map[string]*opened{}
	for _, name := range names {
		rooms[name] = open(t, h.first(), name, 1)
	}
	for _, name := range names {
		o := mustAppend(t, rooms[name].harness(h), "the same key", name)
		entries := rooms[name].reaches(o)
		assert.Equal(t, "entries", len(entries), 2)
		assert.Equal(t, "event", string(entries[1].Event), name)
	}
}

func testRoomGap(t *testing.T, h RoomsHarness) {
	lost, safe := open(t, h.other(), "lost", 10), open(t, h.other(), "safe", 10)
	mustAppend(t, safe.harness(h), "", "kept")
	before := mustAppend(t, lost.harness(h), "", "lost")
	lost.reaches(before)
	h.Flush("lost")
	assert.Eventually(t, "the room is reset", func() bool { _, resets := lost.seen(); return resets == 2 })
	entries, _ := lost.seen()
	assert.Equal(t, "entries after the loss", len(entries), 1)
	if entries[0].Offset.Compare(before) <= 0 {
		t.Errorf("genesis %s after %s", entries[0].Offset, before)
	}
	o := mustAppend(t, lost.harness(h), "", "again")
	assert.Equal(t, "entries that follow", len(lost.reaches(o)), 2)
	safe.reaches(mustAppend(t, safe.harness(h), "", "kept, too"))
	_, resets := safe.seen()
	assert.Equal(t, "resets of another room", resets, 1)
}

func testRoomGoroutines(t *testing.T, h RoomsHarness) {
	openMany := func(from, to int) {
		for i := from; i < to; i++ {
			open(t, h.first(), fmt.Sprint("room-", i), 1)
		}
	}
	openMany(0, 20)
	before := runtime.NumGoroutine()
	openMany(20, 220)
	assert.Eventually(t, "200 more rooms cost no goroutine", func() bool { return runtime.NumGoroutine() < before+20 })
}

func testRoomTrimmed(t *testing.T, h RoomsHarness) {
	room := open(t, h.other(), "cats", 1)
	for i := range 50 {
		o := mustAppend(t, room.harness(h), "", fmt.Sprint("event ", i))
		room.reaches(o)
		h.Trim("cats", 1+i%3)
	}
	entries, resets := room.seen()
	assert.Equal(t, "entries", len(entries), 51)
	assert.Equal(t, "resets", resets, 1)
}
