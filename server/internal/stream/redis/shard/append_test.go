package shard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/redis"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// start makes the rooms of a node on the servers with these addresses, and closes them with the test.
func start(t testing.TB, opts Options, addrs ...string) *Rooms {
	t.Helper()
	client, err := redis.NewClient(redis.ClientOptions{Addrs: addrs})
	assert.NoError(t, err)
	return startOn(t, client, opts)
}

// startOn is start with a client, which it closes too.
func startOn(t testing.TB, client redis.Client, opts Options) *Rooms {
	t.Helper()
	opts.Client, opts.Key, opts.Node = client, "chat", nodeid.New()
	if opts.Alive == nil {
		opts.Alive = func(string) bool { return true }
	}
	opts.Window, opts.TTL = func() int { return 10_000 }, func() time.Duration { return time.Hour }
	opts.DedupeTTL, opts.DedupeMax = cmp.Or(opts.DedupeTTL, 10*time.Minute), cmp.Or(opts.DedupeMax, 100_000)
	opts.AppendTimeout = cmp.Or(opts.AppendTimeout, 20*time.Second)
	opts.Logger = slog.New(slog.DiscardHandler)
	s, err := New(opts)
	assert.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Close(ctx)
		_ = client.Close()
	})
	return s
}

// outcomes are those of appends, in the order in which they came.
type outcomes struct {
	mu      sync.Mutex
	offsets []stream.Offset
	errs    []error
}

// done returns a callback for the next append.
func (o *outcomes) done(offset stream.Offset, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.offsets, o.errs = append(o.offsets, offset), append(o.errs, err)
}

func (o *outcomes) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.errs)
}

// stored waits for n outcomes, all of which are offsets.
func (o *outcomes) stored(t testing.TB, n int) []stream.Offset {
	t.Helper()
	assert.Eventually(t, fmt.Sprint(n, " outcomes"), func() bool { return o.count() == n })
	assert.NoError(t, errors.Join(o.errs...))
	return o.offsets
}

// events are those of a room, in one line, without the genesis.
func events(t testing.TB, r stream.Room) string {
	t.Helper()
	entries, err := r.Last(t.Context(), stream.Offset{}, 100_000)
	assert.NoError(t, err)
	var all []string
	for _, e := range entries[1:] {
		all = append(all, string(e.Event))
	}
	return strings.Join(all, " ")
}

// say appends events to a room.
func say(t testing.TB, r stream.Room, o *outcomes, events ...string) {
	t.Helper()
	for _, event := range events {
		assert.NoError(t, r.Append(t.Context(), event, []byte(event), o.done))
	}
}

// kinds starts each kind of Redis.
var kinds = map[string]func(testing.TB) []string{
	"one server":        func(t testing.TB) []string { return []string{redistest.Start(t).Addr} },
	"a Cluster":         func(t testing.TB) []string { return redistest.StartMasters(t).Addrs() },
	"a Cluster's entry": func(t testing.TB) []string { return redistest.StartMasters(t).Addrs()[:1] },
}

func TestP10_EachRoomHasItsOrder(t *testing.T) {
	for kind, launch := range kinds {
		t.Run(kind, func(t *testing.T) {
			const rooms, each = 50, 40
			s := start(t, Options{}, launch(t)...)
			var sent [rooms]outcomes
			var handles [rooms]stream.Room
			var want []string
			for n := range each {
				want = append(want, fmt.Sprint("event-", n))
				for i := range rooms {
					if n == 0 {
						handles[i] = s.Room(fmt.Sprint("room-", i))
					}
					say(t, handles[i], &sent[i], want[n])
				}
			}
			for i, r := range handles {
				got := sent[i].stored(t, each)
				entries, err := r.Last(t.Context(), stream.Offset{}, each)
				assert.NoError(t, err)
				for n, e := range entries {
					assert.Equal(t, "offset", got[n], e.Offset)
				}
				assert.Equal(t, "events", events(t, r), strings.Join(want, " "))
			}
		})
	}
}
