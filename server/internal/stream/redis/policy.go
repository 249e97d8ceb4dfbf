package redis

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
)

// EvictionPolicy returns the maxmemory-policy of the server that holds the stream. It is empty if the server does not tell
// or does not let our user ask. Any policy but noeviction may lose the stream or the ids of messages.
func (s *Stream) EvictionPolicy(ctx context.Context) (string, error) {
	info, err := redisx.Within(ctx, commandLimit, func(ctx context.Context) (string, error) {
		server, err := s.server(ctx)
		if err != nil {
			return "", err
		}
		return server.Info(ctx, "memory").Result()
	})
	if redis.HasErrorPrefix(err, "NOPERM") || redis.HasErrorPrefix(err, "unknown command") {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(info) {
		if policy, ok := strings.CutPrefix(line, "maxmemory_policy:"); ok {
			return strings.TrimSpace(policy), nil
		}
	}
	return "", nil
}

// server returns a client of the server that holds the stream: in a Cluster, commands without a key go to any node.
func (s *Stream) server(ctx context.Context) (redis.Cmdable, error) {
	cluster, ok := s.opts.Client.(interface {
		MasterForKey(ctx context.Context, key string) (*redis.Client, error)
	})
	if !ok {
		return s.opts.Client, nil
	}
	return cluster.MasterForKey(ctx, s.opts.Key)
}
