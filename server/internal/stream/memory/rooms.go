package memory

import (
	"container/list"
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/stream"
)

var _ stream.Rooms = (*Rooms)(nil)

// RoomsOptions bound [Rooms]. A zero field is no bound.
type RoomsOptions struct {
	// Room bounds the record of each room.
	Room Options
	// MaxBytes bounds all records together. Beyond it, closed rooms are forgotten, then an open room that grows drops its
	// own oldest entries, down to an equal share. Rooms that have less than their share drop nothing, so that all together
	// may take up to twice as much.
	MaxBytes int
	// MaxClosed bounds the number of closed rooms whose records are kept.
	MaxClosed int
	// TTL is how long the record of a closed room is kept.
	TTL time.Duration
}

// roomOverhead is what a room costs beyond its events and keys, in bytes.
const roomOverhead = 2 << 10

// Rooms are the records of many rooms on a single node. The record of a room stays when the room closes, within the bounds:
// the room that has been closed for longest is forgotten first. An empty room costs nothing once it is closed.
type Rooms struct {
	opts  RoomsOptions
	bytes atomic.Int64 // of all records
	opens atomic.Int64 // the number of open rooms

	mu     sync.Mutex
	open   map[string]*room
	closed map[string]*list.Element
	order  list.List     // the closed rooms, the longest closed first; each value is a *kept
	newest stream.Offset // of all that is forgotten: a new record begins after it, so that no offset stands for two entries
}

// kept is a closed room.
type kept struct {
	name   string
	record *record
	size   int64
	until  time.Time
}

// NewRooms makes the records of a node that has none yet.
func NewRooms(o RoomsOptions) *Rooms {
	o.Room = o.Room.defaults()
	unbound(&o.MaxBytes)
	unbound(&o.MaxClosed)
	if o.TTL <= 0 {
		o.TTL = math.MaxInt64
	}
	return &Rooms{opts: o, open: map[string]*room{}, closed: map[string]*list.Element{}}
}

// Room implements [stream.Rooms]. It panics if a room with this name is open.
func (r *Rooms) Room(name string) stream.Room {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[name] != nil {
		panic("memory: the room " + name + " is open already")
	}
	r.expireLocked()
	opened := &room{rooms: r, name: name}
	if e := r.closed[name]; e != nil {
		opened.size = e.Value.(*kept).size
		opened.stream = newStream(r.removeLocked(e))
	} else {
		opened.stream = newStream(newRecord(r.opts.Room, r.newest))
	}
	opened.stream.room = opened
	r.open[name] = opened
	r.opens.Add(1)
	return opened
}

// Online implements [stream.Rooms]. It never fails.
func (r *Rooms) Online(_ context.Context, names []string) ([]int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	online := make([]int, len(names))
	for i, name := range names {
		if open := r.open[name]; open != nil {
			online[i] = open.online()
		}
	}
	return online, nil
}

// keep takes the record of a room that has been closed.
func (r *Rooms) keep(closed *room) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, closed.name)
	r.opens.Add(-1)
	record := closed.stream.record
	e := r.order.PushBack(&kept{closed.name, record, closed.size, closedUntil(r.opts)})
	r.closed[closed.name] = e
	if record.end() == 1 {
		r.forgetLocked(e) // it has only ever had its genesis
	}
	r.expireLocked()
}

// closedUntil is when the record of a room that closes now is forgotten.
func closedUntil(o RoomsOptions) time.Time { return o.Room.Now().Add(o.TTL) }

// expireLocked forgets the closed rooms that are too old or too many.
func (r *Rooms) expireLocked() {
	for e := r.order.Front(); e != nil; e = r.order.Front() {
		if r.order.Len() <= r.opts.MaxClosed && r.opts.Room.Now().Before(e.Value.(*kept).until) && !r.isOver() {
			return
		}
		r.forgetLocked(e)
	}
}

// forgetLocked drops a closed room.
func (r *Rooms) forgetLocked(e *list.Element) {
	r.bytes.Add(-e.Value.(*kept).size)
	if newest := r.removeLocked(e).newest; newest.Compare(r.newest) > 0 {
		r.newest = newest
	}
}

// removeLocked takes a room off the closed ones and returns its record.
func (r *Rooms) removeLocked(e *list.Element) *record {
	k := r.order.Remove(e).(*kept)
	delete(r.closed, k.name)
	return k.record
}

// isOver reports whether the records take too much memory.
func (r *Rooms) isOver() bool { return r.bytes.Load() > int64(r.opts.MaxBytes) }

// share is what a room may have in any case, in bytes.
func (r *Rooms) share() int64 { return int64(r.opts.MaxBytes) / max(r.opens.Load(), 1) }

// makeRoom forgets closed rooms until the records fit.
func (r *Rooms) makeRoom() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expireLocked()
}
