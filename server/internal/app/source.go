package app

import (
	"context"
	"sync"

	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/stream"
)

// source is where the entries of the global room come from.
type source struct {
	stream.Record
	// load fills the replica with the newest entries. It blocks until that is done or ctx ends.
	load func(ctx context.Context, r *replica.Replica) error
	// follow gives the replica all later entries, until ctx ends or the record is closed, and returns that error.
	follow func(ctx context.Context, r *replica.Replica) error
	// since is [replica.Options.Since].
	since func() stream.Offset
}

// fromStream is a source that the replica follows itself.
func fromStream(s stream.Stream) source {
	return source{
		Record: s,
		load:   func(ctx context.Context, r *replica.Replica) error { return r.Load(ctx) },
		follow: func(ctx context.Context, r *replica.Replica) error { return r.Run(ctx, s) },
	}
}

// fromRoom is a source that hands its entries out, the newest ones first, at most so many.
func fromRoom(room stream.Room, tail int) source {
	return source{
		Record: room,
		load: func(ctx context.Context, r *replica.Replica) error {
			to := &loading{Replica: r, loaded: make(chan struct{})}
			room.Follow(tail, to)
			select {
			case <-to.loaded:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
		follow: func(ctx context.Context, _ *replica.Replica) error {
			<-ctx.Done()
			return ctx.Err()
		},
	}
}

// loading is a replica of the global room as the sink of its record. There are no other nodes.
type loading struct {
	*replica.Replica
	once   sync.Once
	loaded chan struct{}
}

// Reset implements [stream.Sink].
func (l *loading) Reset(entries []stream.Entry) {
	l.Replica.Reset(entries)
	l.once.Do(func() { close(l.loaded) })
}

// Message implements [stream.Sink].
func (*loading) Message([]byte) {}

// Members implements [stream.Sink].
func (*loading) Members(int) {}
