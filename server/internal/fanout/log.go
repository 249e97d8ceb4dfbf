package fanout

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"scalable-chat/server/internal/stream"
)

// Options bound a log. Zero values take the defaults.
type Options struct {
	MaxCount int // frames in the retention window; default 10,000. Whole segments are dropped, so a few more may stay
	MaxBytes int // bytes in the retention window; default 16 MiB
	Shards   int // sweepers; default one for each core that Go may use

	// MaxPrivate bounds the private queue of a connection in bytes; default 1 MiB. A connection that exceeds it is lost.
	MaxPrivate int
}

// segmentSize is what one segment holds, unless a single frame is larger.
const segmentSize = 64 << 10

// Log is the shared log and the sweepers that move cursors over it. Its methods may be called from any goroutine.
type Log struct {
	maxCount, maxBytes int64
	maxPrivate         int
	segBytes, segCount int
	shards             []*shard
	nextShard          atomic.Uint32
	oldest, head       atomic.Pointer[segment] // the ends of the window; Append writes to head

	mu         sync.Mutex // guards appending, the index of every segment, and what follows
	segments   []*segment // the window, from oldest to head
	generation uint64     // counts the resets
	total      mark       // what was appended
	grown      chan struct{}
}

// Stats are totals since the start, except where it says now.
type Stats struct {
	Deliveries int64 // frames of the log written to or taken by a connection
	Writes     int64 // pieces of the log that they were written or taken in: one write(2) each
	Parks      int64 // times that a connection was parked
	Parked     int64 // connections parked now
}

// Frame is one entry of the stream in its final form: a whole WebSocket frame. Append copies it.
type Frame struct {
	Offset stream.Offset
	Bytes  []byte
}

// New starts the sweepers of an empty log in which base is the entry before the first one to come. [Log.Close] ends it.
func New(base stream.Offset, o Options) *Log {
	if o.MaxCount <= 0 {
		o.MaxCount = 10_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 16 << 20
	}
	if o.Shards <= 0 {
		o.Shards = runtime.GOMAXPROCS(0)
	}
	if o.MaxPrivate <= 0 {
		o.MaxPrivate = 1 << 20
	}
	l := &Log{
		maxCount:   int64(o.MaxCount),
		maxBytes:   int64(o.MaxBytes),
		maxPrivate: o.MaxPrivate,
		// Small windows get small segments, because a window shrinks by whole segments.
		segBytes: min(segmentSize, max(o.MaxBytes/16, 1)),
		segCount: max(o.MaxCount/8, 1),
	}
	l.resetLocked(base)
	for range o.Shards {
		l.shards = append(l.shards, newShard(l))
	}
	return l
}

// Close stops the sweepers and waits for them: the log is delivered no further. Connections are the owner's to close;
// until then they write their private frames, and what is pending of the log on one that is parked. Call it once.
func (l *Log) Close() {
	for _, s := range l.shards {
		s.end()
	}
	for _, s := range l.shards {
		<-s.done
	}
}

// lag is the part of the window by which the sweepers may be behind: one in so many. It keeps who falls behind by half
// the window between two sweeps from being left behind by the window before the second one sees it.
const lag = 8

// Append adds frames in the order of their offsets, which must be beyond [Log.Head], and wakes the sweepers. It waits for
// them if they are behind by an eighth of the window, but for no client.
func (l *Log) Append(frames []Frame) {
	for len(frames) > 0 {
		for _, s := range l.shards {
			s.keepUp()
		}
		n := l.portion(frames)
		l.append(frames[:n])
		frames = frames[n:]
	}
}

// portion is how many of the frames to add before the sweepers have to keep up again.
func (l *Log) portion(frames []Frame) (n int) {
	size := int64(0)
	for n < len(frames) && (n == 0 || int64(n) < l.maxCount/lag && size < l.maxBytes/lag) {
		size += int64(len(frames[n].Bytes))
		n++
	}
	return n
}

func (l *Log) append(frames []Frame) {
	l.mu.Lock()
	seg := l.segments[len(l.segments)-1]
	size, _ := seg.published()
	for _, f := range frames {
		if size+len(f.Bytes) > len(seg.buf) || len(seg.index) >= l.segCount {
			seg.publish(size)
			seg = l.growLocked(seg, len(f.Bytes))
			size = 0
		}
		size += copy(seg.buf[size:], f.Bytes)
		seg.index = append(seg.index, indexEntry{offset: f.Offset, end: size})
		l.total.count++
		l.total.bytes += int64(len(f.Bytes))
	}
	seg.publish(size)
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
	l.mu.Unlock()
	l.wakeAll()
}

// growLocked adds a segment behind seg and drops from the other end what the window no longer holds.
func (l *Log) growLocked(seg *segment, atLeast int) *segment {
	next := l.newSegmentLocked(seg.lastOffset(), atLeast)
	l.segments = append(l.segments, next)
	seg.next.Store(next)
	l.head.Store(next)

	drop := 0
	for drop < len(l.segments)-1 {
		first, second := l.segments[drop].start, l.segments[drop+1].start
		if l.total.bytes-first.bytes <= l.maxBytes && l.total.count-second.count < l.maxCount {
			break
		}
		drop++
	}
	l.segments = append(l.segments[:0], l.segments[drop:]...)
	clear(l.segments[len(l.segments):cap(l.segments)])
	l.oldest.Store(l.segments[0])
	return next
}

func (l *Log) newSegmentLocked(base stream.Offset, atLeast int) *segment {
	return &segment{
		buf:        make([]byte, max(l.segBytes, atLeast)),
		generation: l.generation,
		start:      l.total,
		base:       base,
	}
}

// Reset forgets everything and begins anew behind base. Every connection that follows the log is lost with [LostReset].
func (l *Log) Reset(base stream.Offset) {
	l.mu.Lock()
	l.resetLocked(base)
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
	l.mu.Unlock()
	l.wakeAll()
}

func (l *Log) resetLocked(base stream.Offset) {
	l.generation++
	seg := l.newSegmentLocked(base, 0)
	l.segments = []*segment{seg}
	l.oldest.Store(seg)
	l.head.Store(seg)
}

func (l *Log) wakeAll() {
	for _, s := range l.shards {
		s.wakeUp()
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

// After is the place right after the entry with the given offset. It is false if exactly that entry is not in the window.
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

// Stats reads the counters.
func (l *Log) Stats() Stats {
	var sum Stats
	for _, s := range l.shards {
		sum.Deliveries += s.deliveries.Load()
		sum.Writes += s.writes.Load()
		sum.Parks += s.parks.Load()
		sum.Parked += s.parked.Load()
	}
	return sum
}

// stale reports whether p is a place in a log that was reset since.
func (l *Log) stale(p place) bool { return p.seg.generation != l.head.Load().generation }

// evicted reports whether the window has left a reader at p behind.
func (l *Log) evicted(p place) bool { return p.mark().bytes < l.oldest.Load().start.bytes }

// behind reports whether a reader at p is further behind the head than half the window.
func (l *Log) behind(p place) bool { return l.apart(p.mark(), l.mark(), 2) }

// apart reports whether there is more between two marks than the given part of the window.
func (l *Log) apart(from, to mark, part int64) bool {
	return to.bytes-from.bytes > l.maxBytes/part || to.count-from.count > l.maxCount/part
}

// mark is where the head is.
func (l *Log) mark() mark {
	head := l.head.Load()
	size, frames := head.published()
	return place{head, size, frames}.mark()
}

// past is the first frame boundary in the segment of p that is n bytes or more after p.
func (l *Log) past(p place, n int) place {
	l.mu.Lock()
	defer l.mu.Unlock()
	return p.seg.past(p.pos + n)
}

// fit is the last frame boundary not more than n bytes after p, but at least one frame after it.
func (l *Log) fit(p place, n int) place {
	l.mu.Lock()
	defer l.mu.Unlock()
	if fit := p.seg.upTo(p.pos + n); fit.pos > p.pos {
		return fit
	}
	return p.seg.past(p.pos + 1)
}
