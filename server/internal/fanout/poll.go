package fanout

import "encoding/binary"

// Take is how a connection without a socket is read: it appends whole frames to dst, private ones first, as many as fit
// into limit bytes but at least one if there is any, and moves the cursor behind them. Once a socket is attached, or the
// connection closed, it takes nothing.
func (c *Conn) Take(dst []byte, limit int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.net != nil {
		return dst
	}
	start := len(dst)
	for {
		p := c.nextLocked()
		room := limit - (len(dst) - start)
		if len(p) == 0 || room <= 0 {
			return dst
		}
		if len(p) > room {
			p = p[:c.fitLocked(p, room)]
		}
		if len(p) > room && len(dst) > start {
			return dst
		}
		dst = append(dst, p...)
		c.advanceLocked(len(p))
	}
}

// fitLocked is the length of the frames at the start of p that fit into room, or of the first one if none does.
func (c *Conn) fitLocked(p []byte, room int) int {
	if len(c.private) == 0 {
		return c.log.boundaryBefore(c.place, c.place.pos+room) - c.place.pos
	}
	n := frameLen(p)
	for n < len(p) {
		next := n + frameLen(p[n:])
		if next > room {
			break
		}
		n = next
	}
	return n
}

// frameLen is the length of the server's WebSocket frame at the start of p: header and payload (RFC 6455, section 5.2).
func frameLen(p []byte) int {
	switch n := int(p[1] & 127); n {
	case 126:
		return 4 + int(binary.BigEndian.Uint16(p[2:]))
	case 127:
		return 10 + int(binary.BigEndian.Uint64(p[2:]))
	default:
		return 2 + n
	}
}
