package cluster

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
)

// secret is what all nodes share: given by the operator, or made by the first node and kept in Redis.
type secret struct {
	key     string // in Redis; empty: the operator gave it
	name    string // in the log
	changed func(string)
	value   atomic.Pointer[string] // empty until it is known
}

// newSecret makes a secret that the operator may have given. changed, which may be nil, is told each new value.
func newSecret(given, streamKey, name string, changed func(string)) *secret {
	s := &secret{name: name, changed: changed}
	if s.value.Store(&given); given == "" {
		s.key = redisx.Key(streamKey, name)
	}
	return s
}

func (s *secret) get() string { return *s.value.Load() }

// share offers our value, or a new one, and asks for the one that counts. It is written again each time, so that a Redis that
// lost its data has it back. It returns nil for a value that the operator gave.
func (s *secret) share(ctx context.Context, pipe redis.Pipeliner) *redis.StringCmd {
	if s.key == "" {
		return nil
	}
	offer := s.get()
	if offer == "" {
		offer = rand.Text() + rand.Text()
	}
	pipe.SetArgs(ctx, s.key, offer, redis.SetArgs{Mode: "NX"})
	return pipe.Get(ctx, s.key)
}

// adopt takes the answer to share.
func (s *secret) adopt(answer *redis.StringCmd, log *slog.Logger) {
	if answer == nil || answer.Err() != nil {
		return
	}
	now, was := answer.Val(), s.get()
	if was == now {
		return
	}
	s.value.Store(&now)
	if was != "" {
		log.Warn("cluster secret changed", "secret", s.name)
	}
	if s.changed != nil {
		s.changed(now)
	}
}
