package shard

import (
	"sync"
	"time"

	"scalable-chat/server/internal/stream"
)

// subscription is whether the channel of a room brings its news.
type subscription uint8

const (
	unsubscribed subscription = iota
	pending                   // asked for
	subscribed                // confirmed
)

// feed is a room that this node follows. News that continues the chain of entries goes straight to the sink. After anything
// else the feed is dirty: the stream is read from the last entry on. Nothing is buffered in between.
type feed struct {
	feeds   *feeds
	room    *room
	channel string
	tail    int

	mu      sync.Mutex // held during calls of the sink: they come one at a time, and none after the close
	sink    stream.Sink
	home    *receiver // the master that has the room; nil until that is known
	index   int       // the place in the home's list, which guards it
	link    *link     // where the subscription was asked for
	sub     subscription
	wanted  bool          // the home is to see to the subscription
	last    stream.Offset // zero before the first Reset
	silent  bool          // last is a genesis that is not in the stream yet
	large   bool          // the entry at last is expensive to read only to see that it is there
	lost    bool          // last is not in the stream, or what follows it is not
	broken  bool          // the stream has last, but its next entry does not follow it: only a reset goes on
	dirty   bool          // to be read
	queued  bool          // waits for that at home
	reading bool
	read    time.Duration // when the last reading ended
	page    int           // how many entries to ask for
	acked   stream.Offset // an entry that should have come by now, if it is beyond last
	watched bool          // there is a deadline for that
	checks  uint8         // since the members were read
	renewed time.Duration // when the expiry was renewed; 0 is never
	roll    roll
}

// largeEvent is how many bytes an event has that a check does not read each time.
const largeEvent = 4 << 10

// A page is how many entries a reading asks for: few at first, and more while there is more.
const (
	firstPage = 16
	lastPage  = 128
)

// close ends the calls of the sink.
func (d *feed) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sink == nil {
		return
	}
	d.sink = nil
	if d.home != nil {
		d.home.remove(d)
		d.home.want(d)
	}
}

func (d *feed) closed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sink == nil
}

// enter makes the receiver the home of the room, and sees to the subscription. It reports false if the receiver has retired.
func (d *feed) enter(s *receiver) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sink == nil {
		return true
	}
	if d.home != s {
		if d.home != nil {
			d.home.remove(d)
			d.home.want(d)
			d.home, d.queued, d.wanted = nil, false, false
		}
		if !s.add(d) {
			return false
		}
		d.home = s
		if d.dirty {
			d.dirtyLocked()
		}
	}
	if !d.wanted {
		d.wanted = true
		s.want(d)
	}
	return true
}

// wish is what is to be done about a subscription.
type wish int

const (
	wantNothing wish = iota
	wantNews
	wantNone
)

// wish says what is to be done about the subscription on the link of this receiver. It takes it as done.
func (d *feed) wish(s *receiver) wish {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.home != s {
		if s.sharded {
			return wantNothing // Redis ends the subscription to a channel whose slot has moved
		}
		return wantNone
	}
	d.wanted = false
	switch {
	case d.sink == nil && d.link == s.link:
		return wantNone
	case d.sink == nil, d.link == s.link && d.sub != unsubscribed:
		return wantNothing
	}
	d.link, d.sub = s.link, pending
	return wantNews
}

// livesAt reports whether the receiver is the home.
func (d *feed) livesAt(s *receiver) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.home == s
}

// hears reports whether the link is the present one.
func (d *feed) hears(l *link) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.link == l
}

// waits reports whether a subscription on the link is still to be confirmed.
func (d *feed) waits(l *link) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.link == l && d.sub == pending && d.sink != nil
}

// confirm notes that the channel brings news from now on. What came before is read.
func (d *feed) confirm(l *link) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sink != nil && d.link == l {
		d.sub = subscribed
		d.dirtyLocked()
	}
}

// revoke notes that the channel brings no news any more, and reports whether it did.
func (d *feed) revoke(l *link) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.link != l || d.sub != subscribed {
		return false // the answer to an old request: the room was closed and opened again
	}
	d.sub = unsubscribed
	return true
}

// lose notes that the link is gone, or does not answer a request, and reports whether the feed depended on it.
func (d *feed) lose(l *link) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.link != l || d.sink == nil {
		return false
	}
	d.link, d.sub = nil, unsubscribed
	return true
}

// dirtyLocked makes sure that the stream is read once more, from now on.
func (d *feed) dirtyLocked() {
	d.dirty = true
	if !d.reading && !d.queued && d.home != nil && d.sink != nil {
		d.queued = true
		d.home.unread(d)
	}
}

func (d *feed) suspect() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dirtyLocked()
}

// take handles entries from the channel. Older ones than last are repetitions, or they belong to a stream that has lost
// entries: unless the stream was read a moment ago, it is read then.
func (d *feed) take(n news) {
	d.mu.Lock()
	defer d.mu.Unlock()
	newest := n.entries[len(n.entries)-1].Offset
	chained := n.kind == newsEntries && n.prev == d.last && grow(n.prev, n.entries)
	clean := d.sub == subscribed && !d.dirty && !d.reading && !d.last.IsZero()
	switch {
	case d.sink == nil:
	case newest.Compare(d.last) <= 0:
		d.feeds.stats.old.Add(1)
		if newest != d.last && d.feeds.now()-d.read > time.Second {
			d.dirtyLocked()
		}
	case clean && chained:
		d.feeds.stats.byChannel.Add(uint64(len(n.entries)))
		d.deliverLocked(n.entries)
	default:
		if clean && n.kind == newsEntries {
			d.feeds.stats.unchained.Add(1)
		}
		d.dirtyLocked()
	}
}

// grow reports whether the offsets of the entries grow, beginning after prev.
func grow(prev stream.Offset, entries []stream.Entry) bool {
	for _, e := range entries {
		if e.Offset.Compare(prev) <= 0 {
			return false
		}
		prev = e.Offset
	}
	return true
}

func (d *feed) deliverLocked(entries []stream.Entry) {
	d.sink.Deliver(entries)
	d.moveLocked(entries[len(entries)-1])
}

func (d *feed) moveLocked(last stream.Entry) {
	d.last, d.silent, d.large = last.Offset, false, len(last.Event) > largeEvent
}

// expect notes that the stream has an entry at this offset. If the channel does not bring it soon, the stream is read.
func (d *feed) expect(o stream.Offset) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o.Compare(d.acked) > 0 {
		d.acked = o
	}
	d.watchLocked()
}

// watchLocked sets a deadline for the entry that is expected, if it has not come and there is none yet.
func (d *feed) watchLocked() {
	if d.sink != nil && d.home != nil && !d.watched && d.acked.Compare(d.last) > 0 {
		d.watched = true
		d.home.watch(deadline{d, d.acked, d.feeds.now() + newsLimit})
	}
}

// overdue handles the deadline for an entry, and reports whether it was missed although the channel should have brought it.
func (d *feed) overdue(o stream.Offset) (missed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watched = false
	if d.sink == nil {
		return false
	}
	if d.last.Compare(o) >= 0 {
		d.watchLocked()
		return false
	}
	missed = d.sub == subscribed && !d.dirty && !d.reading
	d.dirtyLocked()
	return missed
}

// tell passes a message from another node on. Before the first Reset it is dropped.
func (d *feed) tell(message []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sink != nil && !d.last.IsZero() {
		d.sink.Message(message)
	}
}

// say sends news to the other nodes, and reports whether there was room in the queue.
func (d *feed) say(text []byte) bool {
	d.mu.Lock()
	home := d.home
	d.mu.Unlock()
	return home != nil && home.say(outgoing{d.channel, text})
}
