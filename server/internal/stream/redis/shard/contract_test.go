package shard

import (
	"context"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/streamtest"
	"scalable-chat/server/internal/test/assert"
)

func TestContract(t *testing.T) {
	for kind, launch := range kinds {
		t.Run(kind, func(t *testing.T) {
			addrs := launch(t)
			streamtest.RunRooms(t, func(t *testing.T) streamtest.RoomsHarness {
				queue := Options{QueueRecords: 1 << 16, QueueBytes: 1 << 28}
				here, there := start(t, queue, addrs...), start(t, queue, addrs...)
				forget(t, here, "*")
				return streamtest.RoomsHarness{
					Nodes: []stream.Rooms{here, there},
					Trim: func(name string, keep int) {
						key := here.Room(name).(*room).stream()
						assert.NoError(t, here.opts.Client.XTrimMaxLen(t.Context(), key, int64(keep)).Err())
					},
					Flush:  func(name string) { forget(t, here, here.Room(name).(*room).tag()+"*") },
					Expire: func() { forget(t, here, "*:keys:*") },
				}
			})
		})
	}
}

// forget removes all keys that match a pattern.
func forget(t *testing.T, s *Rooms, pattern string) {
	t.Helper()
	remove := func(ctx context.Context, master *goredis.Client) error {
		keys, err := master.Keys(ctx, pattern).Result()
		for _, key := range keys {
			if err == nil {
				err = master.Del(ctx, key).Err()
			}
		}
		return err
	}
	cluster, ok := s.opts.Client.(interface {
		ForEachMaster(ctx context.Context, fn func(context.Context, *goredis.Client) error) error
	})
	if ok {
		assert.NoError(t, cluster.ForEachMaster(t.Context(), remove))
	} else {
		assert.NoError(t, remove(t.Context(), s.opts.Client.(*goredis.Client)))
	}
}
