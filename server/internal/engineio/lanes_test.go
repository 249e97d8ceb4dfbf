package engineio

import (
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// openLanes makes the lanes of namespaces.
func openLanes(ls *lanes, names ...string) (all []*lane) {
	for _, name := range names {
		all = append(all, ls.open(name))
	}
	return all
}

func TestLanes_OneTurnAfterTheOther(t *testing.T) {
	var ls lanes
	assert.Equal(t, "the turn before the first", ls.withTurn(0) == nil, true)
	for turn, l := range openLanes(&ls, "/", "/a", "/b") {
		number := ls.take(l, wire.Event, 0)
		assert.Equal(t, "number", number, uint64(turn)+1)
		assert.Equal(t, "lasts", ls.withTurn(number) == l, true)
		assert.Equal(t, "early", ls.withTurn(number+1) == nil, true)
		l.taken = false
		assert.Equal(t, "over", ls.withTurn(number) == nil, true)
	}
}

func TestLanes_AreFoundUntilTheyAreRemoved(t *testing.T) {
	var ls lanes
	names := []string{"/", "/a", "/b", "/c"}
	for _, remove := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}} {
		all := openLanes(&ls, names...)
		for _, i := range remove {
			assert.Equal(t, names[i], find(&ls, names[i]) == all[i], true)
			assert.Equal(t, names[i], find(&ls, []byte(names[i])) == all[i], true)
			ls.remove(all[i])
			assert.Equal(t, names[i], find(&ls, names[i]) == nil, true)
		}
		assert.Equal(t, "left", ls.count, 0)
		assert.Equal(t, "left", ls.any(func(*lane) bool { return true }), false)
	}
}

// TestLanes_FindingOneAllocatesNothing: it happens for each packet.
func TestLanes_FindingOneAllocatesNothing(t *testing.T) {
	var ls lanes
	all := openLanes(&ls, "/", "/rooms/a", "/rooms/b")
	name := []byte("/rooms/b")
	if allocs := testing.AllocsPerRun(100, func() { find(&ls, name) }); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
	assert.Equal(t, "found", find(&ls, name) == all[2], true)
}

func TestLanes_StallOnlyWhileTheLibraryWorks(t *testing.T) {
	var ls lanes
	all := openLanes(&ls, "/", "/a")
	assert.Equal(t, "no turn", ls.stalled(time.Hour), false)
	ls.take(all[1], wire.Event, time.Second)
	assert.Equal(t, "in time", ls.stalled(time.Second+stallTimeout), false)
	assert.Equal(t, "too long", ls.stalled(2*time.Second+stallTimeout), true)
	all[1].taken = false
	assert.Equal(t, "after its end", ls.stalled(time.Hour), false)
}

// TestP6_WhatWaitsInLanesIsBounded: small packets cost more than their bytes.
func TestP6_WhatWaitsInLanesIsBounded(t *testing.T) {
	for size, most := range map[int]int{1: 512, 10_000: 6, 1 << 20: 1} {
		var ls lanes
		all := openLanes(&ls, "/", "/a")
		p, n := parcel{kind: wire.Event, text: make([]byte, size)}, 0
		for ; ls.fits(p.cost()); n++ {
			ls.push(all[n%2], p)
		}
		if n == 0 || n > most {
			t.Errorf("%d packets of %d bytes wait", n, size)
		}
		for i := range n {
			_, ok := ls.pop(all[i%2])
			assert.Equal(t, "pop", ok, true)
		}
		_, ok := ls.pop(all[0])
		assert.Equal(t, "nothing is left", ok || ls.kept != 0 || all[0].queue != nil, false)
	}
}

func TestReader_AWaitCanBePassed(t *testing.T) {
	var r reader
	r.pass() // nobody waits
	one, other := r.await(), r.await()
	assert.Equal(t, "passed", isClosed(one) || isClosed(other), false)
	r.waited()
	r.pass()
	r.pass() // once is enough
	assert.Equal(t, "passed", isClosed(one) && isClosed(other), true)
	later := r.await()
	assert.Equal(t, "passed", isClosed(later), false)
	r.waited()
	r.waited()
	assert.Equal(t, "nobody waits", r.passed == nil, true)
}

func TestTurn_OfNobodyIsDone(*testing.T) { Turn{}.Done() }
