package rooms

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
)

// enterMany enters rooms one after the other, and returns how long that took.
func (n *node) enterMany(t *testing.T, c *client, prefix string, count int) time.Duration {
	t.Helper()
	began := time.Now()
	for i := range count {
		assert.NoError(t, n.enter(t.Context(), c, fmt.Sprint(Prefix, prefix, i)))
	}
	return time.Since(began)
}

func TestROOM12_AConnectionEntersFiveRoomsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, nil)
		c := at("192.0.2.1")
		assert.Equal(t, "50 at once", n.enterMany(t, c, "a", 50), 0)
		for i := range 50 {
			n.leave(c, fmt.Sprint(Prefix, "a", i))
		}
		assert.Equal(t, "50 more, though it has left the first", n.enterMany(t, c, "b", 50), 10*time.Second)
		assert.Equal(t, "another connection", n.enterMany(t, at("192.0.2.1"), "c", 50), 0)
	})
}

func TestP6_OpeningsOfAnAddressAreSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, func(o *Options, b *bounds) { b.networkOnce, b.networkRate = 40, 10 })
		assert.Equal(t, "40 at once", n.enterMany(t, at("203.0.113.1"), "a", 40), 0)
		assert.Equal(t, "20 more by another connection", n.enterMany(t, at("203.0.113.1"), "b", 20), 2*time.Second)
		assert.Equal(t, "rooms that are open cost nothing", n.enterMany(t, at("203.0.113.1"), "a", 40), 0)
		assert.Equal(t, "another address", n.enterMany(t, at("203.0.113.2"), "c", 40), 0)
		assert.Equal(t, "a proxy", n.enterMany(t, at("10.0.0.1"), "d", 50)+n.enterMany(t, at("10.0.0.1"), "e", 50), 0)
	})
}

func TestP6_OpeningsOfTheNodeAreSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, func(o *Options, b *bounds) { b.nodeOnce, b.nodeRate = 40, 10 })
		took := n.enterMany(t, at("10.0.0.1"), "a", 30) + n.enterMany(t, at("203.0.113.1"), "b", 30)
		assert.Equal(t, "60 rooms", took, 2*time.Second)
		gaveUp, cancel := context.WithCancel(t.Context())
		cancel()
		for range 1000 { // who gives up takes nothing from those behind
			if err := n.enter(gaveUp, at("10.0.0.1"), "/rooms/x"); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		if took := n.enterMany(t, at("10.0.0.1"), "c", 1); took > 200*time.Millisecond {
			t.Errorf("the next room took %v", took)
		}
	})
}

// TestROOM12_AnAddressIsAloneInFewRooms: whoever opens rooms for nobody else is refused, until others come.
func TestROOM12_AnAddressIsAloneInFewRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, func(o *Options, b *bounds) { b.alone = 60 })
		a, b, other := at("203.0.113.1"), at("203.0.113.1"), at("203.0.113.2")
		n.enterMany(t, a, "a", 50)
		n.enterMany(t, b, "b", 10)
		refused := func() bool { return errors.Is(n.enter(t.Context(), b, "/rooms/more"), errTooMany) }
		assert.Equal(t, "refused", refused(), true)
		assert.NoError(t, n.enter(t.Context(), b, "/rooms/a0"), "a room that is open")
		assert.NoError(t, n.enter(t.Context(), other, "/rooms/a1"), "another address")
		assert.Equal(t, "no longer alone in one", refused(), false)
		n.leave(other, "/rooms/a1")
		n.leave(b, "/rooms/b1")
		assert.Equal(t, "alone again, and left another", n.enter(t.Context(), b, "/rooms/b1"), error(errTooMany))
		n.leave(b, "/rooms/b2")
		assert.Equal(t, "one fewer", refused(), false)
		n.leave(b, "/rooms/more")
		assert.NoError(t, n.enter(t.Context(), b, "/rooms/b1"))
	})
}

func TestROOM8_AFullNodeLetsClientsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		n := start(t, func(o *Options, _ *bounds) { o.Max, o.Full = 10, full.Load })
		c := at("192.0.2.1")
		n.enterMany(t, c, "a", 10)
		expect := func(what string, want error) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
			defer cancel()
			if err := n.enter(ctx, at("192.0.2.2"), "/rooms/"+what); !errors.Is(err, want) {
				t.Errorf("%s: %v", what, err)
			}
		}
		assert.Equal(t, "degraded", n.Degraded(), "no more rooms can be opened (MAX_ROOMS, ROOMS_BYTES)")
		expect("full", context.DeadlineExceeded)
		expect("a1", nil)
		n.leave(c, "/rooms/a2")
		expect("one-is-empty", nil)
		full.Store(true)
		n.leave(c, "/rooms/a3")
		time.Sleep(20 * time.Second)
		expect("no-memory", context.DeadlineExceeded)
		full.Store(false)
		expect("memory", nil)
		assert.Equal(t, "rooms", n.Stats().Open, 10)
		n.leave(c, "/rooms/a4")
		time.Sleep(20 * time.Second)
		assert.Equal(t, "degraded", n.Degraded(), "")
		assert.Equal(t, "refusals", len(n.refused), 0)
	})
}

func TestROOM13_TheListIsAskedForOnceInTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, nil)
		expect := func(what string, want []chat.Listed, failure error) {
			t.Helper()
			list, err := n.List(t.Context())
			assert.Equal(t, what, list, want)
			if !errors.Is(err, failure) {
				t.Errorf("%s: %v", what, err)
			}
		}
		want := []chat.Listed{{Name: "general", Online: 7}, {Name: "random", Online: 6}}
		for range 30 {
			var askers sync.WaitGroup
			for range 10 {
				askers.Go(func() { expect("list", want, nil) })
			}
			askers.Wait()
			time.Sleep(100 * time.Millisecond)
		}
		assert.Equal(t, "questions", n.backend.asked, 2)
		n.backend.fails.Store(true)
		time.Sleep(5 * time.Second)
		for range 10 {
			expect("while the records are away", nil, errAway)
		}
		assert.Equal(t, "questions", n.backend.asked, 3)
		n = start(t, func(o *Options, _ *bounds) { o.Listed, o.Backend = nil, nil })
		expect("none", nil, nil)
	})
}
