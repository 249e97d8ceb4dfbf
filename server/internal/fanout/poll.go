package fanout

import (
	"math"

	"scalable-chat/server/internal/wire"
)

// Take reads from a connection without a socket: it appends whole frames to dst, private ones first, as many as fit into
// limit bytes but at least one if there is any, and moves the cursor behind them. Once a socket is attached, or the
// connection closed, it takes nothing.
func (c *Conn) Take(dst []byte, limit int) []byte { return c.TakeFrames(dst, limit, math.MaxInt) }

// TakeFrames is Take with a bound on the number of frames.
func (c *Conn) TakeFrames(dst []byte, limit, frames int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.net != nil {
		return dst
	}
	start := len(dst)
	for frames > 0 {
		next := c.nextLocked(nil)
		n, room := len(next.bytes), max(limit-(len(dst)-start), 0)
		if n > room {
			n = next.fit(room)
		}
		if n == 0 || n > room && len(dst) > start {
			return dst
		}
		n, frames = cut(next.bytes[:n], frames)
		dst = append(dst, next.bytes[:n]...)
		c.wroteLocked(next, n)
	}
	return dst
}

// cut returns the length of the given number of whole frames at the start of p, or of all its frames if it has fewer, and
// how many more frames may follow.
func cut(p []byte, frames int) (n, left int) {
	if frames == math.MaxInt {
		return len(p), frames
	}
	for n < len(p) && frames > 0 {
		n += wire.FrameLen(p[n:])
		frames--
	}
	return n, frames
}

// fit is the length of the frames at the start of a chunk that fit into room bytes, or of the first one if none fits.
func (next chunk) fit(room int) int {
	if r := next.from; r != nil {
		return r.place.fit(room).pos - r.place.pos
	}
	p := next.bytes
	n := wire.FrameLen(p)
	for n < len(p) {
		next := n + wire.FrameLen(p[n:])
		if next > room {
			break
		}
		n = next
	}
	return n
}
