package memory

import (
	"context"
	"sync"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/dedupe"
)

var _ stream.Room = (*room)(nil)

// room is the record of an open room. Whoever drains the outcomes of its stream also calls the sink, so that there is one
// call at a time.
type room struct {
	rooms  *Rooms
	name   string
	stream *Stream

	calling sync.Mutex // held during a call of the sink; taken before stream.mu
	batch   []stream.Entry

	// Guarded by stream.mu.
	sink    stream.Sink // nil before Follow and after Close
	tail    int
	begun   bool   // the sink has had its first Reset
	next    uint64 // number of the entry to hand out next
	members int
	told    int   // the members that the sink knows
	size    int64 // what the record counts in rooms.bytes
}

// Append is [stream.Stream.Append].
func (r *room) Append(ctx context.Context, key string, event []byte, done func(stream.Offset, error)) error {
	return r.stream.Append(ctx, key, event, done)
}

// Last is [stream.Stream.Last].
func (r *room) Last(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	return r.stream.Last(ctx, before, n)
}

// After is [stream.Stream.After].
func (r *room) After(ctx context.Context, after stream.Offset, n int) ([]stream.Entry, error) {
	return r.stream.After(ctx, after, n)
}

// Follow implements [stream.Room].
func (r *room) Follow(tail int, sink stream.Sink) {
	r.change(func() { r.sink, r.tail = sink, max(tail, 1) })
}

// SetMembers implements [stream.Room]. A single node has all members of a room.
func (r *room) SetMembers(n int) {
	r.change(func() { r.members = n })
}

// Publish implements [stream.Room]: there is no other node.
func (r *room) Publish([]byte) {}

// change makes a change that the sink has to know, and has it told, in a goroutine of that moment.
func (r *room) change(f func()) {
	s := r.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	f()
	if r.dueLocked() && !s.draining {
		s.draining = true
		go s.drain()
	}
}

// Close implements [stream.Room].
func (r *room) Close() {
	if r.end() {
		r.rooms.keep(r)
	}
}

// end waits for a call of the sink. It is false if the room has ended already.
func (r *room) end() bool {
	r.calling.Lock()
	defer r.calling.Unlock()
	s := r.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	close(s.ended)
	r.sink, r.members = nil, 0
	return true
}

// online is how many members the room has.
func (r *room) online() int {
	r.stream.mu.Lock()
	defer r.stream.mu.Unlock()
	return r.members
}

// dueLocked reports whether there is something to hand out. A stream without a room has nothing.
func (r *room) dueLocked() bool {
	return r != nil && r.sink != nil && (!r.begun || r.next < r.stream.end() || r.told != r.members)
}

// hand gives the sink what is due.
func (r *room) hand() {
	r.calling.Lock()
	defer r.calling.Unlock()
	s := r.stream
	s.mu.Lock()
	sink, members := r.sink, r.members
	reset := sink != nil && (!r.begun || r.next < s.first) // a closed room's record may be another's by now
	changed := r.told != members
	if sink != nil {
		r.takeLocked(reset)
		r.told = members
	}
	s.mu.Unlock()
	if sink == nil {
		return
	}
	switch {
	case reset:
		sink.Reset(r.batch)
	case len(r.batch) > 0:
		sink.Deliver(r.batch)
	}
	if changed {
		sink.Members(members)
	}
	clear(r.batch) // so that a silent room keeps no event alive
	if r.batch = r.batch[:0]; cap(r.batch) > maxSpareBatch {
		r.batch = nil
	}
}

// maxSpareBatch is the largest batch whose memory a room keeps, in entries.
const maxSpareBatch = 8

// takeLocked makes the batch that the sink gets next.
func (r *room) takeLocked(reset bool) {
	s := r.stream
	if reset {
		r.begun, r.next = true, s.end()
		r.batch = append(r.batch, s.last(stream.Offset{}, r.tail)...)
		return
	}
	r.batch = s.copyTo(r.batch, int(r.next-s.first), maxBatch)
	r.next += uint64(len(r.batch))
}

// countLocked notes what the record takes.
func (r *room) countLocked() {
	if r == nil {
		return
	}
	s := r.stream
	size := int64(s.bytes + dedupe.Overhead*s.keys.Len() + roomOverhead)
	r.rooms.bytes.Add(size - r.size)
	r.size = size
}

// fit makes the records fit into their bound: closed rooms go first, then the oldest entries of this one that the sink has,
// beyond its share.
func (r *room) fit() {
	if r == nil || !r.rooms.isOver() {
		return
	}
	r.rooms.makeRoom()
	s := r.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && r.rooms.isOver() && r.size > r.rooms.share() && s.entries.Len() > 1 && (r.sink == nil || s.first < r.next) {
		s.forget()
		r.countLocked()
	}
}
