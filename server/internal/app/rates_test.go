package app

import (
	"encoding/json"
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
		var all []*raw
		for range n {
			r, err := dialAt(a.Addr(), "", "X-Forwarded-For: "+address)
			assert.NoError(t, err)
			t.Cleanup(r.close)
			assert.NoError(t, r.write("40"))
			r.until(t, `42["welcome"`)
			all = append(all, r)
		}
		begun := time.Now()
		for _, r := range all {
			assert.NoError(t, r.write(`427["event:message",{"message":"m","username":"u"}]`))
		}
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
