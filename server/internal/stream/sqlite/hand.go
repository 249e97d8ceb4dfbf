package sqlite

import (
	"slices"
	"time"

	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/stream"
)

// report takes the outcome of an append.
func (r *record) report(one *waiting, err error) {
	out := outcome{entry: stream.Entry{Offset: one.offset, Event: one.event}, done: one.done, err: err}
	if err != nil || one.repeat {
		out.entry.Event = nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.due = append(r.due, out)
	r.wakeLocked()
}

// change makes a change that the sink has to know.
func (r *record) change(f func()) {
	r.store.appending.RLock() // so that Close waits for the goroutine or there is none
	defer r.store.appending.RUnlock()
	if r.store.closed {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	if r.isDueLocked() {
		r.wakeLocked()
	}
}

// isDueLocked reports whether there is something to hand out or to report.
func (r *record) isDueLocked() bool {
	return len(r.due) > 0 || r.sink != nil && (!r.begun || r.told != r.members)
}

// wakeLocked has a goroutine hand out what is due.
func (r *record) wakeLocked() {
	if !r.handing {
		r.handing = true
		r.store.writer.handing.Go(r.hand)
	}
}

// beginPause is how long a room waits before it tries again to read its beginning.
const beginPause = 250 * time.Millisecond

// hand hands out and reports until nothing is due. There is one such goroutine at a time, so the order stays.
func (r *record) hand() {
	var work []outcome
	for {
		var more bool
		if work, more = r.take(work); !more {
			r.store.dropIfUnused(r)
			return
		}
		err := r.call(work)
		for _, o := range work {
			o.done(o.entry.Offset, o.err)
		}
		clear(work)
		if err != nil {
			r.store.opts.Logger.Warn("a room cannot be read yet", "room", r.name, "error", err)
			_ = pace.Sleep(r.store.life, beginPause)
		}
	}
}

// maxHanded is the most entries that the sink is given at once.
const maxHanded = 512

// take takes what is due. done is an array that may be used again.
func (r *record) take(done []outcome) (work []outcome, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queued -= len(done)
	if !r.isDueLocked() || len(r.due) == 0 && r.store.life.Err() != nil {
		r.handing = false
		r.due = nil // so that a silent room keeps no memory
		return nil, false
	}
	n := min(len(r.due), maxHanded)
	work = append(done[:0], r.due[:n]...)
	r.due = slices.Delete(r.due, 0, n)
	return work, true
}

// call gives the sink what is due. An error means that the room could not begin: what the sink does not get now is in the file,
// where the room begins later.
func (r *record) call(work []outcome) error {
	r.calling.Lock()
	defer r.calling.Unlock()
	r.mu.Lock()
	sink, tail, begun := r.sink, r.tail, r.begun
	r.mu.Unlock()
	if sink == nil {
		return nil
	}
	if !begun {
		if err := r.begin(sink, tail); err != nil {
			return err
		}
	}
	var batch []stream.Entry
	for _, o := range work {
		if len(o.entry.Event) > 0 && o.entry.Offset.Compare(r.last) > 0 {
			batch = append(batch, o.entry)
		}
	}
	if len(batch) > 0 {
		r.last = batch[len(batch)-1].Offset
		sink.Deliver(batch)
	}
	r.tellMembers(sink)
	return nil
}

// tellMembers tells the sink how many members there are, if it does not know.
func (r *record) tellMembers(sink stream.Sink) {
	r.mu.Lock()
	members, changed := r.members, r.told != r.members
	r.told = members
	r.mu.Unlock()
	if changed {
		sink.Members(members)
	}
}

// tailBytes is about how many bytes of events a room begins with at most.
const tailBytes = 16 << 20

// begin gives the sink the newest entries of the file.
func (r *record) begin(sink stream.Sink, tail int) error {
	entries, err := stream.Tail(r.store.life, r.newest, tail, tailBytes, 0)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.begun = true
	r.mu.Unlock()
	r.last = entries[len(entries)-1].Offset
	sink.Reset(entries)
	return nil
}
