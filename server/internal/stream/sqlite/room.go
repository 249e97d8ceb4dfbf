package sqlite

import (
	"context"
	"sync/atomic"

	"scalable-chat/server/internal/stream"
)

// Global is the name of the global room, which is no name of another room.
const Global = ""

// room is an open [record].
type room struct {
	*record
	closed atomic.Bool
}

var _ stream.Room = (*room)(nil)

// Room implements [stream.Rooms]. The name may also be [Global]. It panics if a room with this name is open.
func (s *Store) Room(name string) stream.Room {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[name]
	if r == nil {
		r = &record{store: s, name: name}
		s.rooms[name] = r
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isOpen {
		panic("sqlite: the room " + name + " is open already")
	}
	r.isOpen = true
	return &room{record: r}
}

// dropIfUnused forgets a room that is closed and has reported all appends.
func (s *Store) dropIfUnused(r *record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.isOpen && r.queued == 0 && s.rooms[r.name] == r {
		delete(s.rooms, r.name)
	}
}

// Append is [stream.Stream.Append]. It also blocks while the first append of an opened room reads the recent keys.
func (r *room) Append(ctx context.Context, key string, event []byte, done func(stream.Offset, error)) error {
	if r.closed.Load() {
		return stream.ErrClosed
	}
	return r.append(ctx, key, event, done)
}

// Last is [stream.Stream.Last].
func (r *room) Last(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	if r.closed.Load() {
		return nil, stream.ErrClosed
	}
	return r.newest(ctx, before, n)
}

// After is [stream.Stream.After].
func (r *room) After(ctx context.Context, after stream.Offset, n int) ([]stream.Entry, error) {
	if r.closed.Load() {
		return nil, stream.ErrClosed
	}
	return r.oldest(ctx, after, n)
}

// Follow implements [stream.Room].
func (r *room) Follow(tail int, sink stream.Sink) {
	r.change(func() { r.sink, r.tail, r.begun = sink, max(tail, 1), false })
}

// SetMembers implements [stream.Room]. A single node has all members of a room.
func (r *room) SetMembers(n int) {
	r.change(func() {
		if !r.closed.Load() {
			r.members = n
		}
	})
}

// Publish implements [stream.Room]: there is no other node.
func (r *room) Publish([]byte) {}

// Close implements [stream.Room]. It waits for a call of the sink.
func (r *room) Close() {
	if r.closed.Swap(true) {
		return
	}
	r.end()
	r.store.dropIfUnused(r.record)
}

// end takes the sink away.
func (r *record) end() {
	r.calling.Lock()
	defer r.calling.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sink, r.members, r.told, r.isOpen = nil, 0, 0, false
}

// online is how many members the room has.
func (r *record) online() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.members
}
