package shard

import (
	"context"
	_ "embed"
	"errors"

	goredis "github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/redis"
)

// readsAtOnce is how many calls of Last and After may read one master at a time; more wait.
const readsAtOnce = 8

//go:embed open.lua
var openLua string

// Last implements [stream.Room]. It reads the master that has the room, and waits while too many others do.
func (r *room) Last(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	if n <= 0 {
		return nil, nil
	}
	s := r.rooms
	entries, err := redis.WhileOpen(ctx, s.ended, func(ctx context.Context) ([]stream.Entry, error) {
		return s.last(ctx, r, before, n)
	})
	if err == nil && before.IsZero() {
		s.saw(r, entries[len(entries)-1].Offset)
	}
	return entries, err
}

// After implements [stream.Room]. It reads the master that has the room, and waits while too many others do.
func (r *room) After(ctx context.Context, after stream.Offset, n int) ([]stream.Entry, error) {
	if n <= 0 {
		return nil, nil
	}
	s := r.rooms
	return redis.WhileOpen(ctx, s.ended, func(ctx context.Context) ([]stream.Entry, error) {
		done, err := s.turn(ctx, r)
		if err != nil {
			return nil, err
		}
		defer done()
		entries, err := redis.Oldest(ctx, s.opts.Client, r.stream(), after, n)
		if err == nil && len(entries) == 0 {
			entries, err = s.readGenesis(ctx, r, func(o stream.Offset) bool { return o.Compare(after) > 0 })
		}
		return entries, err
	})
}

// turn waits until a read of the master that has the room may begin. The caller calls done after it.
func (s *Rooms) turn(ctx context.Context, r *room) (done func(), err error) {
	w, err := redisx.Within(ctx, redisx.ExchangeTimeout, func(ctx context.Context) (*sender, error) {
		master, err := s.master(ctx, r)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.senderLocked(master), nil
	})
	if err != nil {
		return nil, err
	}
	select {
	case w.reads <- struct{}{}:
		return func() { <-w.reads }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// last reads the newest entries, in turn.
func (s *Rooms) last(ctx context.Context, r *room, before stream.Offset, n int) ([]stream.Entry, error) {
	done, err := s.turn(ctx, r)
	if err != nil {
		return nil, err
	}
	defer done()
	for range 3 {
		entries, err := redis.Newest(ctx, s.opts.Client, r.stream(), before, n)
		if err == nil && len(entries) == 0 {
			entries, err = s.readGenesis(ctx, r, func(o stream.Offset) bool { return before.IsZero() || o.Compare(before) < 0 })
		}
		if err != nil || len(entries) > 0 || !before.IsZero() {
			return entries, err
		}
		if err := s.createGenesis(ctx, r); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("flushed in this moment")
}

// readGenesis returns the genesis entry of a silent room, if it is wanted.
func (s *Rooms) readGenesis(ctx context.Context, r *room, wanted func(stream.Offset) bool) ([]stream.Entry, error) {
	id, err := redisx.Within(ctx, redisx.ExchangeTimeout, func(ctx context.Context) (string, error) {
		return s.opts.Client.Get(ctx, r.genesis()).Result()
	})
	if errors.Is(err, goredis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	offset, err := stream.ParseOffset(id)
	if err != nil || !wanted(offset) {
		return nil, err
	}
	return []stream.Entry{{Offset: offset}}, nil
}

// createGenesis makes sure that the room has an entry.
func (s *Rooms) createGenesis(ctx context.Context, r *room) error {
	s.mu.Lock()
	newest := r.appends.newest
	s.mu.Unlock()
	_, err := redisx.Within(ctx, redisx.ExchangeTimeout, func(ctx context.Context) (any, error) {
		return s.opts.Client.Eval(ctx, openLua, []string{r.stream(), r.genesis()},
			"", 1, 1, s.opts.TTL().Milliseconds(), newest.Ms, newest.Seq).Result()
	})
	return err
}

// saw notes that an entry with this offset exists.
func (s *Rooms) saw(r *room, o stream.Offset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Compare(r.appends.newest) > 0 {
		r.appends.newest = o
	}
}
