package shard

import (
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
}

// Follow implements [stream.Room].
func (r *room) Follow(tail int, sink stream.Sink) { r.rooms.follower.open(r, tail, sink) }

// Publish implements [stream.Room].
func (r *room) Publish(message []byte) { r.rooms.follower.publish(r, message) }

// Close implements [stream.Room].
func (r *room) Close() {
	r.rooms.follower.close(r)
	r.rooms.census.leave(r)
}
