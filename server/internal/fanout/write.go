package fanout

import (
	"errors"
	"time"
)

const (
	// turnBytes is about how many bytes one connection gets before the next has its turn. A connection with more pending,
	// for example after a reconnect, is parked even if its socket is not full.
	turnBytes = 4 * segmentSize

	// blockingBytes bounds one write to a connection without a raw socket, where a full socket cannot be told from a slow
	// write; writeTimeout is how long that write may take.
	blockingBytes = 16 << 10
	writeTimeout  = 20 * time.Second
)

// visit is what a sweeper's visit came to.
type visit struct {
	stays  bool  // the connection has neither left the log nor is it lost
	wrote  bool  // it was brought up to the head
	behind int64 // its distance if it waits, see [place.distance]
	news   news
}

// sweep is the sweeper's visit for one log: it writes the new frames, the oldest of which has the given time stamp.
func (c *Conn) sweep(r *reader, w *socketWriter, stamp uint64) (v visit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.follows() {
		c.followLocked(r, w, stamp, &v)
	}
	v.stays = r.follows()
	return v
}

func (c *Conn) followLocked(r *reader, w *socketWriter, stamp uint64, v *visit) {
	if r.place.stale() {
		c.leaveLocked(r)
		v.news.lost = LostReset
		return
	}
	waits := c.parked || c.raw == nil
	if waits {
		v.behind = r.place.distance()
	}
	if !r.place.behind() {
		r.late = false
	} else if waits && (!r.late || r.place.evicted()) {
		c.leaveLocked(r)
		v.news.lost = LostSlow
		return
	}
	if waits {
		c.owedLocked(stamp)
		v.news = c.flushLocked()
		return
	}
	before := c.written
	v.news = c.writeLocked(w.on(c.raw), r)
	v.wrote = c.written > before && !c.parked
}

// owedLocked notes the oldest frame that waits for a connection without a raw socket.
func (c *Conn) owedLocked(stamp uint64) {
	if c.net != nil && c.raw == nil && c.owed == 0 {
		c.owed = stamp
	}
}

// flushLocked starts delivery of what is pending, to a raw socket, an opaque one, or a poll.
func (c *Conn) flushLocked() news {
	switch {
	case c.closed || c.parked:
		return news{}
	case c.raw != nil:
		w := writers.Get().(*socketWriter)
		defer writers.Put(w)
		return c.writeLocked(w.on(c.raw), nil)
	case len(c.nextLocked(nil).bytes) == 0:
		return news{}
	case c.net == nil:
		return news{pending: true}
	default:
		c.parkLocked(c.pushBlocking)
		return news{}
	}
}

// writeLocked writes what is pending; only: of that log, see nextLocked. It parks the connection if the socket is full or more
// than turnBytes are pending.
func (c *Conn) writeLocked(s sink, only *reader) news {
	done, err := c.pumpLocked(s, only)
	if err != nil && !errors.Is(err, errWouldBlock) {
		c.endLocked()
		return news{lost: LostSocket}
	}
	if !done {
		c.parkLocked(c.pushWhenReady)
	}
	return news{}
}

// pumpLocked writes what is pending, but not for longer than one turn; only: of that log. done is true if that was everything.
// The error is errWouldBlock if the socket is full.
func (c *Conn) pumpLocked(s sink, only *reader) (done bool, err error) {
	for left := turnBytes; left > 0; {
		next := c.nextLocked(only)
		if len(next.bytes) == 0 {
			return true, nil
		}
		n, err := s.write(next.bytes)
		if err != nil {
			return false, err
		}
		c.wroteLocked(next, n)
		left -= n
	}
	return false, nil
}

// nextLocked returns the next chunk: the rest of the open piece, else private frames, else the logs, each in turn. With only, it
// looks at no other log: a sweep need not, because every log that grows is swept. So a delivery costs the same however many
// logs the connection follows.
func (c *Conn) nextLocked(only *reader) chunk {
	switch {
	case len(c.open) > 0:
		return chunk{bytes: c.open}
	case len(c.private) > 0:
		return chunk{bytes: c.private}
	}
	if only != nil {
		bytes, end := only.place.ahead()
		return chunk{bytes, only, end}
	}
	for range c.readers {
		if c.turn >= len(c.readers) {
			c.turn = 0
		}
		r := c.readers[c.turn]
		if bytes, end := r.place.ahead(); len(bytes) > 0 {
			return chunk{bytes, r, end}
		}
		c.turn++
	}
	return chunk{}
}

// wroteLocked notes that the first n bytes of next are written. If they end inside a frame of a log, its rest becomes open.
func (c *Conn) wroteLocked(next chunk, n int) {
	c.written += uint64(n)
	switch {
	case len(c.open) > 0:
		c.open = rest(c.open, n)
	case len(c.private) > 0:
		c.private = rest(c.private, n)
	default:
		r, end := next.from, next.end
		if n < len(next.bytes) {
			end = r.place.past(n)
		}
		c.open = rest(next.bytes[:end.pos-r.place.pos], n)
		c.moveLocked(r, end)
	}
	c.signalLocked()
}

// rest is nil when nothing is left, so that an idle connection keeps no buffer.
func rest(p []byte, n int) []byte {
	if n == len(p) {
		return nil
	}
	return p[n:]
}

// moveLocked moves a cursor forward within its segment, and gives the turn to the next log.
func (c *Conn) moveLocked(r *reader, to place) {
	c.shard.deliveries.Add(int64(to.frames - r.place.frames))
	c.shard.writes.Add(1)
	r.place = to
	c.turn++
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
		var n news
		if err == nil {
			c.shard.lateness.add(c.owed, time.Now(), 1)
			c.owed = 0
			// The sweep skips a parked connection, so newer frames are written here; this may park it again.
			n = c.flushLocked()
		} else if !c.closed {
			c.endLocked()
			n.lost = LostSocket
		}
		c.mu.Unlock()
		c.tell(n)
	}()
}

// pushWhenReady waits for the socket and writes until nothing is pending. RawConn.Write forgets earlier readiness when it
// is entered, so the callback itself tries the write first, and returns false only if that write would block.
func (c *Conn) pushWhenReady() error {
	for {
		var done bool
		var failed error
		err := c.raw.Write(func(fd uintptr) bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			done, failed = c.pumpLocked(fdSink(fd), nil)
			return !errors.Is(failed, errWouldBlock)
		})
		if err = errors.Join(err, failed); done || err != nil {
			return err
		}
	}
}

// pushBlocking writes until nothing is pending on a connection that offers no raw socket.
func (c *Conn) pushBlocking() error {
	for {
		c.mu.Lock()
		p := c.openLocked()
		c.mu.Unlock()
		if len(p) == 0 {
			return nil
		}
		if err := c.net.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		n, err := c.net.Write(p)
		if err != nil {
			return err
		}
		c.mu.Lock()
		if !c.closed {
			c.wroteLocked(chunk{bytes: p}, n)
		}
		c.mu.Unlock()
	}
}

// openLocked makes the next chunk the open piece, so that it stays the same while it is written without the lock.
func (c *Conn) openLocked() []byte {
	if len(c.open) == 0 {
		next := c.nextLocked(nil)
		n := min(len(next.bytes), blockingBytes)
		if r := next.from; r != nil {
			end := r.place.fit(n)
			c.open = next.bytes[:end.pos-r.place.pos]
			c.moveLocked(r, end)
		} else if n > 0 {
			c.open, c.private = next.bytes[:n], rest(next.bytes, n)
		}
	}
	return c.open[:min(len(c.open), blockingBytes)]
}
