package shard

import (
	"context"
	"errors"

	goredis "github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
)

var errMasters = errors.New("a client that does not name its masters")

// master returns the client of the master that has the room, as far as is known.
func (s *Rooms) master(ctx context.Context, r *room) (*goredis.Client, error) {
	switch client := s.opts.Client.(type) {
	case interface {
		MasterForKey(ctx context.Context, key string) (*goredis.Client, error)
	}:
		return client.MasterForKey(ctx, r.stream())
	case *goredis.Client:
		return client, nil
	default:
		return nil, errMasters
	}
}

// reload has the client ask which master has what. It does not wait for the answer.
func (s *Rooms) reload(ctx context.Context) {
	if cluster, ok := s.opts.Client.(interface{ ReloadState(ctx context.Context) }); ok {
		cluster.ReloadState(ctx)
	}
}

// masters returns the masters of all these rooms. When it returns for the first time without an error, it is also known by
// which kind of channel news is sent.
func (s *Rooms) masters(ctx context.Context, rooms []*room) ([]*goredis.Client, error) {
	return redisx.Within(ctx, redisx.ExchangeTimeout, func(ctx context.Context) ([]*goredis.Client, error) {
		if _, err := s.sharded(ctx); err != nil {
			return nil, err
		}
		var err error
		masters := make([]*goredis.Client, len(rooms))
		for i, r := range rooms {
			if masters[i], err = s.master(ctx, r); err != nil {
				return nil, err
			}
		}
		return masters, nil
	})
}

// publishCommand is what publishes the news of rooms, once the first master is known.
func (s *Rooms) publishCommand() string {
	if s.Sharded() {
		return "SPUBLISH"
	}
	return "PUBLISH"
}

// resolve is the exchange of the router: it finds the masters of the rooms.
func (s *Rooms) resolve(ctx context.Context, rooms []*room) []result {
	masters, err := s.masters(ctx, rooms)
	results := make([]result, len(rooms))
	for i := range results {
		if err != nil {
			results[i].err = err
		} else {
			results[i].master = masters[i]
		}
	}
	return results
}

// senderLocked returns the sender of a master, and makes it if there is none.
func (s *Rooms) senderLocked(master *goredis.Client) *sender {
	addr := master.Options().Addr
	w := s.senders[addr]
	if w == nil { // or it has retired
		w = s.newSender(master)
		s.senders[addr] = w
		s.parts.Go(func() { w.run(s.ended) })
	}
	w.master = master // the client makes a new one after a server was away
	return w
}

// hand gives a room from the router to the sender of its master.
func (s *Rooms) hand(r *room, master *goredis.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.senderLocked(master)
	r.appends.moveLocked(w)
	w.due = append(w.due, r)
	kick(w.wake)
}

// reroute gives rooms to the router.
func (s *Rooms) reroute(rooms []*room) {
	if len(rooms) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.router.due = append(s.router.due, rooms...)
	kick(s.router.wake)
}

// kick wakes a goroutine.
func kick(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
