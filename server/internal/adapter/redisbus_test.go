package adapter

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// joinRedis runs a bus until the test ends.
func joinRedis(t *testing.T, r *redistest.Server) *bus.Redis {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: r.Addr, ContextTimeoutEnabled: true, MaxRetries: -1, Protocol: 2, DisableIdentity: true})
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	b := bus.New(bus.Config{Client: client, Key: "test", ID: nodeid.New(), Log: quiet})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { b.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		_ = client.Close()
	})
	return b
}

func TestClusterOverRedis(t *testing.T) {
	r, shared := redistest.Start(t), memory.New(memory.Options{})
	var nodes []*peer
	var buses []*bus.Redis
	for range 2 {
		b := joinRedis(t, r)
		buses = append(buses, b)
		nodes = append(nodes, newPeer(t, shared, b, func() int { return 2 }))
	}
	for i, bus := range buses { // until both hear
		assert.Eventually(t, "the bus is subscribed", func() bool {
			_ = buses[1-i].Publish("hello", nil)
			return bus.Stats().Received > 0
		})
	}
	a, b := nodes[0].dial("/", ""), nodes[1].dial("/", "")
	nodes[0].io.SocketsJoin("r")
	assert.NoError(t, nodes[0].io.To("r").Emit("room", []byte("binary")))
	for _, c := range []*remote{a, b} {
		c.want(`451-["room",{"_placeholder":true,"num":0}]`, "binary")
	}
	found, err := fetch(t, nodes[0].io.In("r").Except(a.room))
	assert.NoError(t, err)
	assert.Equal(t, "found", len(found), 1)
	assert.Equal(t, "found", string(found[0].Id()), b.sid)

	outcomes := ask(t, nodes[0].io.Timeout(patience))
	for _, c := range []*remote{a, b} {
		c.send("43" + c.question(`["ask"]`) + `["yes"]`)
	}
	o := await(t, "answers", outcomes)
	assert.NoError(t, o.err)
	assert.Equal(t, "answers", o.sorted(), "[yes yes]")
	nodes[1].typing(b.sid, typingNotice{Username: "B", ID: b.sid, Typing: true})
	a.want(`42["typing",{"username":"B","id":"` + b.sid + `","typing":true}]`)

	r.Stop()
	defer r.Cont()
	if _, err := fetch(t, nodes[0].io.Timeout(50*time.Millisecond)); err == nil {
		t.Error("Redis is away, and everybody answered")
	}
	assert.NoError(t, nodes[0].io.To("r").Emit("here all the same"))
	a.want(`42["here all the same",null]`)
}
