package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/race"
	"scalable-chat/server/internal/test/siotest"
)

// burst lets senders say count messages each, as fast as the connection takes them, and waits for all acks.
func burst(t *testing.T, senders []*siotest.Client, count int) {
	t.Helper()
	var acks sync.WaitGroup
	for i, c := range senders {
		acks.Add(count)
		go func() {
			for n := range count {
				done := func(answer json.RawMessage, err error) {
					if err != nil || !strings.HasPrefix(string(answer), `{"status":"ok"`) {
						t.Errorf("sender %d, message %d: %s %v", i, n, answer, err)
					}
					acks.Done()
				}
				text := fmt.Sprintf("%d %d", i, n)
				if !c.Emit(done, "event:message", map[string]any{"message": text, "username": "u"}) {
					done(nil, siotest.ErrLost)
				}
			}
		}()
	}
	acks.Wait()
}

// TestP1_P2_OneOrderForEveryoneUnderLoad: many clients send at once, over every transport, and some of them connect and
// upgrade meanwhile.
func TestP1_P2_OneOrderForEveryoneUnderLoad(t *testing.T) {
	const clients, senders = 40, 20
	count := 500
	if race.Enabled {
		count = 100
	}
	a := start(t, "--history-window=50000") // no client is slow enough to be closed
	var all []*siotest.Client
	for i := range clients {
		all = append(all, open(t, a.url(), siotest.Options{Transport: transports[i%len(transports)]}))
	}
	late := make(chan []*siotest.Client)
	go func() {
		var some []*siotest.Client
		for range 10 {
			c := siotest.Open(siotest.Options{URL: a.url(), Transport: siotest.Upgrade})
			some = append(some, c)
			_ = c.Wait(t.Context(), func(s siotest.State) bool { return s.Joined })
		}
		late <- some
	}()
	burst(t, all[:senders], count)
	latecomers := <-late
	say(t, all[0], "end")

	total := senders*count + 1
	for _, c := range all {
		wait(t, c, "complete", func(s siotest.State) bool { return s.Messages >= total })
	}
	want := texts(all[0])
	assert.Equal(t, "messages", len(want), total)
	perSender(t, want, senders, count)
	for _, c := range all[1:] {
		sound(t, c)
		if !slices.Equal(texts(c), want) {
			t.Errorf("the timeline of a %s client differs", c.Transport())
		}
	}
	for _, c := range latecomers {
		wait(t, c, "at the end", func(s siotest.State) bool { return s.Offset == all[0].State().Offset })
		got := texts(c)
		if !slices.Equal(got, want[len(want)-len(got):]) {
			t.Error("the timeline of a client that came during the burst differs")
		}
		sound(t, c)
		c.Close()
	}
}

// perSender checks that all messages of each sender are there, in sending order.
func perSender(t *testing.T, timeline []string, senders, count int) {
	t.Helper()
	next := make([]int, senders)
	for _, text := range timeline {
		var sender, n int
		if _, err := fmt.Sscanf(text, "%d %d", &sender, &n); err != nil {
			continue
		}
		if n != next[sender] {
			t.Fatalf("sender %d: message %d came when %d was due", sender, n, next[sender])
		}
		next[sender]++
	}
	for sender, n := range next {
		assert.Equal(t, fmt.Sprintf("messages of sender %d", sender), n, count)
	}
}

func TestP4_RetryWithTheSameIDIsNotPublishedTwice(t *testing.T) {
	a := start(t)
	c := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	message := map[string]any{"message": "once", "username": "u", "id": "1"}
	first, err := c.Call(t.Context(), "event:message", message)
	assert.NoError(t, err)
	again, err := c.Call(t.Context(), "event:message", message)
	assert.NoError(t, err)
	assert.Equal(t, "answer", string(again), string(first))
	say(t, c, "end")
	wait(t, c, "complete", func(s siotest.State) bool { return s.Messages >= 2 })
	if got := texts(c); !slices.Equal(got, []string{"once", "end"}) {
		t.Errorf("published %q", got)
	}
}

// TestLIM1_ABurstIsPacedNotDropped: ten thousand messages of one client arrive in order, although it pings often, and
// another client does not wait.
func TestLIM1_ABurstIsPacedNotDropped(t *testing.T) {
	count := 10_000
	if race.Enabled {
		count = 4000
	}
	// The flood takes four seconds, longer than a client may be silent.
	a := start(t, fmt.Sprint("--message-rate=", count/4), "--message-burst=100", "--ping-interval=300ms", "--ping-timeout=2s",
		"--history-window=100000", "--history-bytes=67108864") // an upgrading client cannot poll while its POST is paced
	for _, transport := range transports {
		t.Run(transport.String(), func(t *testing.T) {
			other := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
			flood := open(t, a.url(), siotest.Options{Transport: transport})
			flooding := make(chan struct{})
			go func() {
				defer close(flooding)
				burst(t, []*siotest.Client{flood}, count)
			}()
			began, worst := time.Now(), time.Duration(0)
			for n := 0; ; n++ {
				select {
				case <-flooding:
				default:
					asked := time.Now()
					say(t, other, "beside")
					worst = max(worst, time.Since(asked))
					continue
				}
				break
			}
			say(t, flood, "end")
			assert.Eventually(t, "the one who floods has all", func() bool { return slices.Contains(texts(flood), "end") })
			perSender(t, texts(flood), 1, count)
			assert.Equal(t, "connects of the one who floods", flood.State().Connects, 1)
			assert.Equal(t, "connects of the other", other.State().Connects, 1)
			if took := time.Since(began); worst > took/4 {
				t.Errorf("the other client waited %v for an ack while the flood took %v", worst, took)
			}
		})
	}
}
