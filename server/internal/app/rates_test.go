package app

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/siotest"
)

// TestLIM16_NewGuestsOfAnAddressKeepItsRate: as the proxy reports the address. Each connection is another guest.
func TestLIM16_NewGuestsOfAnAddressKeepItsRate(t *testing.T) {
	const guests, rate, burst = 110, 20, 80
	a := start(t, "--trusted-proxies=127.0.0.0/8", "--address-rate=20")
	speak := func(address string, n int) time.Duration {
		begun, all := a.speakAt(t, address, n)
		for _, r := range all {
			r.until(t, `437[{"status":"ok"`)
		}
		return time.Since(begun)
	}
	if took := speak("203.0.113.7", guests); took < (guests-burst)*time.Second/rate {
		t.Errorf("%d guests spoke within %v", guests, took)
	}
	const fewer = burst / 2
	if took := speak("203.0.113.8", fewer); took > fewer*time.Second/rate {
		t.Errorf("%d guests of another address took %v", fewer, took)
	}
}

// speakAt makes new guests at an address, of whom each says something.
func (a *App) speakAt(t *testing.T, address string, guests int) (begun time.Time, all []*raw) {
	t.Helper()
	for range guests {
		r, err := dialAt(a.Addr(), "", "X-Forwarded-For: "+address)
		assert.NoError(t, err)
		t.Cleanup(r.close)
		assert.NoError(t, r.write("40"))
		r.until(t, `42["welcome"`)
		all = append(all, r)
	}
	begun = time.Now()
	for _, r := range all {
		assert.NoError(t, r.write(`427["event:message",{"message":"m","username":"u"}]`))
	}
	return begun, all
}

// TestLIM16_WhoLeavesDelaysNobody: the events of those who have gone wait for nothing.
func TestLIM16_WhoLeavesDelaysNobody(t *testing.T) {
	const address, rate, burst, guests, most = "203.0.113.7", 10, 40, 640, 20 * time.Second
	a := start(t, "--trusted-proxies=127.0.0.0/8", "--address-rate=10", "--ops-addr=127.0.0.1:0")
	_, all := a.speakAt(t, address, guests)
	assert.Eventually(t, "the first are heard", func() bool {
		heard, _ := strconv.Atoi(a.scrape(t, `chat_events_total{event="event:message",outcome="ok"}`))
		return heard >= burst
	})
	for _, r := range all {
		r.close()
	}
	assert.Eventually(t, "all are gone", func() bool { return a.edge.Connections() == 0 })
	begun, one := a.speakAt(t, address, 1)
	one[0].until(t, `437[{"status":"ok"`)
	if took := time.Since(begun); took > most {
		t.Errorf("the next one took %v; %d events would have taken %v", took, guests-burst, (guests-burst)*time.Second/rate)
	}
}

// TestLIM15_AUserKeepsItsRateOverItsConnections: a guest that connects several times with its token.
func TestLIM15_AUserKeepsItsRateOverItsConnections(t *testing.T) {
	const connections, each, rate, burst = 4, 30, 50, 60
	a := start(t, "--message-rate=50", "--message-burst=60")
	first := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	all := []*siotest.Client{first}
	for range connections - 1 {
		all = append(all, open(t, a.url(), siotest.Options{Transport: siotest.WebSocket, Auth: tokenOf(first)}))
	}
	begun, acks := time.Now(), make(chan error, connections*each)
	for range each {
		for _, c := range all {
			c.Emit(func(_ json.RawMessage, err error) { acks <- err }, "event:message", map[string]any{"message": "m", "username": "u"})
		}
	}
	for range connections * each {
		assert.NoError(t, assert.Receive(t, "an ack", acks))
	}
	if took := time.Since(begun); took < (connections*each-burst)*time.Second/rate {
		t.Errorf("%d messages took %v", connections*each, took)
	}
}
