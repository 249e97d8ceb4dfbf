package fanout

import (
	"net"
	"slices"
	"sync"
	"syscall"

	"scalable-chat/server/internal/rawconn"
)

// Lost says why a connection can no longer follow.
type Lost int

// The reasons, in the order of lostReasons. A connection that is lost has left the log.
const (
	_ Lost = iota

	// LostSlow: it fell behind by half the window, or its private queue overflowed. Its place is still in the window
	// at that moment, so that the client can reconnect and continue there. A connection that joined in the older half of
	// the window and stayed there is given up only when the window has left it behind.
	LostSlow

	LostReset  // the log was reset while it followed
	LostSocket // the socket failed; nothing is written any more, as after Close
)

// lostReasons are the texts of the reasons, for metrics and logs.
var lostReasons = []string{"slow consumer", "stream reset", "transport error"}

// String is the reason in words.
func (l Lost) String() string { return lostReasons[l-1] }

// Owner is who a connection belongs to. Its methods are called with no lock held and must not block.
type Owner interface {
	// Lost is called, possibly more than once, when the connection should be closed.
	Lost(Lost)
	// Pending is called when a connection without a socket (one that polls) has something to take.
	Pending()
}

// Conn is one client: a cursor in each log that it follows, and a private queue. It begins without a socket, as a session
// that polls; [Conn.Attach] gives it one. All methods may be called from any goroutine, and none of them blocks but [Conn.WaitFlushed].
type Conn struct {
	shard *shard
	owner Owner

	mu      sync.Mutex
	net     net.Conn        // nil while polling
	raw     syscall.RawConn // nil if net has no raw socket
	readers []*reader       // one for each log that it follows
	turn    int             // whose of them it is to be written; may be beyond the last
	open    []byte          // the rest of what is partly written, mostly a frame of a log: it goes first
	private []byte          // frames, the first of which may be partly written: they go next
	written uint64          // bytes written in all
	flushed chan struct{}   // closed when open and private are empty; nil if nobody waits

	parked bool // a goroutine waits for the socket, and it alone writes
	closed bool
}

// reader is the cursor of a connection in one log. It is guarded by the mutex of the connection.
type reader struct {
	conn  *Conn
	place place // nowhere once the connection has left the log
	late  bool  // joined in the older half of the window and was there ever since
}

func (r *reader) follows() bool { return r.place.seg != nil }

// Attach gives the connection its socket, once: what was pending goes there from now on. The caller goes on owning the
// socket: it reads from it and closes it, after [Conn.Close]. It should bound the kernel's send buffer.
func (c *Conn) Attach(nc net.Conn) {
	c.mu.Lock()
	if !c.closed {
		c.net, c.raw = nc, rawconn.Of(nc)
	}
	n := c.flushLocked()
	c.mu.Unlock()
	c.tell(n)
}

// Join starts following the log of the cursor there, after the given private frames (which are copied) and those sent
// before. It is one atomic step: no frame of the log is skipped, repeated, or written before the private ones. A connection
// that follows that log already goes on at the cursor. What a connection follows of several logs is written in turns, whole
// frames of each; only the order within a log is certain.
func (c *Conn) Join(at Cursor, first []byte) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	log := at.seg.log
	r := c.readerLocked(log)
	if r == nil {
		r = &reader{conn: c}
		c.readers = append(c.readers, r)
		// It is listed before it looks for what is there: frames that come later start a sweep that visits it.
		c.shard.join(r, log)
	}
	r.place, r.late = at.place, at.behind()
	var n news
	if at.stale() {
		c.leaveLocked(r)
		n.lost = LostReset
	} else {
		n = c.queueLocked(first)
	}
	c.mu.Unlock()
	c.tell(n)
}

// readerLocked is the cursor in a log, nil if the connection does not follow it.
func (c *Conn) readerLocked(l *Log) *reader {
	for _, r := range c.readers {
		if r.place.seg.log == l {
			return r
		}
	}
	return nil
}

// Leave stops following a log; a frame that is partly written is still completed.
func (c *Conn) Leave(l *Log) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.readerLocked(l); r != nil {
		c.leaveLocked(r)
	}
}

// LeaveAll stops following every log.
func (c *Conn) LeaveAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaveAllLocked()
}

func (c *Conn) leaveAllLocked() {
	for len(c.readers) > 0 {
		c.leaveLocked(c.readers[len(c.readers)-1])
	}
}

// leaveLocked lets go of a log, which would otherwise be kept from the cursor on, and of the segment of an open frame.
func (c *Conn) leaveLocked(r *reader) {
	log := r.place.seg.log
	r.place, c.open = place{}, slices.Clone(c.open)
	i := slices.Index(c.readers, r)
	c.readers = slices.Delete(c.readers, i, i+1)
	if len(c.readers) == 0 {
		c.readers = nil
	}
	c.shard.leave(log)
}

// Send queues one whole private frame, or writes it at once. It is false if the connection is closed, or if the queue
// overflowed: then the frame is gone, the owner was told [LostSlow], and the connection is of no more use. frame is not
// kept.
func (c *Conn) Send(frame []byte) bool {
	c.mu.Lock()
	var n news
	ok := !c.closed && len(c.private)+len(frame) <= c.shard.maxPrivate
	if ok {
		n = c.queueLocked(frame)
	} else if !c.closed {
		c.leaveAllLocked()
		n.lost = LostSlow
	}
	c.mu.Unlock()
	c.tell(n)
	return ok
}

// queueLocked adds to the private frames and flushes. Most go out at once, so only what is left of them is copied.
func (c *Conn) queueLocked(frames []byte) news {
	if len(c.private) > 0 {
		c.private = append(c.private, frames...)
		return c.flushLocked()
	}
	c.private = frames
	n := c.flushLocked()
	c.private = slices.Clone(c.private)
	return n
}

// SendVolatile sends whole frames that are worth nothing later: a connection that is not writable drops all of them.
func (c *Conn) SendVolatile(frames []byte) bool {
	c.mu.Lock()
	var n news
	ok := c.writableLocked()
	if ok {
		n = c.queueLocked(frames)
	}
	c.mu.Unlock()
	c.tell(n)
	return ok
}

// Writable reports whether a frame would be written now, or taken next, not queued behind others.
func (c *Conn) Writable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writableLocked()
}

func (c *Conn) writableLocked() bool { return !c.closed && !c.parked && len(c.private) == 0 }

// Private is the number of bytes queued ahead of a new private frame, the rest of the open frame included. An owner stops
// reading from a client that lets it grow.
func (c *Conn) Private() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open) + len(c.private)
}

// Behind reports whether anything is left to be written or taken, of the private frames or of the log.
func (c *Conn) Behind() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && len(c.nextLocked().bytes) > 0
}

// Written is how many bytes were written or taken in all. A caller compares two readings to see whether the client reads.
func (c *Conn) Written() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written
}

// WaitFlushed waits until the private frames are written and no frame of the log is partly written, or until the
// connection is closed: then it is true. It is false if stop is closed first.
func (c *Conn) WaitFlushed(stop <-chan struct{}) bool {
	c.mu.Lock()
	if len(c.open) == 0 && len(c.private) == 0 {
		c.mu.Unlock()
		return true
	}
	if c.flushed == nil {
		c.flushed = make(chan struct{})
	}
	flushed := c.flushed
	c.mu.Unlock()
	select {
	case <-flushed:
		return true
	case <-stop:
		return false
	}
}

// signalLocked wakes those who wait for the flush, if it has happened.
func (c *Conn) signalLocked() {
	if c.flushed != nil && len(c.open) == 0 && len(c.private) == 0 {
		close(c.flushed)
		c.flushed = nil
	}
}

// Close ends the connection: nothing is written or taken any more. It does not close the socket; the caller does that
// next, which also ends the goroutine of a parked connection.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked()
}

// endLocked lets go of everything.
func (c *Conn) endLocked() {
	c.closed, c.open, c.private = true, nil, nil
	c.leaveAllLocked()
	c.signalLocked()
}

// news is what the owner is told once the lock is released. The zero news is none.
type news struct {
	lost    Lost // zero: the connection is not lost
	pending bool // there is something to take
}

// tell passes the news on. No lock is held.
func (c *Conn) tell(n news) {
	if n.pending {
		c.owner.Pending()
	}
	if n.lost != 0 {
		c.owner.Lost(n.lost)
	}
}
