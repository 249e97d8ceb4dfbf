package fanout

import (
	"sort"
	"sync/atomic"

	"scalable-chat/server/internal/stream"
)

// segment is a piece of the log. Published bytes never change, so that readers need no lock.
type segment struct {
	buf  []byte                  // fixed size; written by Append only
	size atomic.Int64            // how many bytes of buf are published; always a frame boundary
	next atomic.Pointer[segment] // set once, after the last change of size

	frames atomic.Int64 // how many frames that is, give or take those being published: for counting only

	// Fixed from the start.
	generation uint64        // of the log: a Reset begins a new one
	bytes      uint64        // bytes in the log before this segment
	count      uint64        // frames in the log before this segment
	base       stream.Offset // the entry before the first one of this segment

	index []indexEntry // guarded by Log.mu
}

// indexEntry says where the frame of an entry ends.
type indexEntry struct {
	offset stream.Offset
	end    int
}

// publish lets readers see the first size bytes. Log.mu is held.
func (s *segment) publish(size int) {
	s.frames.Store(int64(len(s.index)))
	s.size.Store(int64(size))
}

// lastOffset is the newest entry in the segment, or the one before it. Log.mu is held.
func (s *segment) lastOffset() stream.Offset {
	if n := len(s.index); n > 0 {
		return s.index[n-1].offset
	}
	return s.base
}

// cursor is the place behind the first n frames of the segment. Log.mu is held.
func (s *segment) cursor(n int) Cursor {
	c := Cursor{seg: s, off: s.base, count: s.count + uint64(n)}
	if n > 0 {
		c.pos, c.off = s.index[n-1].end, s.index[n-1].offset
	}
	return c
}

// after is the place right after the entry with the given offset, if the segment holds it. Log.mu is held.
func (s *segment) after(offset stream.Offset) (Cursor, bool) {
	if offset == s.base {
		return s.cursor(0), true
	}
	i := sort.Search(len(s.index), func(i int) bool { return s.index[i].offset.Compare(offset) >= 0 })
	if i == len(s.index) || s.index[i].offset != offset {
		return Cursor{}, false
	}
	return s.cursor(i + 1), true
}

// boundary returns the smallest frame end at or after pos. Log.mu is held.
func (s *segment) boundary(pos int) int {
	if pos == 0 {
		return 0
	}
	i := sort.Search(len(s.index), func(i int) bool { return s.index[i].end >= pos })
	if i == len(s.index) {
		return int(s.size.Load())
	}
	return s.index[i].end
}

// boundaryBefore returns the largest frame end at or before limit, but at least one frame after pos. Log.mu is held.
func (s *segment) boundaryBefore(pos, limit int) int {
	i := sort.Search(len(s.index), func(i int) bool { return s.index[i].end > limit })
	if i > 0 && s.index[i-1].end > pos {
		return s.index[i-1].end
	}
	return s.boundary(pos + 1)
}

// Cursor is a place between two frames of the log. It keeps the bytes behind it reachable, so it should not be kept
// longer than it takes to [Conn.Join] with it.
type Cursor struct {
	seg   *segment
	pos   int
	off   stream.Offset
	count uint64 // frames of the log before it
}

// Offset is the last entry before the cursor: what a client at this place has seen.
func (c Cursor) Offset() stream.Offset { return c.off }

// place is a cursor in motion; it may stand inside a frame.
type place struct {
	seg *segment
	pos int
}

// bytes returns the published, contiguous bytes after the place, which it first moves to the next segment if it stands
// at the end of a full one. The result is empty at the head.
func (p *place) bytes() []byte {
	for {
		next := p.seg.next.Load() // before size: once next is there, size is final
		size := int(p.seg.size.Load())
		if p.pos < size {
			return p.seg.buf[p.pos:size]
		}
		if next == nil {
			return nil
		}
		p.seg, p.pos = next, 0
	}
}
