package app

import (
	"strings"
	"sync"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/race"
	"scalable-chat/server/internal/test/siotest"
)

// inLanes runs n jobs, up to lanes at once.
func inLanes(n, lanes int, job func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range lanes {
		wg.Go(func() {
			for i := range next {
				job(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

func TestNoneOfManyWebSocketConnectsHangs(t *testing.T) {
	a := start(t)
	connects := 4000
	if race.Enabled {
		connects = 1000
	}
	clients := make([]*raw, connects)
	inLanes(connects, 64, func(i int) {
		r, err := dial(a.Addr())
		if err == nil {
			clients[i] = r
			_, err = r.connect("")
		}
		if err != nil {
			t.Errorf("connect %d: %v", i, err)
		}
	})
	assert.Equal(t, "connections", a.edge.Connections(), connects)
	for _, r := range clients {
		if r != nil {
			r.close()
		}
	}
	assert.Eventually(t, "all are gone", func() bool { return a.edge.Connections() == 0 })
}

func TestNoneOfManyUpgradesHangs(t *testing.T) {
	a := start(t)
	upgrades := 500
	if race.Enabled {
		upgrades = 100
	}
	inLanes(upgrades, 16, func(int) {
		c := siotest.Open(siotest.Options{URL: a.url(), Transport: siotest.Upgrade})
		defer c.Close()
		wait(t, c, "joined", func(s siotest.State) bool { return s.Joined })
		say(t, c, "hello")
		wait(t, c, "heard", func(s siotest.State) bool { return s.Messages > 0 })
		assert.Equal(t, "connects", c.State().Connects, 1)
		sound(t, c)
	})
}

// TestFirstEventsAreNotLost: packets in the same segment as CONNECT are handled after it.
func TestFirstEventsAreNotLost(t *testing.T) {
	a := start(t)
	inLanes(300, 8, func(int) {
		r, err := dial(a.Addr())
		if err != nil {
			t.Error(err)
			return
		}
		defer r.close()
		if err := r.write("40", `420["event:message",{"message":"a","username":"u"}]`, `421["event:message",{"message":"b","username":"u"}]`); err != nil {
			t.Error(err)
		}
		var got []string
		for len(got) < 3 {
			p, err := r.read()
			if err != nil {
				t.Errorf("after %q: %v", got, err)
				return
			}
			if p[1] == '0' || p[1] == '3' {
				got = append(got, p[:3])
			}
		}
		assert.Equal(t, "answers", strings.Join(got, " "), "40{ 430 431")
	})
}
