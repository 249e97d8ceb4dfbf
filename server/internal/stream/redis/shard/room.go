package shard

import (
	"context"

	"scalable-chat/server/internal/stream"
)

var _ stream.Room = (*room)(nil)

// room is the handle of one room. Tens of thousands may be open: it keeps no name of a key, and nothing that a silent room
// does not need.
type room struct {
	rooms *Rooms
	name  string
}

// Append implements [stream.Room]. A full queue is [stream.ErrUnavailable] at once.
func (r *room) Append(ctx context.Context, key string, event []byte, done func(stream.Offset, error)) error {
	return stream.ErrUnavailable
}

// Last implements [stream.Room]. It reads the master.
func (r *room) Last(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	return r.rooms.newest(ctx, r, before, n)
}

// Follow implements [stream.Room].
func (r *room) Follow(tail int, sink stream.Sink) { r.rooms.follower.open(r, tail, sink) }

// Publish implements [stream.Room].
func (r *room) Publish(message []byte) { r.rooms.follower.publish(r, message) }

// SetMembers implements [stream.Room].
func (r *room) SetMembers(n int) {}

// Close implements [stream.Room].
func (r *room) Close() { r.rooms.follower.close(r) }
