package app

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/siotest"
)

// TestP3_CutAtRandomEverybodyEndsWithTheSameTimeline cuts clients during traffic, and so also during the replay that
// follows a cut and, for those that ask for it, during history.
func TestP3_CutAtRandomEverybodyEndsWithTheSameTimeline(t *testing.T) {
	const clients, senders, count = 18, 3, 300
	rnd := seeded(t)
	a := start(t, "--message-rate=500", "--message-burst=1")
	speakers := make([]*siotest.Client, senders)
	for i := range speakers {
		speakers[i] = open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	}
	all := make([]*siotest.Client, clients)
	for i := range all {
		o := siotest.Options{Transport: transports[i%len(transports)]}
		if i%2 == 0 {
			o.Auth = map[string]any{"history": 5}
		}
		all[i] = open(t, a.url(), o) // no client has seen a message when the first cuts come
	}
	stop := make(chan struct{})
	var cutting sync.WaitGroup
	for _, c := range all {
		mine := rand.New(rand.NewPCG(rnd.Uint64(), 0))
		cutting.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(mine.IntN(60)) * time.Millisecond):
					c.Cut()
				}
			}
		})
	}
	burst(t, speakers, count)
	close(stop)
	cutting.Wait()
	say(t, speakers[0], "end")

	const total = senders*count + 1
	wait(t, speakers[0], "complete", func(s siotest.State) bool { return s.Messages >= total })
	want := texts(speakers[0])
	perSender(t, want, senders, count)
	for _, c := range all {
		wait(t, c, "complete", func(s siotest.State) bool { return s.Joined && s.Messages >= total })
		sound(t, c)
		s := c.State()
		assert.Equal(t, "connects that did not recover", s.Connects-s.Recovered, 1)
		if got := texts(c); !slices.Equal(got, want) {
			t.Errorf("the timeline of a %s client differs after %d connects", c.Transport(), s.Connects)
		}
	}
}

func TestP3_CutInAnEmptyRoom(t *testing.T) {
	a := start(t)
	for _, transport := range transports {
		c := open(t, a.url(), siotest.Options{Transport: transport})
		for n := range 3 {
			c.Cut()
			wait(t, c, "back", func(s siotest.State) bool { return s.Joined && s.Connects == n+2 })
		}
		assert.Equal(t, "recovered", c.State().Recovered, 3)
	}
}

// TestP3_REC4_NothingIsReplayedInPart: a client that was away for longer than the window is told so and gets no more than others.
func TestP3_REC4_NothingIsReplayedInPart(t *testing.T) {
	a := start(t, "--history-window=50", "--history-max=50")
	away, g := join(t, a, "")
	away.close()
	speaker := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	for n := range 200 {
		say(t, speaker, fmt.Sprint(n))
	}
	wait(t, speaker, "complete", func(s siotest.State) bool { return s.Messages == 200 })

	back, again := join(t, a, fmt.Sprintf(`{"pid":%q,"offset":%q}`, g.Pid, g.Offset))
	if again.Pid == g.Pid {
		t.Error("a session was recovered that could not be")
	}
	assert.Equal(t, "joining offset", again.Offset, speaker.State().Offset)
	say(t, speaker, "live")
	text, _, err := back.message()
	assert.NoError(t, err)
	assert.Equal(t, "first message", text, "live")

	back, again = join(t, a, fmt.Sprintf(`{"pid":%q,"offset":%q,"history":7}`, again.Pid, again.Offset))
	text, _, err = back.message()
	assert.NoError(t, err)
	assert.Equal(t, "a recovered session gets what it missed and no history", text, "live")
	_ = again
}

// TestP6_LIM7_SlowReaderIsClosedAndMissesNothing: it does not read until it is closed, then comes back with its last offset.
func TestP6_LIM7_SlowReaderIsClosedAndMissesNothing(t *testing.T) {
	a := start(t, "--ops-addr=127.0.0.1:0", "--history-window=4000", "--max-message-chars=5000")
	slow, g := join(t, a, "")
	speaker := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	filler := strings.Repeat("x", 2000)
	sent := 0
	for ; sent%50 != 0 || a.scrape(t, `chat_closes_total{reason="slow consumer"}`) == "0"; sent++ {
		say(t, speaker, fmt.Sprint(sent, filler))
	}
	offset, got := g.Offset, 0
	read := func(r *raw) error {
		for {
			text, at, err := r.message()
			if err != nil {
				return err
			}
			if text != fmt.Sprint(got, filler) {
				t.Fatalf("message %d is %.20s", got, text)
			}
			offset, got = at, got+1
			if got == sent {
				return nil
			}
		}
	}
	if err := read(slow); err == nil {
		t.Fatal("the slow reader was not closed")
	}
	for attempt := 0; got < sent; attempt++ {
		back, again := join(t, a, fmt.Sprintf(`{"pid":%q,"offset":%q}`, g.Pid, offset))
		assert.Equal(t, "recovered", again.Pid, g.Pid)
		if err := read(back); err != nil && !errors.Is(err, errClosed) {
			t.Fatal(err)
		}
	}
}
