package streamtest

import (
	"fmt"
	"math"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// after calls [stream.Stream.After].
func after(t *testing.T, h Harness, o stream.Offset, n int) []stream.Entry {
	t.Helper()
	entries, err := h.Stream.After(t.Context(), o, n)
	assert.NoError(t, err)
	return entries
}

func testAfterBounds(t *testing.T, h Harness) {
	genesis := last(t, h, stream.Offset{}, 1)
	sameEntries(t, after(t, h, stream.Offset{}, 5), genesis)
	assert.Equal(t, "after the genesis", len(after(t, h, genesis[0].Offset, 5)), 0)
	for i := range 10 {
		mustAppend(t, h, "", fmt.Sprint("event ", i))
	}
	all := last(t, h, stream.Offset{}, 100)
	sameEntries(t, after(t, h, stream.Offset{}, 100), all)
	sameEntries(t, after(t, h, stream.Offset{}, 3), all[:3])
	sameEntries(t, after(t, h, stream.Offset{Ms: 1}, 3), all[:3])
	for _, n := range []int{0, -1} {
		assert.Equal(t, "none asked for", len(after(t, h, stream.Offset{}, n)), 0)
	}
	for i, e := range all {
		sameEntries(t, after(t, h, e.Offset, 4), all[i+1:min(i+5, len(all))])
		earlier := stream.Offset{Ms: e.Offset.Ms - 1, Seq: math.MaxUint64}
		assert.Equal(t, "an offset without entry is a place", after(t, h, earlier, 1)[0].Offset.Compare(earlier), 1)
	}
	for _, o := range []stream.Offset{{Ms: all[10].Offset.Ms, Seq: all[10].Offset.Seq + 1}, {Ms: math.MaxUint64, Seq: math.MaxUint64}} {
		assert.Equal(t, "after the end", len(after(t, h, o, 5)), 0)
	}

	h.Trim(4)
	sameEntries(t, after(t, h, stream.Offset{}, 100), all[7:])
	sameEntries(t, after(t, h, all[2].Offset, 2), all[7:9])
	sameEntries(t, after(t, h, all[8].Offset, 100), all[9:])
}

// testAfterWalk: pages of every size join.
func testAfterWalk(t *testing.T, h Harness) {
	flood(t, h, 4, 150)
	all := last(t, h, stream.Offset{}, 1000)
	for _, n := range []int{1, 7, 128, 300, 1000} {
		var walked []stream.Entry
		for at := (stream.Offset{}); ; at = walked[len(walked)-1].Offset {
			page := after(t, h, at, n)
			if len(page) == 0 {
				break
			}
			walked = append(walked, page...)
		}
		sameEntries(t, walked, all)
	}
}
