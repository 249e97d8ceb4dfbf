package shard

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// sharded reports whether the nodes send the news of rooms on channels of a slot, by SPUBLISH, rather than by PUBLISH.
func (s *Rooms) sharded(ctx context.Context) (bool, error) {
	_, cluster := s.opts.Client.(*redis.ClusterClient)
	return cluster, nil
}
