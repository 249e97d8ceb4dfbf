package shard

import (
	"sync/atomic"

	"scalable-chat/server/internal/stream"
)

var _ stream.Room = (*room)(nil)

// room is the handle of one room. Tens of thousands may be open: it keeps no name of a key, and nothing that a silent room
// does not need.
type room struct {
	rooms *Rooms
	name  string

	appends appends
	members membership
	feed    atomic.Pointer[feed] // nil before Follow
}

// Follow implements [stream.Room].
func (r *room) Follow(tail int, sink stream.Sink) { r.rooms.feeds.open(r, tail, sink) }

// Publish implements [stream.Room].
func (r *room) Publish(message []byte) { r.rooms.feeds.publish(r, message) }

// Close implements [stream.Room].
func (r *room) Close() {
	r.rooms.feeds.close(r)
	r.rooms.census.leave(r)
}
