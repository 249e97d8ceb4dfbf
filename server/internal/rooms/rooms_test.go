package rooms

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/test/assert"
)

func TestROOM7_RefusalsHaveTheirCodes(t *testing.T) {
	n := start(t, func(o *Options, _ *bounds) { o.PerConnection = 2 })
	c := at("192.0.2.1")
	enter := func(namespace string) string {
		err := n.enter(t.Context(), c, namespace)
		var refusal *engineio.Refusal
		if errors.As(err, &refusal) {
			return refusal.Code
		}
		assert.NoError(t, err)
		return ""
	}
	for _, one := range []struct{ namespace, code string }{
		{"/", ""},
		{"/admin", ""},
		{"/rooms", ""},
		{"/roomsx", ""},
		{"/rooms/", "room_invalid"},
		{"/rooms/.", "room_invalid"},
		{"/rooms/a/b", "room_invalid"},
		{"/rooms/a?b", "room_invalid"},
		{"/rooms/" + strings.Repeat("x", 65), "room_invalid"},
		{"/rooms/secret", "room_forbidden"},
		{"/rooms/a", ""},
		{"/rooms/b", ""},
		{"/rooms/c", "too_many_rooms"},
		{"/rooms/secret", "room_forbidden"},
	} {
		assert.Equal(t, one.namespace, enter(one.namespace), one.code)
	}
	n.leave(c, "/rooms/a")
	n.leave(c, "/admin")
	assert.Equal(t, "after leaving another", enter("/rooms/c"), "")
	assert.Equal(t, "refusals", fmt.Sprint(n.refused), "map[room_forbidden:2 room_invalid:5 too_many_rooms:1]")
	assert.Equal(t, "catalogue", Codes(), []string{"room_invalid", "room_forbidden", "too_many_rooms"})
}

func TestP10_OneOpeningServesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, nil)
		n.backend.slow = true
		inside := make(chan error, 200)
		for range cap(inside) {
			go func() { inside <- n.enter(t.Context(), at("192.0.2.1"), "/rooms/cats") }()
		}
		synctest.Wait()
		_, opened := n.backend.count()
		assert.Equal(t, "openings", opened, 1)
		assert.Equal(t, "inside before the record is read", len(inside), 0)
		assert.Equal(t, "waiting", n.Stats(), Stats{Open: 1, Waiting: 200, Opened: 1})
		n.backend.record("cats").answer()
		for range cap(inside) {
			assert.NoError(t, <-inside)
		}
		assert.NoError(t, n.enter(t.Context(), at("192.0.2.2"), "/rooms/cats"))
		assert.Equal(t, "stats", n.Stats(), Stats{Open: 1, Opened: 1})
		n.backend.record("cats").answer() // a gap
		assert.Equal(t, "resets", n.place("cats").did().resets, 2)
	})
}

func TestP10_ARoomThatDoesNotOpenHoldsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, nil)
		n.backend.slow = true
		c := at("192.0.2.1")
		ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
		defer cancel()
		stuck := make(chan error, 1)
		go func() { stuck <- n.enter(ctx, c, "/rooms/stuck") }()
		synctest.Wait()
		go func() {
			synctest.Wait()
			n.backend.record("cats").answer()
		}()
		assert.NoError(t, n.enter(t.Context(), c, "/rooms/cats"), "another room of the same connection")
		if err := <-stuck; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the room that does not open: %v", err)
		}
		time.Sleep(30 * time.Second)
		assert.Equal(t, "closed, as nobody waits for it", n.Stats().Open, 1)
		assert.Equal(t, "refusals", len(n.refused), 0)
	})
}

func TestP10_AnEmptyRoomStaysAWhileThenCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, nil)
		c := at("192.0.2.1")
		for range 5 { // who comes back in time finds the room open
			assert.NoError(t, n.enter(t.Context(), c, "/rooms/cats"))
			time.Sleep(time.Minute)
			assert.Equal(t, "open with a member", n.Stats().Open, 1)
			n.leave(c, "/rooms/cats")
			time.Sleep(9 * time.Second)
		}
		assert.Equal(t, "openings", n.Stats().Opened, 1)
		first := n.place("cats")
		time.Sleep(15 * time.Second)
		assert.Equal(t, "open", n.Stats().Open, 0)
		assert.Equal(t, "closed", first.did().closed, 1)
		assert.Equal(t, "networks that are remembered", n.remembered(), 0)
		assert.NoError(t, n.enter(t.Context(), c, "/rooms/cats"))
		assert.Equal(t, "opened again", n.Stats(), Stats{Open: 1, Opened: 2})
	})
}

func TestPRE2_PresenceComesOnceASecondAndOnlyIfItChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, nil)
		assert.NoError(t, n.enter(t.Context(), at("192.0.2.1"), "/rooms/cats"))
		assert.NoError(t, n.enter(t.Context(), at("192.0.2.1"), "/rooms/dogs"))
		sink := n.backend.record("cats").sink
		for i := range 50 {
			sink.Members(i + 1)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		told := n.place("cats").did().told
		if len(told) < 5 || len(told) > 6 || told[len(told)-1] != 50 {
			t.Errorf("told %v", told)
		}
		for _, online := range []int{51, 50} { // there and back
			sink.Members(online)
		}
		time.Sleep(2 * time.Second)
		assert.Equal(t, "presences", len(n.place("cats").did().told), len(told))
		assert.Equal(t, "in another room", len(n.place("dogs").did().told), 0)
	})
}

func TestP10_ADrainDeliversAllRoomsAndOpensNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, nil)
		for i := range 20 {
			assert.NoError(t, n.enter(t.Context(), at("192.0.2.1"), fmt.Sprint("/rooms/", i)))
		}
		n.backend.slow = true
		waits := make(chan error, 1)
		go func() { waits <- n.enter(t.Context(), at("192.0.2.1"), "/rooms/slow") }()
		synctest.Wait()
		assert.NoError(t, n.Drain(t.Context()))
		for i := range 20 {
			assert.Equal(t, "drained", n.place(fmt.Sprint(i)).did().drained, 1)
		}
		n.backend.record("slow").answer()
		for what, err := range map[string]error{
			"one that waits": <-waits, "a new room": n.enter(t.Context(), at("192.0.2.1"), "/rooms/new"),
			"an open one": n.enter(t.Context(), at("192.0.2.1"), "/rooms/1"),
		} {
			if !errors.Is(err, errDraining) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// TestP10_AStormLeavesNothing: clients of several addresses enter and leave at random, and give up while they wait.
func TestP10_AStormLeavesNothing(t *testing.T) {
	n := start(t, func(o *Options, b *bounds) {
		o.Max = 8
		*b = bounds{
			linger: time.Millisecond, tick: time.Millisecond, connectionRate: 1e6, connectionOnce: 1e6,
			networkRate: 1e6, networkOnce: 1e6, nodeRate: 1e6, nodeOnce: 1e6, alone: 5,
		}
	})
	var clients sync.WaitGroup
	for i := range 16 {
		clients.Go(func() {
			c := at(fmt.Sprintf("192.0.2.%d", i%4))
			for range 300 {
				namespace := fmt.Sprint("/rooms/", rand.N(12))
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.N(3000))*time.Microsecond)
				if n.enter(ctx, c, namespace) == nil {
					time.Sleep(time.Duration(rand.N(500)) * time.Microsecond)
					n.leave(c, namespace)
				}
				cancel()
			}
		})
	}
	clients.Wait()
	assert.Eventually(t, "all rooms are closed", func() bool { open, _ := n.backend.count(); return open == 0 && n.Stats().Open == 0 })
	assert.Eventually(t, "nobody is remembered", func() bool { return n.remembered() == 0 })
	assert.Equal(t, "open twice", n.backend.double, 0)
	assert.Equal(t, "waiting", n.Stats().Waiting, 0)
	if n.Stats().Opened < 100 {
		t.Errorf("only %d openings", n.Stats().Opened)
	}
}
