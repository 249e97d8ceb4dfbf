// Package streamtest pins the contract of [stream.Stream]: [Run] is the suite that every implementation passes.
package streamtest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// Harness is a fresh, empty stream that retains at least 8,000 entries and 32 MiB, with hooks that let the suite cause
// what happens in production.
type Harness struct {
	Stream stream.Stream
	// Close ends the stream: no new appends, the queued ones are finished within ctx.
	Close func(ctx context.Context) error
	// Trim drops all but the newest keep entries (at least one), as retention does.
	Trim func(keep int)
	// Flush loses everything at once: entries and remembered keys.
	Flush func()
	// Expire makes the DedupeTTL pass for every key used so far.
	Expire func()
}

// Patience is how long the suite waits for an expected event before it fails.
const Patience = 20 * time.Second

// Run runs the whole suite. It calls start once per test; start registers its own clean-up.
func Run(t *testing.T, start func(t *testing.T) Harness) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Harness)
	}{
		{"Genesis/EmptyStreamHasExactlyOne", testGenesisOnce},
		{"Genesis/ComesBeforeTheFirstEvent", testGenesisFirst},
		{"P1_TotalOrder_EveryFollowerSeesTheSame", testTotalOrder},
		{"P2_CallerOrder", testCallerOrder},
		{"Append/DoneOnceAndInOrder", testDoneInOrder},
		{"Append/CopiesTheEvent", testEventsNotAliased},
		{"Append/BigEvents", testBigEvents},
		{"Append/RefusesAnEmptyEvent", testEmptyEvent},
		{"P4_Dedupe_SameKeySameOffset", testDedupe},
		{"P4_Dedupe_Concurrent", testDedupeConcurrent},
		{"P4_Dedupe_ForgetsAfterTTL", testDedupeExpires},
		{"Last/Bounds", testLastBounds},
		{"After/Bounds", testAfterBounds},
		{"After/WalksForwardWithoutGap", testAfterWalk},
		{"Follow/FromEveryOffset", testFollowFromEveryOffset},
		{"Follow/EndsWithContext", testFollowContext},
		{"Follow/EndsWithErrorOfCallback", testFollowCallbackError},
		{"P3_Gap_UnknownOffset", testGapUnknownOffset},
		{"P3_Gap_TrimmedUnderSleepingFollower", testGapSleepingFollower},
		{"P3_Gap_Flushed", testGapFlushed},
		{"P3_NoGap_TrimmedBehindFollower", testTrimBehindFollower},
		{"Close/FinishesQueuedAppends", testCloseFinishes},
		{"Close/EndsEverything", testCloseEnds},
		{"Property", testProperty},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, start(t)) })
	}
}

func testGenesisOnce(t *testing.T, h Harness) {
	heads := collect(t, 8, func() ([]stream.Entry, error) { return h.Stream.Last(t.Context(), stream.Offset{}, 10) })
	for _, entries := range heads {
		assert.Equal(t, "entries of an empty stream", len(entries), 1)
		assert.Equal(t, "genesis event", len(entries[0].Event), 0)
		assert.Equal(t, "genesis", entries[0].Offset, heads[0][0].Offset)
	}
	if heads[0][0].Offset.IsZero() {
		t.Fatal("genesis has no offset")
	}
}

func testGenesisFirst(t *testing.T, h Harness) {
	offset := mustAppend(t, h, "", "first")
	entries := last(t, h, stream.Offset{}, 10)
	assert.Equal(t, "entries", len(entries), 2)
	assert.Equal(t, "genesis event", len(entries[0].Event), 0)
	assert.Equal(t, "offset", entries[1].Offset, offset)

	f := follow(t, h, stream.Offset{})
	sameEntries(t, f.wait(2), entries)
}

// testTotalOrder: many callers append at once; early followers, a late follower and Last all see one order.
func testTotalOrder(t *testing.T, h Harness) {
	const callers, each = 4, 1250
	genesis := last(t, h, stream.Offset{}, 1)[0]
	early := []*follower{follow(t, h, genesis.Offset), follow(t, h, genesis.Offset)}
	stored := flood(t, h, callers, each)
	late := follow(t, h, genesis.Offset)

	want := last(t, h, stream.Offset{}, callers*each+10)[1:]
	assert.Equal(t, "entries", len(want), callers*each)
	growing(t, want)
	for _, e := range want {
		assert.Equal(t, "offset of "+string(e.Event), stored[string(e.Event)], e.Offset)
		delete(stored, string(e.Event))
	}
	assert.Equal(t, "events that are nowhere", len(stored), 0)
	for _, f := range append(early, late) {
		sameEntries(t, f.wait(len(want)), want)
	}
}

func testCallerOrder(t *testing.T, h Harness) {
	const callers, each = 8, 250
	flood(t, h, callers, each)
	next := map[string]int{}
	for _, e := range last(t, h, stream.Offset{}, callers*each) {
		caller, n, _ := strings.Cut(string(e.Event), "/")
		assert.Equal(t, "event of caller "+caller, n, fmt.Sprint(next[caller]))
		next[caller]++
	}
	assert.Equal(t, "callers", len(next), callers)
}

func testLastBounds(t *testing.T, h Harness) {
	for i := range 10 {
		mustAppend(t, h, "", fmt.Sprint("event ", i))
	}
	all := last(t, h, stream.Offset{}, 100)
	assert.Equal(t, "all entries", len(all), 11)
	sameEntries(t, last(t, h, stream.Offset{}, 11), all)
	sameEntries(t, last(t, h, stream.Offset{}, 3), all[8:])
	assert.Equal(t, "none asked for", len(last(t, h, stream.Offset{}, 0)), 0)
	assert.Equal(t, "fewer than none asked for", len(last(t, h, stream.Offset{}, -1)), 0)
	for i, e := range all {
		sameEntries(t, last(t, h, e.Offset, 4), all[max(0, i-4):i])
	}
	newest := all[10].Offset
	sameEntries(t, last(t, h, stream.Offset{Ms: newest.Ms + 1}, 2), all[9:])
	sameEntries(t, last(t, h, stream.Offset{Ms: newest.Ms, Seq: newest.Seq + 1}, 2), all[9:])
	assert.Equal(t, "before the beginning", len(last(t, h, stream.Offset{Ms: 1}, 5)), 0)

	h.Trim(4)
	sameEntries(t, last(t, h, stream.Offset{}, 100), all[7:])
	sameEntries(t, last(t, h, all[9].Offset, 100), all[7:9])
	assert.Equal(t, "before what is retained", len(last(t, h, all[7].Offset, 5)), 0)
}

func testEventsNotAliased(t *testing.T, h Harness) {
	f := follow(t, h, last(t, h, stream.Offset{}, 1)[0].Offset)
	buf := []byte("mine")
	result := make(chan error, 1)
	if err := h.Stream.Append(t.Context(), "", buf, func(_ stream.Offset, err error) { result <- err }); err != nil {
		t.Fatal(err)
	}
	copy(buf, "junk")
	assert.NoError(t, assert.Receive(t, "the result", result))
	assert.Equal(t, "event", string(f.wait(1)[0].Event), "mine")
	assert.Equal(t, "event", string(last(t, h, stream.Offset{}, 1)[0].Event), "mine")
}

func testBigEvents(t *testing.T, h Harness) {
	const size, n = 64 << 10, 40
	f := follow(t, h, last(t, h, stream.Offset{}, 1)[0].Offset)
	for i := range n {
		mustAppend(t, h, "", string(bytes.Repeat([]byte{byte(i), 0, '\r', '\n'}, size/4)))
	}
	got := f.wait(n)
	sameEntries(t, last(t, h, stream.Offset{}, n), got)
	for i, e := range got {
		assert.Equal(t, "size", len(e.Event), size)
		assert.Equal(t, "first byte", e.Event[0], byte(i))
	}
}

func testEmptyEvent(t *testing.T, h Harness) {
	if err := h.Stream.Append(t.Context(), "", nil, func(stream.Offset, error) { t.Error("done was called") }); err == nil {
		t.Fatal("an empty event was accepted")
	}
}

// flood makes each caller append its events without waiting for outcomes, and returns the offset of each event.
func flood(t *testing.T, h Harness, callers, each int) map[string]stream.Offset {
	t.Helper()
	type stored struct {
		event  string
		offset stream.Offset
		err    error
	}
	results := make(chan stored, callers*each)
	for c := range callers {
		go func() {
			for i := range each {
				event := fmt.Sprintf("%d/%d", c, i)
				err := h.Stream.Append(t.Context(), "", []byte(event), func(o stream.Offset, err error) {
					results <- stored{event, o, err}
				})
				if err != nil {
					results <- stored{event, stream.Offset{}, err}
				}
			}
		}()
	}
	offsets := make(map[string]stream.Offset, callers*each)
	for range callers * each {
		r := assert.Receive(t, "a result", results)
		assert.NoError(t, r.err)
		offsets[r.event] = r.offset
	}
	assert.Equal(t, "events stored", len(offsets), callers*each)
	return offsets
}

func growing(t *testing.T, entries []stream.Entry) {
	t.Helper()
	if !slices.IsSortedFunc(entries, func(a, b stream.Entry) int {
		if a.Offset == b.Offset {
			return 1 // so that two equal offsets count as unsorted
		}
		return a.Offset.Compare(b.Offset)
	}) {
		t.Fatal("offsets do not grow")
	}
}
