package redis

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// TestEachExchangeIsMeasuredOnce with every kind of client, but no read that waits.
func TestEachExchangeIsMeasuredOnce(t *testing.T) {
	server, nodes := redistest.Start(t), redistest.StartMasters(t)
	for kind, o := range map[string]ClientOptions{
		"one server": {Addrs: []string{server.Addr}, Single: true}, "one address": {Addrs: []string{server.Addr}},
		"a cluster by one address": {Addrs: nodes.Addrs()[:1]}, "a cluster": {Addrs: nodes.Addrs()},
	} {
		var seen, short atomic.Int64
		o.Observe = func(took time.Duration) {
			seen.Add(1)
			if took <= 0 {
				short.Add(1)
			}
		}
		client, err := NewClient(o)
		assert.NoError(t, err)
		two := func(p redis.Pipeliner) error {
			p.Set(t.Context(), "{k}", "v", 0)
			return p.Get(t.Context(), "{k}").Err()
		}
		_, err = client.Pipelined(t.Context(), two)                               // connects, and asks what there is
		assert.NoError(t, errors.Join(err, client.Get(t.Context(), "{k}").Err())) // on a connection of its own
		before := seen.Load()
		assert.NoError(t, client.Get(t.Context(), "{k}").Err())
		assert.Equal(t, kind+": a command", seen.Load()-before, 1)
		_, err = client.Pipelined(t.Context(), two)
		assert.NoError(t, err)
		assert.Equal(t, kind+": a pipeline", seen.Load()-before, 2)
		_ = client.XRead(t.Context(), &redis.XReadArgs{Streams: []string{"{k}:stream", "$"}, Block: time.Millisecond})
		assert.Equal(t, kind+": a read that waits", seen.Load()-before, 2)
		assert.Equal(t, kind+": took no time", short.Load(), 0)
		_ = client.Close()
	}
}

func TestAFailureIsMeasured(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	assert.NoError(t, nobody.Close())
	var seen atomic.Int64
	client, err := NewClient(ClientOptions{Addrs: []string{nobody.Addr().String()}, Single: true, Observe: func(time.Duration) { seen.Add(1) }})
	assert.NoError(t, err)
	defer client.Close()
	assert.Equal(t, "fails", client.Ping(t.Context()).Err() != nil, true)
	assert.Equal(t, "exchanges", seen.Load(), 1)
}
