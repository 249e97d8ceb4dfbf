package fanout

import (
	"errors"
	"time"
)

// pending is what flushLocked reports of a connection that polls.
const pending Lost = -1

// sweep is the visit of the shard's sweeper: it writes what is new. stays is false once the connection has left the log.
func (c *Conn) sweep(w *socketWriter, generation uint64) (stays bool, lost Lost) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.joined {
		c.listed = false
		return false, 0
	}
	if c.place.seg.generation != generation {
		return true, LostReset
	}
	if c.raw != nil && !c.parked {
		return true, c.writeLocked(w.on(c.raw))
	}
	if c.log.tooFar(c.place) {
		return true, LostSlow
	}
	if c.parked || len(c.place.bytes()) == 0 {
		return true, 0
	}
	return true, c.flushLocked()
}

// flushLocked brings what is pending on its way, whatever the connection is: a socket, an opaque one, or a poll.
func (c *Conn) flushLocked() Lost {
	switch {
	case c.closed || c.parked:
		return 0
	case c.raw != nil:
		w := writers.Get().(*socketWriter)
		defer writers.Put(w)
		return c.writeLocked(w.on(c.raw))
	case len(c.nextLocked()) == 0:
		return 0
	case c.net == nil:
		return pending
	default:
		c.parkLocked(c.pushBlocking)
		return 0
	}
}

// writeLocked writes until everything is written or the socket is full; then it parks the connection.
func (c *Conn) writeLocked(s sink) Lost {
	done, err := c.pumpLocked(s)
	if err != nil {
		return LostSocket
	}
	if !done {
		c.parkLocked(c.pushWhenReady)
	}
	return 0
}

// pumpLocked writes what is pending. done is false if the socket is full.
func (c *Conn) pumpLocked(s sink) (done bool, err error) {
	for {
		p := c.nextLocked()
		if len(p) == 0 {
			return true, nil
		}
		n, err := s.write(p)
		c.advanceLocked(n)
		if errors.Is(err, errWouldBlock) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// nextLocked returns the bytes that go next: the rest of an open frame, else private frames, else the log. What it
// returns stays as it is until advanceLocked.
func (c *Conn) nextLocked() []byte {
	if c.closed {
		return nil
	}
	if c.midlog && (len(c.private) > 0 || !c.joined) {
		end := c.log.boundary(c.place)
		if end > c.place.pos {
			return c.place.seg.buf[c.place.pos:end]
		}
		c.midlog = false
	}
	if len(c.private) > 0 {
		return c.private[c.sent:]
	}
	if !c.joined {
		return nil
	}
	return c.place.bytes()
}

// advanceLocked notes that n bytes of what nextLocked returned are written.
func (c *Conn) advanceLocked(n int) {
	c.written += uint64(n)
	if len(c.private) > 0 && !c.midlog {
		c.sent += n
		if c.sent == len(c.private) {
			c.private, c.sent = nil, 0 // an idle connection keeps no buffer
		}
	} else if n > 0 {
		c.shard.writes.Add(1)
		c.place.pos += n
		c.midlog = c.place.pos < int(c.place.seg.size.Load())
		if !c.midlog {
			c.countLocked()
		}
	}
	if c.flushed != nil && c.cleanLocked() {
		close(c.flushed)
		c.flushed = nil
	}
}

// countLocked counts the frames up to the end of what is published in the segment of place.
func (c *Conn) countLocked() {
	total := c.place.seg.count + uint64(c.place.seg.frames.Load())
	if total > c.seen {
		c.shard.deliveries.Add(int64(total - c.seen))
		c.seen = total
	}
}

// parkLocked takes the connection out of the sweep: until push is done, it alone writes.
func (c *Conn) parkLocked(push func() error) {
	c.parked = true
	c.shard.parks.Add(1)
	c.shard.parked.Add(1)
	go func() {
		err := push()
		c.shard.parked.Add(-1)
		c.mu.Lock()
		c.parked = false
		lost := LostSocket
		if err == nil {
			// What came since goes now, as the sweep may have passed by; it may park the connection again.
			lost = c.flushLocked()
		}
		c.mu.Unlock()
		c.tell(lost)
	}()
}

// pushWhenReady waits for the socket and writes until nothing is pending. Entering RawConn.Write forgets readiness that
// was seen before, so it is here, inside the callback, that the write is tried, and false only answers its own failure.
func (c *Conn) pushWhenReady() error {
	var failed error
	err := c.raw.Write(func(fd uintptr) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		done, err := c.pumpLocked(fdSink(fd))
		failed = err
		return done || err != nil
	})
	return errors.Join(err, failed)
}

// pushBlocking writes until nothing is pending on a connection that offers no raw socket.
func (c *Conn) pushBlocking() error {
	for {
		c.mu.Lock()
		p := c.nextLocked() // stays as it is while parked
		c.mu.Unlock()
		if len(p) == 0 {
			return nil
		}
		if err := c.net.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		n, err := c.net.Write(p)
		c.mu.Lock()
		if !c.closed {
			c.advanceLocked(n)
		}
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
}
