package fanout

import (
	"context"
	"sort"
	"sync"
	"sync/atomic"

	"scalable-chat/server/internal/stream"
)

// Window bounds a log. Zero values take those of [DefaultWindow].
type Window struct {
	MaxCount int // frames. Whole segments are dropped, so a few more may stay
	MaxBytes int // bytes
	// Budget bounds the window together with those of other logs; nil: none does. A log with a budget must be closed.
	Budget *Budget
}

// DefaultWindow is 10,000 frames or 16 MiB of them.
var DefaultWindow = Window{MaxCount: 10_000, MaxBytes: 16 << 20}

// The sizes of a segment in bytes, unless a single frame is larger: a log begins with a small segment, and each one is twice
// as large as the one before, so that a quiet log costs little.
const (
	minSegment  = 1 << 10
	segmentSize = 64 << 10
)

// Log is one stream of final frames, and the window of it that is kept. Its methods may be called from any goroutine.
type Log struct {
	sweepers           *Sweepers
	maxCount, maxBytes int64
	segBytes, segCount int
	oldest, head       atomic.Pointer[segment] // the ends of the window; Append writes to head
	window             atomic.Int64            // maxBytes, or fewer while the budget keeps the window small

	mu         sync.Mutex // guards appending, the index of every segment, and the fields below
	segments   []*segment // the window, from oldest to head
	generation uint64     // counts the resets
	total      mark       // all that was appended
	grown      chan struct{}
	budget     *Budget // nil without one, and once closed
	held       int64   // what the segments hold: their buffers, and the indexes of all but the newest
	shrunk     bool    // the budget keeps the window small
}

// Frame is one entry of the stream in its final form: a whole WebSocket frame. Append copies it.
type Frame struct {
	Offset stream.Offset
	Bytes  []byte
}

func newLog(s *Sweepers, base stream.Offset, w Window) *Log {
	if w.MaxCount <= 0 {
		w.MaxCount = DefaultWindow.MaxCount
	}
	if w.MaxBytes <= 0 {
		w.MaxBytes = DefaultWindow.MaxBytes
	}
	l := &Log{
		sweepers: s,
		maxCount: int64(w.MaxCount),
		maxBytes: int64(w.MaxBytes),
		// Small windows get small segments, because a window shrinks by whole segments.
		segBytes: min(segmentSize, max(w.MaxBytes/16, 1)),
		segCount: max(w.MaxCount/8, 1),
		budget:   w.Budget,
	}
	if l.budget != nil {
		l.budget.logs.Add(1)
	}
	l.resetLocked(base)
	return l
}

// lag bounds how far the sweepers may be behind: one lag-th of the window. So a reader that falls behind by half the window
// between two sweeps is still in the window when the second sweep sees it.
const lag = 8

// Append adds frames in the order of their offsets, which must be beyond [Log.Head], and wakes the sweepers. It waits for
// sweepers that are behind by an eighth of the window, but never for a client.
func (l *Log) Append(frames []Frame) {
	for len(frames) > 0 {
		for _, s := range l.sweepers.shards {
			s.keepUp(l)
		}
		n := l.portion(frames)
		l.append(frames[:n])
		frames = frames[n:]
	}
}

// portion is how many of the frames to add before Append waits for the sweepers again.
func (l *Log) portion(frames []Frame) (n int) {
	size := int64(0)
	for n < len(frames) && (n == 0 || int64(n) < l.maxCount/lag && size < l.window.Load()/lag) {
		size += int64(len(frames[n].Bytes))
		n++
	}
	return n
}

func (l *Log) append(frames []Frame) {
	l.mu.Lock()
	seg := l.segments[len(l.segments)-1]
	size, _ := seg.committed()
	for _, f := range frames {
		switch {
		case seg.buf == nil:
			seg.buf = make([]byte, l.sizeFor(seg, len(f.Bytes))) // no reader looks before the first commit
			l.chargeLocked(int64(len(seg.buf)))
		case size+len(f.Bytes) > len(seg.buf) || len(seg.index) >= l.segCount:
			seg.commit(size)
			seg = l.growLocked(seg, len(f.Bytes))
			size = 0
		}
		size += copy(seg.buf[size:], f.Bytes)
		seg.index = append(seg.index, indexEntry{offset: f.Offset, end: size})
		l.total.count++
		l.total.bytes += int64(len(f.Bytes))
	}
	seg.commit(size)
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
	l.mu.Unlock()
	l.wakeAll(frames[0].Offset.Ms)
}

// growLocked adds a segment after seg and drops the oldest segments that the window no longer holds.
func (l *Log) growLocked(seg *segment, atLeast int) *segment {
	next := l.newSegmentLocked(seg.lastOffset())
	next.buf = make([]byte, l.sizeFor(seg, atLeast))
	l.chargeLocked(int64(len(next.buf)) + entryCost*int64(len(seg.index)))
	l.segments = append(l.segments, next)
	seg.next.Store(next)
	l.head.Store(next)
	l.shrinkLocked(int64(len(next.buf)))
	return next
}

// sizeFor is the size of the segment after before; it has room for atLeast bytes.
func (l *Log) sizeFor(before *segment, atLeast int) int {
	most := l.segBytes
	if l.budget.isUsedUp() {
		most = min(most, int(l.budget.share()/4)) // what it gives back are whole segments
	}
	return max(min(max(2*len(before.buf), minSegment), most), atLeast)
}

// newSegmentLocked makes a segment without a buffer: the first frame allocates it.
func (l *Log) newSegmentLocked(base stream.Offset) *segment {
	return &segment{
		log:        l,
		generation: l.generation,
		start:      l.total,
		base:       base,
	}
}

// Spare is how many frames may still be put before the oldest one: none if the window is full.
func (l *Log) Spare() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.segments[0].start
	if l.total.bytes-first.bytes >= l.maxBytes {
		return 0
	}
	return int(max(l.maxCount-(l.total.count-first.count), 0))
}

// Prepend puts frames, oldest first, before the oldest place of the log, which the caller has got from [Log.Back]; base is
// the entry before them. It is false, and changes nothing, if that is no longer the oldest place. The caller minds
// [Log.Spare] and [Log.Crowded]: what is beyond the window goes with the next growth.
func (l *Log) Prepend(oldest Cursor, base stream.Offset, frames []Frame) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.segments[0]
	if oldest.seg != first {
		return false
	}
	start := first.start
	start.count -= int64(len(frames))
	for _, f := range frames {
		start.bytes -= int64(len(f.Bytes))
	}
	var older []*segment
	for len(frames) > 0 || older == nil {
		seg := l.packLocked(start, base, frames)
		if len(older) > 0 {
			older[len(older)-1].next.Store(seg)
		}
		older = append(older, seg)
		start = place{seg, len(seg.buf), len(seg.index)}.mark()
		base, frames = seg.lastOffset(), frames[len(seg.index):]
	}
	older[len(older)-1].next.Store(first)
	l.segments = append(older, l.segments...)
	l.oldest.Store(older[0])
	l.enlistLocked()
	return true
}

// packLocked makes a segment of the first of the frames, as many as fit. It has exactly the size that they need.
func (l *Log) packLocked(start mark, base stream.Offset, frames []Frame) *segment {
	n, size := 0, 0
	for n < len(frames) && n < l.segCount && (n == 0 || size+len(frames[n].Bytes) <= l.segBytes) {
		size += len(frames[n].Bytes)
		n++
	}
	seg := &segment{log: l, generation: l.generation, start: start, base: base, index: make([]indexEntry, 0, n)}
	seg.buf = make([]byte, 0, size)
	for _, f := range frames[:n] {
		seg.buf = append(seg.buf, f.Bytes...)
		seg.index = append(seg.index, indexEntry{offset: f.Offset, end: len(seg.buf)})
	}
	seg.commit(size)
	l.chargeLocked(seg.cost())
	return seg
}

// Reset drops all frames and begins anew after base. Every connection that follows the log is lost with [LostReset].
func (l *Log) Reset(base stream.Offset) {
	l.mu.Lock()
	l.resetLocked(base)
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
	l.mu.Unlock()
	l.wakeAll(0)
}

func (l *Log) resetLocked(base stream.Offset) {
	l.generation++
	l.chargeLocked(-l.held)
	l.shrunk = false
	l.window.Store(l.maxBytes)
	seg := l.newSegmentLocked(base)
	l.segments = []*segment{seg}
	l.oldest.Store(seg)
	l.head.Store(seg)
}

// wakeAll has the log swept. stamp is that of the first new frame, zero if there is none.
func (l *Log) wakeAll(stamp uint64) {
	for _, s := range l.sweepers.shards {
		s.grew(l, stamp)
	}
}

// Head is the place after the newest frame.
func (l *Log) Head() Cursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.headLocked()
}

func (l *Log) headLocked() Cursor {
	seg := l.segments[len(l.segments)-1]
	return seg.cursor(len(seg.index))
}

// Back is the place n frames before the head, or the oldest place of the window if it holds fewer.
func (l *Log) Back(n int) Cursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n <= 0 {
		return l.headLocked()
	}
	for i := len(l.segments) - 1; i >= 0; i-- {
		seg := l.segments[i]
		if n < len(seg.index) {
			return seg.cursor(len(seg.index) - n)
		}
		n -= len(seg.index)
	}
	return l.segments[0].cursor(0)
}

// Before returns the n newest frames before the given offset (the zero Offset: the newest of all), newest first, or fewer if
// the window holds no more. The caller may keep their bytes, but not change them; the bytes keep their segment alive.
func (l *Log) Before(offset stream.Offset, n int) []Frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	var frames []Frame
	for i := len(l.segments) - 1; i >= 0; i-- {
		seg := l.segments[i]
		end := len(seg.index)
		if offset != (stream.Offset{}) {
			end = sort.Search(end, func(i int) bool { return seg.index[i].offset.Compare(offset) >= 0 })
		}
		for ; end > 0; end-- {
			if len(frames) >= n {
				return frames
			}
			frames = append(frames, seg.frame(end-1))
		}
	}
	return frames
}

// Next returns the n oldest frames after the given offset, oldest first, or fewer if there are no more yet. It is false, with
// no frames, if the window does not reach back to the offset: then the next frame may be gone. The caller may keep their
// bytes, but not change them; the bytes keep their segment alive.
func (l *Log) Next(offset stream.Offset, n int) ([]Frame, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.segments[0].base.IsZero() || offset.Compare(l.segments[0].base) < 0 {
		return nil, false
	}
	var frames []Frame
	for i := l.segmentOfLocked(offset); i < len(l.segments); i++ {
		seg := l.segments[i]
		at := sort.Search(len(seg.index), func(i int) bool { return seg.index[i].offset.Compare(offset) > 0 })
		for ; at < len(seg.index); at++ {
			if len(frames) >= n {
				return frames, true
			}
			frames = append(frames, seg.frame(at))
		}
	}
	return frames, true
}

// segmentOfLocked is the index of the newest segment that begins at or before the offset. The window reaches back to it.
func (l *Log) segmentOfLocked(offset stream.Offset) int {
	return sort.Search(len(l.segments), func(i int) bool { return l.segments[i].base.Compare(offset) > 0 }) - 1
}

// From is the place right before the oldest frame that is not before the given offset: the head if there is none yet.
func (l *Log) From(offset stream.Offset) Cursor {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, seg := range l.segments {
		if n := len(seg.index); n > 0 && seg.index[n-1].offset.Compare(offset) >= 0 {
			return seg.cursor(sort.Search(n, func(i int) bool { return seg.index[i].offset.Compare(offset) >= 0 }))
		}
	}
	return l.headLocked()
}

// After is the place right after the entry with the given offset. It is false if the window does not hold that exact entry.
func (l *Log) After(offset stream.Offset) (Cursor, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.segments) - 1; i >= 0; i-- {
		seg := l.segments[i]
		if offset.Compare(seg.base) < 0 {
			continue
		}
		return seg.after(offset)
	}
	return Cursor{}, false
}

// Reach waits until the head is at offset or beyond it, or the log is reset, or ctx ends.
func (l *Log) Reach(ctx context.Context, offset stream.Offset) {
	generation := l.head.Load().generation
	for {
		l.mu.Lock()
		if l.headLocked().off.Compare(offset) >= 0 || l.generation != generation {
			l.mu.Unlock()
			return
		}
		if l.grown == nil {
			l.grown = make(chan struct{})
		}
		grown := l.grown
		l.mu.Unlock()
		select {
		case <-grown:
		case <-ctx.Done():
			return
		}
	}
}

// apart reports whether two marks are further apart than one part-th of the window.
func (l *Log) apart(from, to mark, part int64) bool {
	return to.bytes-from.bytes > l.window.Load()/part || to.count-from.count > l.maxCount/part
}

// mark is the mark of the head.
func (l *Log) mark() mark {
	head := l.head.Load()
	size, frames := head.committed()
	return place{head, size, frames}.mark()
}
