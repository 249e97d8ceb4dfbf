package app

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/stream/redis"
	"scalable-chat/server/internal/stream/redis/shard"
)

// Redis is asked for the rights of our user again and again: they can change at any time, and a new master may have a list of
// its own.
const (
	rightsInterval = 30 * time.Second
	rightsRetry    = time.Second // while some are missing, or Redis gives no answer
)

// rights watches which rights our Redis user lacks.
type rights struct {
	record *redis.Stream
	bus    *bus.Redis
	rooms  *shard.Rooms // nil: none
	log    *slog.Logger

	missing atomic.Pointer[string] // the rules, separated by spaces; nil: none
}

// degraded says what is missing, for the health report; "" if nothing is.
func (r *rights) degraded() string {
	missing := r.missing.Load()
	if missing == nil {
		return ""
	}
	return "the user of Redis lacks " + *missing
}

// run asks Redis at intervals until ctx ends.
func (r *rights) run(ctx context.Context) {
	for ctx.Err() == nil {
		rules, err := r.ask(ctx)
		wait := rightsInterval
		if err != nil || len(rules) > 0 {
			wait = rightsRetry
		}
		if err == nil {
			r.note(strings.Join(rules, " "))
		}
		_ = pace.Sleep(ctx, wait)
	}
}

// ask returns the rules that are missing.
func (r *rights) ask(ctx context.Context) ([]string, error) {
	uses := redis.Uses{Channels: r.bus.Channels(), Notice: r.bus.Notice(), Rooms: r.rooms != nil}
	if r.rooms != nil {
		uses.Sharded = r.rooms.Sharded()
	}
	return r.record.MissingRights(ctx, uses)
}

// note logs what has changed.
func (r *rights) note(missing string) {
	var was string
	if before := r.missing.Load(); before != nil {
		was = *before
	}
	switch {
	case missing == was:
	case missing == "":
		r.missing.Store(nil)
		r.log.Info("the user of Redis has all rights")
	default:
		r.missing.Store(&missing)
		r.log.Error("the user of Redis lacks rights; add them by ACL SETUSER", "missing", missing)
	}
}
