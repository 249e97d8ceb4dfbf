package shard

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/redis"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

const stormRooms = 60

// storm is a node that follows rooms in which another node speaks all the time.
type storm struct {
	t     *testing.T
	here  *Rooms
	rooms []*room
	sinks []*record
	sent  atomic.Int64
}

func startStorm(t *testing.T, here, there *Rooms) *storm {
	w := &storm{t: t, here: here}
	var speakers []stream.Room
	for i := range stormRooms {
		r, sink := follow(t, here, fmt.Sprint("storm", i))
		w.rooms, w.sinks = append(w.rooms, r), append(w.sinks, sink)
		speakers = append(speakers, there.Room(r.name))
	}
	ctx, stop := context.WithCancel(t.Context())
	var speaking sync.WaitGroup
	t.Cleanup(func() { stop(); speaking.Wait() })
	speaking.Go(func() {
		for ctx.Err() == nil {
			_ = speakers[rand.IntN(stormRooms)].Append(ctx, "", []byte("event"), w.stored)
			time.Sleep(2 * time.Millisecond)
		}
	})
	return w
}

func (w *storm) stored(_ stream.Offset, err error) {
	if err == nil {
		w.sent.Add(1)
	}
}

// speak waits until n more events are stored.
func (w *storm) speak(n int64) {
	w.t.Helper()
	until := w.sent.Load() + n
	assert.Eventually(w.t, "events are stored", func() bool { return w.sent.Load() >= until })
}

// agree waits until every timeline is what the stream has since the last reset.
func (w *storm) agree(what string) {
	w.t.Helper()
	began := time.Now()
	for i, r := range w.rooms {
		assert.Eventually(w.t, what+": the timeline of "+r.name+" is the stream's", func() bool {
			entries, err := r.rooms.opts.Client.XRange(context.Background(), r.stream(), "-", "+").Result()
			if err != nil {
				return false
			}
			var want []string
			for _, e := range entries {
				want = append(want, e.ID)
			}
			got := w.sinks[i].offsets()
			from := slices.Index(want, got[0])
			return from >= 0 && slices.Equal(want[from:], got)
		})
	}
	w.t.Logf("%s: agreed after %v, %d stored, %+v", what, time.Since(began), w.sent.Load(), w.here.Stats())
}

func (w *storm) unbroken(what string) {
	w.t.Helper()
	w.agree(what)
	for i, sink := range w.sinks {
		assert.Equal(w.t, what+": resets of "+w.rooms[i].name, sink.count(), 1)
	}
}

func TestP10_NoTimelineDiffersAfterAStorm(t *testing.T) {
	for _, kind := range []string{newsSharded, newsPlain} {
		t.Run(kind, func(t *testing.T) {
			cluster := redistest.StartCluster(t)
			client := redistest.NewClient(t, cluster.Addrs()...)
			assert.NoError(t, client.Set(t.Context(), "{chat}:rooms:news", kind, 0).Err())
			w := startStorm(t, start(t, Options{}, cluster.Addrs()...), start(t, Options{}, cluster.Addrs()...))
			w.speak(100)
			w.unbroken("at rest")

			for range 3 {
				for _, node := range cluster.Nodes {
					node.CLI("CLIENT", "KILL", "TYPE", "pubsub")
				}
				w.speak(50)
			}
			w.unbroken("pub/sub killed")

			for i := range 10 {
				cluster.MoveSlot(t, w.rooms[i].stream())
				w.speak(10)
			}
			w.unbroken("slots moved")

			failover(t, cluster)
			w.speak(100)
			w.unbroken("failover")

			cluster.MasterOf(t, w.rooms[20].stream()).Kill()
			w.speak(100)
			w.agree("a master killed")
		})
	}
}

// failover makes a replica take over in order.
func failover(t *testing.T, cluster *redistest.Cluster) {
	t.Helper()
	for _, node := range cluster.Nodes {
		if strings.HasPrefix(node.CLI("ROLE"), "slave") {
			node.CLI("CLUSTER", "FAILOVER")
			assert.Eventually(t, "the replica is the master", func() bool { return strings.HasPrefix(node.CLI("ROLE"), "master") })
			return
		}
	}
}

func TestP10_NoTimelineDiffersAfterAFailoverOfSentinels(t *testing.T) {
	sentinels := redistest.StartSentinels(t)
	node := func() *Rooms {
		client, err := redis.NewClient(redis.ClientOptions{Addrs: sentinels.Addrs(), SentinelMaster: sentinels.Name})
		assert.NoError(t, err)
		return startOn(t, client, Options{})
	}
	w := startStorm(t, node(), node())
	w.speak(100)
	w.unbroken("at rest")
	sentinels.Watchers[0].CLI("SENTINEL", "FAILOVER", sentinels.Name)
	assert.Eventually(t, "the replica is the master", func() bool {
		master := sentinels.Watchers[0].CLI("SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinels.Name)
		return strings.Contains(master, sentinels.Replica.Port)
	})
	w.speak(100)
	w.agree("failover")
}
