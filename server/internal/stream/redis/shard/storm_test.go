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
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

const stormRooms = 60

// storm is a node that follows rooms in which another node speaks all the time.
type storm struct {
	t       *testing.T
	cluster *redistest.Cluster
	here    *Rooms
	rooms   []*room
	sinks   []*record
	sent    atomic.Int64
}

func startStorm(t *testing.T) *storm {
	w := &storm{t: t, cluster: redistest.StartCluster(t)}
	w.here = start(t, Options{}, w.cluster.Addrs()...)
	there := start(t, Options{}, w.cluster.Addrs()...)
	var speakers []stream.Room
	for i := range stormRooms {
		r, sink := follow(t, w.here, fmt.Sprint("storm", i))
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
	w := startStorm(t)
	w.speak(100)
	w.unbroken("at rest")

	for range 3 {
		for _, node := range w.cluster.Nodes {
			node.CLI("CLIENT", "KILL", "TYPE", "pubsub")
		}
		w.speak(50)
	}
	w.unbroken("pub/sub killed")

	for i := range 10 {
		w.cluster.MoveSlot(t, w.rooms[i].stream())
		w.speak(10)
	}
	w.unbroken("slots moved")

	w.failover()
	w.speak(100)
	w.unbroken("failover")

	w.cluster.MasterOf(t, w.rooms[20].stream()).Kill()
	w.speak(100)
	w.agree("a master killed")
}

// failover makes a replica take over in order.
func (w *storm) failover() {
	for _, node := range w.cluster.Nodes {
		if strings.Contains(node.CLI("ROLE"), "slave") {
			node.CLI("CLUSTER", "FAILOVER")
			assert.Eventually(w.t, "the replica is the master", func() bool { return strings.Contains(node.CLI("ROLE"), "master") })
			return
		}
	}
}
