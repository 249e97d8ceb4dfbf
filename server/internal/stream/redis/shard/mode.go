package shard

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
)

// The kinds of channels, as Redis keeps the choice.
const (
	newsPlain   = "plain"   // PUBLISH, which a Cluster carries to all its servers
	newsSharded = "sharded" // SPUBLISH, which only the servers of one slot carry
)

// sharded reports whether the nodes send the news of rooms by SPUBLISH rather than by PUBLISH. The node that asks first
// decides for all, for ever: Redis keeps the choice. Once it is known, sharded does no I/O.
func (s *Rooms) sharded(ctx context.Context) (bool, error) {
	if known := s.newsBy.Load(); known != nil {
		return *known == newsSharded, nil
	}
	key := redisx.Key(s.opts.Key, "rooms:news")
	choice, err := s.opts.Client.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) {
		choice, err = s.choose(ctx, key)
	}
	switch {
	case err != nil:
		return false, err
	case choice != newsPlain && choice != newsSharded:
		return false, fmt.Errorf("%s is %.20q, neither %s nor %s", key, choice, newsPlain, newsSharded)
	}
	s.newsBy.Store(&choice)
	return choice == newsSharded, nil
}

// choose makes the choice, unless another node is faster, and returns it.
func (s *Rooms) choose(ctx context.Context, key string) (string, error) {
	offered, err := s.shardedOffered(ctx)
	if err != nil {
		return "", err
	}
	choice := newsPlain
	if offered {
		choice = newsSharded
	}
	err = s.opts.Client.SetArgs(ctx, key, choice, redis.SetArgs{Mode: "NX"}).Err()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", err
	}
	return s.opts.Client.Get(ctx, key).Result()
}

// shardedOffered reports whether Redis is a Cluster all of whose masters know channels of a slot: Redis 7, Valkey. A server
// that refuses to tell is taken for one that does not.
func (s *Rooms) shardedOffered(ctx context.Context) (bool, error) {
	cluster, ok := s.opts.Client.(interface {
		ForEachMaster(ctx context.Context, fn func(context.Context, *redis.Client) error) error
	})
	if !ok {
		return false, nil
	}
	var offered, missing atomic.Bool
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
		knows, err := knowsShards(ctx, master)
		var refusal redis.Error
		switch {
		case errors.As(err, &refusal) && !redis.HasErrorPrefix(err, "LOADING"):
			missing.Store(true)
		case err != nil:
			return err
		case knows:
			offered.Store(true)
		default:
			missing.Store(true)
		}
		return nil
	})
	return offered.Load() && !missing.Load(), err
}

// knowsShards asks one server. One that is not of a Cluster answers with a refusal.
func knowsShards(ctx context.Context, master *redis.Client) (bool, error) {
	if err := master.ClusterInfo(ctx).Err(); err != nil {
		return false, err
	}
	known, err := master.Do(ctx, "command", "info", "ssubscribe").Slice()
	return len(known) == 1 && known[0] != nil, err
}
