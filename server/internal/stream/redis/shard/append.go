package shard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/redis"
)

// Bounds of one batch, and of all batches that are sent in one exchange.
const (
	batchRecords, batchBytes = 128, 256 << 10
	sentRooms, sentBytes     = 256, 1 << 20
)

// roomShare is the part of a master's queue that one room may fill: one eighth.
const roomShare = 8

var (
	errFull     = errors.New("the append queue is full")
	errNoAnswer = errors.New("no answer in time")
	errUnsent   = errors.New("not sent in time")
	errStopped  = errors.New("closed before it was stored")
)

func unavailable(why error) error { return fmt.Errorf("%w: %w", stream.ErrUnavailable, why) }

// appends is what a room has to store. Rooms.mu guards it; only who holds the room changes the batch.
type appends struct {
	home   *sender // whose bounds count: that of the master which has the room, as far as is known
	queue  []posting
	batch  *batch        // its outcome is not known yet
	bytes  int           // of both
	held   bool          // a sender holds the room
	writer uint64        // the number of the first batch
	newest stream.Offset // that this handle has seen
}

// Append implements [stream.Room]. If the queue of the master, or the part of it that one room may fill, is full, the error
// is [stream.ErrUnavailable] at once.
func (r *room) Append(_ context.Context, key string, event []byte, done func(stream.Offset, error)) error {
	if len(event) == 0 {
		return errors.New("append: empty event")
	}
	s := r.rooms
	rec := posting{
		key: redis.Digest(key), event: bytes.Clone(event), done: done,
		deadline: time.Now().Add(s.opts.AppendTimeout),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &r.appends
	if s.closed {
		return stream.ErrClosed
	}
	if a.home == nil || a.home.retired {
		a.home = s.router
	}
	if !s.fitsLocked(a, len(event)) {
		return unavailable(errFull)
	}
	a.queue = append(a.queue, rec)
	a.countLocked(1, len(event))
	s.pending++
	if !a.held {
		a.held = true
		w := a.home
		if !w.failed.IsZero() {
			w = s.router // another master may have taken over
		}
		w.due = append(w.due, r)
		kick(w.wake)
	}
	return nil
}

func (s *Rooms) fitsLocked(a *appends, size int) bool {
	records := len(a.queue)
	if a.batch != nil {
		records += len(a.batch.records)
	}
	return a.home.records < s.opts.QueueRecords && a.home.bytes+size <= s.opts.QueueBytes &&
		records < max(1, s.opts.QueueRecords/roomShare) && a.bytes+size <= s.opts.QueueBytes/roomShare
}

// countLocked adds to what waits at home, or takes away from it.
func (a *appends) countLocked(records, size int) {
	a.bytes += size
	a.home.records += records
	a.home.bytes += size
}

// moveLocked makes another sender the home.
func (a *appends) moveLocked(to *sender) {
	records, size := len(a.queue), a.bytes
	if a.batch != nil {
		records += len(a.batch.records)
	}
	a.countLocked(-records, -size)
	a.home = to
	a.countLocked(records, size)
}

// takeLocked makes a batch of the oldest records, of which there is at least one.
func (s *Rooms) takeLocked(r *room) *batch {
	a, n, size := &r.appends, 0, 0
	for n < len(a.queue) && n < batchRecords && (n == 0 || size+len(a.queue[n].event) <= batchBytes) {
		size += len(a.queue[n].event)
		n++
	}
	s.batches++
	if a.writer == 0 {
		a.writer = s.batches
	}
	b := &batch{
		room: r, records: a.queue[:n:n], bytes: size,
		number: s.batches, writer: a.writer, newest: a.newest,
		began: time.Now(), wait: redisx.Backoff{Max: 500 * time.Millisecond},
	}
	if a.queue = a.queue[n:]; len(a.queue) == 0 {
		a.queue = nil
	}
	return b
}

// settle ends the batch of a room.
func (s *Rooms) settle(r *room, o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &r.appends
	a.countLocked(-len(a.batch.records), -a.batch.bytes)
	a.batch = nil
	for _, offset := range o.offsets {
		if offset.Compare(a.newest) > 0 {
			a.newest = offset
		}
	}
}

// expire reports the records whose deadline has passed: first those that were sent, whose outcome stays unknown to their
// callers, then those that were not, which it drops. Only who holds the room calls it.
func (s *Rooms) expire(r *room, now time.Time) {
	late := func(rec posting) bool { return !rec.deadline.After(now) }
	sent, unsent := s.drop(r, late)
	s.refuse(sent, errNoAnswer)
	s.refuse(unsent, errUnsent)
}

// drop removes the oldest records as long as they are late; what was sent stays in the batch, but is reported.
func (s *Rooms) drop(r *room, late func(posting) bool) (sent, unsent []posting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &r.appends
	if b := a.batch; b != nil {
		from := b.told
		for b.told < len(b.records) && late(b.records[b.told]) {
			b.told++
		}
		if sent = b.records[from:b.told]; b.told < len(b.records) {
			return sent, nil // in order
		}
	}
	n := 0
	for n < len(a.queue) && late(a.queue[n]) {
		a.countLocked(-1, -len(a.queue[n].event))
		n++
	}
	unsent, a.queue = a.queue[:n:n], a.queue[n:]
	return sent, unsent
}

// refuse reports records as unavailable.
func (s *Rooms) refuse(records []posting, why error) {
	for _, rec := range records {
		rec.done(stream.Offset{}, unavailable(why))
	}
	s.told(len(records))
}

// told notes that so many records are reported.
func (s *Rooms) told(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending -= n
	s.drainLocked()
}

// drainLocked says that all is done once the rooms are closed and no record is left.
func (s *Rooms) drainLocked() {
	if s.closed && s.pending == 0 && !s.done {
		s.done = true
		close(s.drained)
	}
}
