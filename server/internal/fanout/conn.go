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
	// the window and stayed there is lost only when its place leaves the window.
	LostSlow

	LostReset  // the log was reset while it followed
	LostSocket // the socket failed; the connection writes nothing more, as after Close
)

// lostReasons are the names of the reasons, for metrics and logs.
var lostReasons = []string{"slow consumer", "stream reset", "transport error"}

// String is the reason in words.
func (l Lost) String() string { return lostReasons[l-1] }

// Owner owns a connection. Its methods are called without a lock and must not block.
type Owner interface {
	// Lost is called, possibly more than once, when the connection should be closed.
	Lost(Lost)
	// Pending is called when a connection without a socket (one that polls) has something to take.
	Pending()
}

// Conn is one client: a cursor in each log that it follows, and a private queue. It begins without a socket, as a session
// that polls; [Conn.Attach] gives it one. All methods may be called from any goroutine; only [Conn.WaitFlushed] blocks.
type Conn struct {
	shard *shard
	owner Owner

	mu      sync.Mutex
	net     net.Conn        // nil while polling
	raw     syscall.RawConn // nil if net has no raw socket
	readers []*reader       // one for each log that it follows
	turn    int             // index of the reader to write next; may be beyond the last
	open    []byte          // the rest of a partly written piece, mostly a frame of a log: written first
	private []byte          // frames, the first of which may be partly written: written next
	written uint64          // bytes written in all
	owed    uint64          // time stamp of a frame that waits for a connection without a raw socket; zero: none, see Lags
	flushed chan struct{}   // closed when open and private are empty; nil without a waiter

	parked bool // a goroutine waits for the socket, and only it writes
	closed bool
}

// reader is the cursor of a connection in one log. The connection's mutex guards it.
type reader struct {
	conn  *Conn
	place place // nowhere once the connection has left the log
	late  bool  // joined in the older half of the window and has stayed there
}

func (r *reader) follows() bool { return r.place.seg != nil }

// Attach gives the connection its socket, once, and starts to write what is pending to it. The caller still owns the socket:
// it reads from it and closes it, after [Conn.Close]. It should bound the kernel's send buffer.
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
// that already follows that log continues at the cursor. A connection that follows several logs gets whole frames of each in
// turn; only the order within a log is guaranteed.
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
		// The reader is listed before it writes the frames up to the head: later frames start a sweep that visits it.
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

// Leave stops following a log; the connection still completes a partly written frame.
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

// leaveLocked releases a log, which the cursor would keep alive from its place on, and the segment of an open frame.
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
// overflows: then Send drops the frame and tells the owner [LostSlow], and the connection is unusable. Send does not keep
// frame.
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

// queueLocked adds private frames and flushes. Most frames are written at once, so it copies only the rest.
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

// SendVolatile sends whole frames that are useless later: a connection that is not writable drops all of them.
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

// Writable reports whether a new frame would be written now, or taken next, without waiting behind others.
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

// Behind reports whether any private frame or frame of a log is left to be written or taken.
func (c *Conn) Behind() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && len(c.nextLocked(nil).bytes) > 0
}

// Written is the total of bytes written or taken. A caller compares two readings to see whether the client reads.
func (c *Conn) Written() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written
}

// WaitFlushed waits until all private frames are written and no frame of a log is partly written, or the connection is
// closed; it then returns true. It returns false if stop is closed first.
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

// signalLocked wakes the waiters for the flush, if it has happened.
func (c *Conn) signalLocked() {
	if c.flushed != nil && len(c.open) == 0 && len(c.private) == 0 {
		close(c.flushed)
		c.flushed = nil
	}
}

// Close ends the connection: it writes and yields nothing more. Close does not close the socket; the caller does that next,
// which also ends the goroutine of a parked connection.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked()
}

// endLocked releases all logs and buffers.
func (c *Conn) endLocked() {
	c.closed, c.open, c.private = true, nil, nil
	c.leaveAllLocked()
	c.signalLocked()
}

// news is what tell reports to the owner after the lock is released. The zero news is none.
type news struct {
	lost    Lost // zero: the connection is not lost
	pending bool // there is something to take
}

// tell passes the news to the owner. The caller holds no lock.
func (c *Conn) tell(n news) {
	if n.pending {
		c.owner.Pending()
	}
	if n.lost != 0 {
		c.owner.Lost(n.lost)
	}
}
