package app

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// TestLIM1_NoWayAroundThePace: events that are not messages, and clients that leave the room and return, are paced as well.
func TestLIM1_NoWayAroundThePace(t *testing.T) {
	a := start(t, "--message-rate=100", "--message-burst=20")
	const message = `42["event:message",{"message":"m","username":"u"}]`
	for name, c := range map[string]struct {
		round  []string
		rounds int
	}{
		"unknown events":                {[]string{`42["x",{}]`}, 200},
		"the limit of a new connection": {append(slicesOf(message, 19), "41", "40"), 11},
		"history of a new connection":   {[]string{"41", `40{"history":100}`}, 14}, // ten at once, then two per second
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := join(t, a, "")
			began := time.Now()
			for range c.rounds {
				assert.NoError(t, r.write(c.round...))
			}
			assert.NoError(t, r.write(`42["event:message",{"message":"end of `+name+`","username":"u"}]`))
			for text := ""; text != "end of "+name; {
				var err error
				text, _, err = r.message()
				assert.NoError(t, err)
			}
			if took := time.Since(began); took < 1700*time.Millisecond {
				t.Errorf("all of it took %v", took)
			}
		})
	}
}

func slicesOf(packet string, n int) []string {
	packets := make([]string, n)
	for i := range packets {
		packets[i] = packet
	}
	return packets
}

// TestP1_AHerdLosesNothing: more clients send at once than the window holds, and everybody receives everything.
func TestP1_AHerdLosesNothing(t *testing.T) {
	const senders, each = 150, 20
	a := start(t, "--history-window=100", "--history-max=10", "--ops-addr=127.0.0.1:0")
	heard := herd(t, a, senders, each)
	for i, texts := range heard {
		if fmt.Sprint(texts) != fmt.Sprint(heard[0]) {
			t.Fatalf("client %d heard something else than client 0", i)
		}
	}
	perSender(t, heard[0], senders, each)
	assert.Equal(t, "resets", a.scrape(t, "chat_resets_total"), "0")
}

// TestP5_TheEndOfAnOutageIsNoGap: more has gathered by then than the window holds.
func TestP5_TheEndOfAnOutageIsNoGap(t *testing.T) {
	proxy := redistest.StartProxy(t, redistest.Start(t).Addr, 1)
	a := start(t, "--redis-url=redis://"+proxy.Addr, "--history-window=100", "--history-max=10", "--ops-addr=127.0.0.1:0")
	proxy.SetDown(true)
	assert.Eventually(t, "degraded", func() bool { return strings.Contains(a.health.Report().Degraded, "stream") })
	time.AfterFunc(time.Second, func() { proxy.SetDown(false) })
	const senders, each = 60, 20
	heard := herd(t, a, senders, each)
	perSender(t, heard[0], senders, each)
	assert.Equal(t, "resets", a.scrape(t, "chat_resets_total"), "0")
}

// herd lets many clients send at once, and returns what each has received once each has received all.
func herd(t *testing.T, a *App, senders, each int) [][]string {
	t.Helper()
	clients := make([]*raw, senders)
	for i := range clients {
		clients[i], _ = join(t, a, "")
	}
	heard := make([][]string, senders)
	var all sync.WaitGroup
	for i, r := range clients {
		all.Go(func() {
			for n := range senders * each {
				text, _, err := r.message()
				if err != nil {
					t.Errorf("client %d after %d messages: %v", i, n, err)
					return
				}
				heard[i] = append(heard[i], text)
			}
		})
		all.Go(func() {
			packets := make([]string, each)
			for n := range packets {
				packets[n] = fmt.Sprintf(`42["event:message",{"message":"%d %d","username":"u"}]`, i, n)
			}
			if err := r.write(packets...); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return heard
}
