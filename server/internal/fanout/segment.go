package fanout

import (
	"sort"
	"sync/atomic"

	"scalable-chat/server/internal/stream"
)

// segment is a piece of the log. Committed bytes never change, so that readers need no lock.
type segment struct {
	buf  []byte                  // fixed size from the first frame on, nil before; written by Append only
	done atomic.Uint64           // committed bytes in the low half, frames in the high; always whole frames
	next atomic.Pointer[segment] // set once, after the last change of done

	// Fixed from the start.
	log        *Log
	generation uint64        // of the log: a Reset begins a new one
	start      mark          // the place of its first byte
	base       stream.Offset // the entry before the first one of this segment

	index []indexEntry // guarded by Log.mu
}

// indexEntry is the end of an entry's frame.
type indexEntry struct {
	offset stream.Offset
	end    int
}

// commit makes the first size bytes visible to readers. The caller holds Log.mu.
func (s *segment) commit(size int) {
	s.done.Store(uint64(len(s.index))<<32 | uint64(size))
}

// committed returns how many bytes, and how many frames, readers may see.
func (s *segment) committed() (size, frames int) {
	done := s.done.Load()
	return int(done & (1<<32 - 1)), int(done >> 32)
}

// lastOffset is the newest entry in the segment, or the one before an empty segment. The caller holds Log.mu.
func (s *segment) lastOffset() stream.Offset {
	if n := len(s.index); n > 0 {
		return s.index[n-1].offset
	}
	return s.base
}

// frame is the segment's frame i. The caller holds Log.mu.
func (s *segment) frame(i int) Frame {
	start := 0
	if i > 0 {
		start = s.index[i-1].end
	}
	return Frame{Offset: s.index[i].offset, Bytes: s.buf[start:s.index[i].end:s.index[i].end]}
}

// cursor is the place after the first n frames of the segment. The caller holds Log.mu.
func (s *segment) cursor(n int) Cursor {
	c := Cursor{place: place{seg: s, frames: n}, off: s.base}
	if n > 0 {
		c.pos, c.off = s.index[n-1].end, s.index[n-1].offset
	}
	return c
}

// after is the place right after the entry with the given offset, if the segment holds it. The caller holds Log.mu.
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

// upTo returns the last frame boundary at or before pos. The caller holds Log.mu.
func (s *segment) upTo(pos int) place {
	n := sort.Search(len(s.index), func(i int) bool { return s.index[i].end > pos })
	return s.cursor(n).place
}

// past returns the first frame boundary at or after pos. The caller holds Log.mu.
func (s *segment) past(pos int) place {
	p := s.upTo(pos)
	if p.pos < pos {
		p = s.cursor(p.frames + 1).place
	}
	return p
}

// Cursor is a place between two frames of the log. It keeps the bytes after it reachable, so drop it after the [Conn.Join]
// that uses it.
type Cursor struct {
	place
	off stream.Offset
}

// Offset is the last entry before the cursor: a client at this place has seen it and all entries before it.
func (c Cursor) Offset() stream.Offset { return c.off }

// place is a reader's position, always between two frames. The zero place is nowhere.
type place struct {
	seg    *segment
	pos    int // bytes of seg before it
	frames int // frames of seg before it
}

// mark is a place as the totals appended before it, over all generations.
type mark struct{ bytes, count int64 }

func (p place) mark() mark {
	return mark{p.seg.start.bytes + int64(p.pos), p.seg.start.count + int64(p.frames)}
}

// stale reports whether the log of p was reset since.
func (p place) stale() bool { return p.seg.generation != p.seg.log.head.Load().generation }

// evicted reports whether p lies before the window.
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

// chunk is the next piece for a connection.
type chunk struct {
	bytes []byte
	from  *reader // the reader of its log; nil if it is from no log
	end   place   // the reader's place after it
}

// ahead returns the committed, contiguous bytes after the place, and the place where they end. It first moves a place at
// the end of a full segment to the next one. At the head there are no bytes.
func (p *place) ahead() (bytes []byte, end place) {
	for {
		next := p.seg.next.Load() // before committed: once next is set, committed is final
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
