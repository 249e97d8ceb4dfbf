package fanout

import (
	"sort"
	"sync/atomic"

	"scalable-chat/server/internal/stream"
)

// segment is a piece of the log. Committed bytes never change, so that readers need no lock.
type segment struct {
	buf  []byte                  // fixed size from the first frame on, nil before; written by Append only
	done atomic.Uint64           // what is committed: bytes in the low half, frames in the high; always whole frames
	next atomic.Pointer[segment] // set once, after the last change of done

	// Fixed from the start.
	log        *Log
	generation uint64        // of the log: a Reset begins a new one
	start      mark          // where it begins
	base       stream.Offset // the entry before the first one of this segment

	index []indexEntry // guarded by Log.mu
}

// indexEntry says where the frame of an entry ends.
type indexEntry struct {
	offset stream.Offset
	end    int
}

// commit lets readers see the first size bytes. Log.mu is held.
func (s *segment) commit(size int) {
	s.done.Store(uint64(len(s.index))<<32 | uint64(size))
}

// committed is how many bytes readers may see, and how many frames they are.
func (s *segment) committed() (size, frames int) {
	done := s.done.Load()
	return int(done & (1<<32 - 1)), int(done >> 32)
}

// lastOffset is the newest entry in the segment, or the one before it. Log.mu is held.
func (s *segment) lastOffset() stream.Offset {
	if n := len(s.index); n > 0 {
		return s.index[n-1].offset
	}
	return s.base
}

// frame is a frame of the segment. Log.mu is held.
func (s *segment) frame(i int) Frame {
	start := 0
	if i > 0 {
		start = s.index[i-1].end
	}
	return Frame{Offset: s.index[i].offset, Bytes: s.buf[start:s.index[i].end:s.index[i].end]}
}

// cursor is the place behind the first n frames of the segment. Log.mu is held.
func (s *segment) cursor(n int) Cursor {
	c := Cursor{place: place{seg: s, frames: n}, off: s.base}
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

// upTo returns the last frame boundary at or before pos. Log.mu is held.
func (s *segment) upTo(pos int) place {
	n := sort.Search(len(s.index), func(i int) bool { return s.index[i].end > pos })
	return s.cursor(n).place
}

// past returns the first frame boundary at or after pos. Log.mu is held.
func (s *segment) past(pos int) place {
	p := s.upTo(pos)
	if p.pos < pos {
		p = s.cursor(p.frames + 1).place
	}
	return p
}

// Cursor is a place between two frames of the log. It keeps the bytes behind it reachable, so it should not be kept
// longer than it takes to [Conn.Join] with it.
type Cursor struct {
	place
	off stream.Offset
}

// Offset is the last entry before the cursor: what a client at this place has seen.
func (c Cursor) Offset() stream.Offset { return c.off }

// place is where a reader stands: always between two frames. The zero place is nowhere.
type place struct {
	seg    *segment
	pos    int // bytes of seg before it
	frames int // frames of seg before it
}

// mark is a place by what was appended before it, in all generations.
type mark struct{ bytes, count int64 }

func (p place) mark() mark {
	return mark{p.seg.start.bytes + int64(p.pos), p.seg.start.count + int64(p.frames)}
}

// stale reports whether p is a place in a log that was reset since.
func (p place) stale() bool { return p.seg.generation != p.seg.log.head.Load().generation }

// evicted reports whether the window has left a reader at p behind.
func (p place) evicted() bool { return p.mark().bytes < p.seg.log.oldest.Load().start.bytes }

// behind reports whether a reader at p is further behind the head than half the window.
func (p place) behind() bool { return p.seg.log.apart(p.mark(), p.seg.log.mark(), 2) }

// past is the first frame boundary in the segment of p that is n bytes or more after p.
func (p place) past(n int) place {
	p.seg.log.mu.Lock()
	defer p.seg.log.mu.Unlock()
	return p.seg.past(p.pos + n)
}

// fit is the last frame boundary not more than n bytes after p, but at least one frame after it.
func (p place) fit(n int) place {
	p.seg.log.mu.Lock()
	defer p.seg.log.mu.Unlock()
	if fit := p.seg.upTo(p.pos + n); fit.pos > p.pos {
		return fit
	}
	return p.seg.past(p.pos + 1)
}

// chunk is a piece of what a connection is to get next.
type chunk struct {
	bytes []byte
	from  *reader // whose log it is from; nil if it is from none
	end   place   // where that reader stands after it
}

// ahead returns the committed, contiguous bytes after the place, which it first moves to the next segment if it stands
// at the end of a full one, and where they end. There are none at the head.
func (p *place) ahead() (bytes []byte, end place) {
	for {
		next := p.seg.next.Load() // before committed: once next is there, that is final
		size, frames := p.seg.committed()
		if p.pos < size {
			return p.seg.buf[p.pos:size], place{p.seg, size, frames}
		}
		if next == nil {
			return nil, place{}
		}
		*p = place{seg: next}
	}
}
