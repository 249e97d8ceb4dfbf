package chaos

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// BenchmarkCrossNodeLatency reports how long a message takes from its sender on one node to a client on another, at 100
// messages a second: from just before it is sent to when the client has read it. One operation is one message:
//
//	go test -run '^$' -bench CrossNode -benchtime 1000x ./internal/test/chaos
func BenchmarkCrossNodeLatency(b *testing.B) {
	const pause = 10 * time.Millisecond
	nodes := startPair(b)
	var mu sync.Mutex
	sent := map[string]time.Time{}
	var took []time.Duration
	heard := func(m siotest.Message) {
		now := time.Now()
		mu.Lock()
		defer mu.Unlock()
		took = append(took, now.Sub(sent[m.ID]))
	}
	sender := siotest.Open(siotest.Options{URL: "http://" + nodes[0].Addr, Transport: siotest.WebSocket})
	defer sender.Close()
	receiver := siotest.Open(siotest.Options{URL: "http://" + nodes[1].Addr, Transport: siotest.WebSocket, OnMessage: heard})
	defer receiver.Close()
	for _, c := range []*siotest.Client{sender, receiver} {
		assert.NoError(b, c.Wait(b.Context(), func(s siotest.State) bool { return s.Joined }))
	}

	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for n := range b.N {
		<-ticker.C
		id := messageID("b", n)
		mu.Lock()
		sent[id] = time.Now()
		mu.Unlock()
		said := map[string]string{"message": "a message of a usual length, more or less", "username": "b", "id": id}
		if !sender.Emit(func(json.RawMessage, error) {}, "event:message", said) {
			b.Fatal("the sender lost its connection")
		}
	}
	assert.NoError(b, receiver.Wait(b.Context(), func(s siotest.State) bool { return s.Messages == b.N }))
	reportLatency(b, took)
}

// startPair starts two nodes without flood control.
func startPair(b *testing.B) (nodes []*Node) {
	b.Helper()
	redis := redistest.Start(b)
	for i := range 2 {
		n := NewNode(b, i, redis.URL(), "", map[string]string{"MESSAGE_RATE": "0"})
		n.Start()
		n.WaitReady()
		nodes = append(nodes, n)
	}
	return nodes
}

func reportLatency(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(0, "ns/op") // the benchmark sets the pace
	for name, share := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99} {
		b.ReportMetric(float64(took[int(share*float64(len(took)-1))].Microseconds())/1000, name)
	}
}
