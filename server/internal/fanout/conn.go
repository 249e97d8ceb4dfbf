package fanout

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// Lost says why a connection can no longer follow.
type Lost int

// The reasons, in the order of [LostReasons]. None of them means that messages are gone for the client: after all but
// LostReset its place is still in the window when the reason is given.
const (
	_          Lost = iota
	LostSlow        // it fell behind by half the window, or its private queue overflowed
	LostReset       // the log was reset
	LostSocket      // the socket failed
)

// LostReasons are the texts of the reasons, for metrics and logs.
var LostReasons = []string{"slow consumer", "stream reset", "transport error"}

func (l Lost) String() string { return LostReasons[l-1] }

// Owner is who a connection belongs to. Its methods are called with no lock held and must not block.
type Owner interface {
	// Lost is called, possibly more than once, when the connection should be closed.
	Lost(Lost)
	// Pending is called when a connection without a socket (one that polls) has something to take.
	Pending()
}

// writeTimeout bounds one write on a connection without a raw socket, where waiting cannot be told from writing.
const writeTimeout = 20 * time.Second

// Conn is one reader of the log with its private queue. It begins without a socket, as a session that polls; [Conn.Attach]
// gives it one. All methods may be called from any goroutine, and none of them blocks but [Conn.WaitFlushed].
type Conn struct {
	log   *Log
	shard *shard
	owner Owner

	mu      sync.Mutex
	net     net.Conn        // nil while polling
	raw     syscall.RawConn // nil if net has no raw socket
	place   place           // seg is nil before the first Join
	private []byte          // whole frames; the first one may be partly written
	sent    int             // bytes of private that are written
	seen    uint64          // frames of the log before place, as of the last time that they were counted
	written uint64          // bytes written in all
	flushed chan struct{}   // closed when private is empty and no frame is open; nil if nobody waits

	joined bool // follows the log
	listed bool // its shard knows it
	parked bool // a goroutine waits for the socket, and it alone writes
	midlog bool // place may stand inside a frame, whose rest goes first
	closed bool
}

// NewConn makes a connection that polls and does not follow the log yet.
func (l *Log) NewConn(owner Owner) *Conn {
	i := int(l.nextShard.Add(1)) % len(l.shards)
	return &Conn{log: l, shard: l.shards[i], owner: owner}
}

// Attach gives the connection its socket, once: what was pending goes there from now on. The caller goes on owning the
// socket: it reads from it and closes it, after [Conn.Close]. It should bound the kernel's send buffer.
func (c *Conn) Attach(nc net.Conn) {
	c.mu.Lock()
	c.net, c.raw = nc, rawConn(nc)
	lost := c.flushLocked()
	c.mu.Unlock()
	c.tell(lost)
}

// Join starts following the log at the cursor, after the given private frames (which are copied) and those sent before.
// It is one atomic step: no frame of the log is skipped, repeated, or written before the private ones.
func (c *Conn) Join(at Cursor, first []byte) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.place = place{at.seg, at.pos}
	c.seen = at.count
	c.joined = true
	list := !c.listed
	c.listed = true
	c.private = append(c.private, first...)
	lost := c.flushLocked()
	c.mu.Unlock()
	c.tell(lost)
	if list {
		c.shard.join(c)
	}
}

// Leave stops following the log; a frame that is partly written is still completed.
func (c *Conn) Leave() {
	c.mu.Lock()
	was := c.joined
	c.joined = false
	c.mu.Unlock()
	if was {
		c.shard.leave()
	}
}

// Send queues one whole private frame, or writes it at once. It is false if the queue overflowed: then the frame is gone,
// the owner was told [LostSlow], and the connection is of no more use. frame is not kept.
func (c *Conn) Send(frame []byte) bool {
	c.mu.Lock()
	if c.closed || len(c.private)-c.sent+len(frame) > c.log.maxPrivate {
		closed := c.closed
		c.mu.Unlock()
		if !closed {
			c.owner.Lost(LostSlow)
		}
		return false
	}
	c.private = append(c.private, frame...)
	lost := c.flushLocked()
	c.mu.Unlock()
	c.tell(lost)
	return true
}

// SendVolatile sends a frame that is worth nothing later: a connection that is not ready for it drops it.
func (c *Conn) SendVolatile(frame []byte) bool {
	return c.Writable() && c.Send(frame)
}

// Writable reports whether a frame would be written now, not queued behind others.
func (c *Conn) Writable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && !c.parked && len(c.private) == 0
}

// Private is the number of bytes in the private queue. An owner stops reading from a client that lets it grow.
func (c *Conn) Private() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.private) - c.sent
}

// Written is how many bytes were written or taken in all: whoever waits for a sign of life compares it.
func (c *Conn) Written() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written
}

// WaitFlushed waits until the private queue is written and no frame is open, or until stop is closed. It is true if so.
func (c *Conn) WaitFlushed(stop <-chan struct{}) bool {
	c.mu.Lock()
	if c.closed || c.cleanLocked() {
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

// Close ends the connection: nothing is written or taken any more. It does not close the socket; the caller does that
// next, which also ends the goroutine of a parked connection.
func (c *Conn) Close() {
	c.mu.Lock()
	left := c.joined
	c.closed, c.joined, c.private = true, false, nil
	c.place = place{}
	if c.flushed != nil {
		close(c.flushed)
		c.flushed = nil
	}
	c.mu.Unlock()
	if left {
		c.shard.leave()
	}
}

// tell passes a loss on once the lock is released.
func (c *Conn) tell(lost Lost) {
	switch {
	case lost == pending:
		c.owner.Pending()
	case lost != 0:
		c.owner.Lost(lost)
	}
}

// cleanLocked reports whether nothing private is pending and no frame is open.
func (c *Conn) cleanLocked() bool { return len(c.private) == 0 && !c.midlog }
