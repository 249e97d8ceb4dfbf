package app

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/race"
	"scalable-chat/server/internal/test/siotest"
)

// TestP6_ClientsThatLeaveAreForgotten: connections of all kinds, ended in all ways, leave heap and goroutines as they were.
func TestP6_ClientsThatLeaveAreForgotten(t *testing.T) {
	cycles := 10_000
	if race.Enabled {
		cycles = 3000
	}
	rnd := seeded(t)
	a := start(t, "--ping-interval=200ms", "--ping-timeout=200ms", "--connect-timeout=200ms", "--history-window=200")
	web := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	defer web.CloseIdleConnections()
	run := func(n int) {
		seeds := make([]uint64, n)
		for i := range seeds {
			seeds[i] = rnd.Uint64()
		}
		inLanes(n, 24, func(i int) { cycle(t, a, web, rand.New(rand.NewPCG(seeds[i], 0))) })
		assert.Eventually(t, "all are gone", func() bool { return a.edge.Connections() == 0 })
		web.CloseIdleConnections() // the client keeps a random number, each with three goroutines
	}
	run(cycles / 10) // fills pools, maps and the window
	goroutines, heap := runtime.NumGoroutine(), assert.HeapInUse()
	began := time.Now()
	run(cycles)
	t.Logf("%v for a cycle", time.Since(began)/time.Duration(cycles))
	assert.Eventually(t, "goroutines are back", func() bool { return runtime.NumGoroutine() <= goroutines+10 })
	if grown := assert.HeapInUse() - heap; grown > 4<<20 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
}

// cycle is one client that comes and goes.
func cycle(t *testing.T, a *App, web *http.Client, rnd *rand.Rand) {
	if rnd.IntN(3) == 0 {
		pollCycle(t, a, web, rnd)
		return
	}
	if rnd.IntN(20) == 0 {
		c := siotest.Open(siotest.Options{URL: a.url(), Transport: siotest.Upgrade})
		wait(t, c, "connected", func(s siotest.State) bool { return s.Connected })
		c.Close()
		return
	}
	r, err := dial(a.Addr())
	if err != nil {
		t.Error(err)
		return
	}
	defer r.close()
	ways := [][]string{
		nil,
		{"40"},
		{"40", "41"},
		{"40", "41", "40"},
		{"40", "1"},
		{"40", "42"},
		{"40/nowhere,"},
		{"1"},
		{`40{"pid":"x","offset":"1-1"}`},
		{"40", `420["event:message",{"message":"m","username":"u"}]`, "41"},
	}
	way := rnd.IntN(len(ways))
	if r.write(ways[way]...) == nil && way > 0 && rnd.IntN(2) == 0 {
		_, _ = r.read() // the answer, or the end
	}
}

func pollCycle(t *testing.T, a *App, web *http.Client, rnd *rand.Rand) {
	url := a.url() + Path + "?EIO=4&transport=polling"
	get := func() string {
		answer, err := web.Get(url)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer answer.Body.Close()
		b, _ := io.ReadAll(answer.Body)
		return string(b)
	}
	hello := get()
	sid, _, _ := strings.Cut(strings.TrimPrefix(hello, `0{"sid":"`), `"`)
	url += "&sid=" + sid
	post := func(body string) {
		if answer, err := web.Post(url, "text/plain", strings.NewReader(body)); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
	}
	switch rnd.IntN(4) {
	case 0: // the client never returns
	case 1:
		post("40")
		get()
	case 2:
		post(fmt.Sprintf("40\x1e42%s", `["event:message",{"message":"m","username":"u"}]`))
		post("1")
	case 3:
		post("garbage")
	}
}

// TestP6_AClientThatNeverReadsCostsLittle: others send 200 MB while one client reads nothing.
func TestP6_AClientThatNeverReadsCostsLittle(t *testing.T) {
	a := start(t, "--ops-addr=127.0.0.1:0", "--max-message-chars=11000", "--max-payload-bytes=100000")
	join(t, a, "")
	before := assert.HeapInUse()
	args := []byte(`["message",{"message":"` + strings.Repeat("x", 10<<10) + `"}]`)
	most := int64(0)
	for n := range 20_000 {
		stored := make(chan error, 1)
		assert.NoError(t, a.room.Append(t.Context(), "", args, func(_ chat.Position, err error) { stored <- err }))
		assert.NoError(t, <-stored)
		if n%4000 == 3999 {
			most = max(most, assert.HeapInUse()-before)
		}
	}
	if most > 64<<20 {
		t.Errorf("the heap grew by %d MiB", most>>20)
	}
	assert.Eventually(t, "the client is closed", func() bool { return a.edge.Connections() == 0 })
	assert.Equal(t, "for being slow", a.scrape(t, `chat_closes_total{reason="slow consumer"}`), "1")
}
