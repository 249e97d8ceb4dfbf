package fanout

import (
	"sync/atomic"
	"time"
)

// lagBounds are the upper bounds of all classes of [Lags] but the last.
var lagBounds = [...]time.Duration{
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second,
}

// LagBounds are the upper bounds of all classes of [Lags] but the last, which has none. The caller must not change them.
func LagBounds() []time.Duration { return lagBounds[:] }

// Lags says how late frames of the logs reached the sockets: from the time stamp of the oldest frame in a write, its offset's, to
// the end of the write. The stamp is of the clock that made the offsets, in whole milliseconds; if that clock is ahead of this
// machine's, the lag is zero.
//
// It counts each write of a sweep that brought a connection up to the head. So it says what the server adds: neither a replay
// counts, nor a frame that goes with a private one, such as the ack of its sender, nor a client that does not read, for which see
// [Stats].Behind, nor a session that polls. A connection without a raw
// socket counts when everything that the sweep found is written, also if its client is slow.
type Lags struct {
	Counts [len(lagBounds) + 1]int64
	Sum    time.Duration
}

// lateness counts [Lags].
type lateness struct {
	counts [len(lagBounds) + 1]atomic.Int64
	sum    atomic.Int64 // nanoseconds
}

// add counts so many writes at the same moment; stamp, in milliseconds, is zero if no frame was waited for.
func (l *lateness) add(stamp uint64, now time.Time, writes int64) {
	if stamp == 0 || writes == 0 {
		return
	}
	late := max(now.Sub(time.UnixMilli(int64(stamp))), 0)
	class := 0
	for class < len(lagBounds) && late > lagBounds[class] {
		class++
	}
	l.counts[class].Add(writes)
	l.sum.Add(int64(late) * writes)
}

func (l *lateness) addTo(sum *Lags) {
	for i := range l.counts {
		sum.Counts[i] += l.counts[i].Load()
	}
	sum.Sum += time.Duration(l.sum.Load())
}

// behindFor is how long [Stats].Behind remembers at least; twice that at most.
const behindFor = 15 * time.Second

// furthest is the largest of the values of the last moments. One goroutine notes them, any may read it.
type furthest struct {
	began       atomic.Int64 // of the current period, in nanoseconds since the epoch
	now, before atomic.Int64 // the largest of this period, and of the one before
}

// note takes a value.
func (f *furthest) note(value int64, at time.Time) {
	if age := time.Duration(at.UnixNano() - f.began.Load()); age >= behindFor || age < 0 {
		f.before.Store(f.now.Load())
		if age >= 2*behindFor {
			f.before.Store(0)
		}
		f.now.Store(0)
		f.began.Store(at.UnixNano())
	}
	f.now.Store(max(f.now.Load(), value))
}

// read returns the largest value.
func (f *furthest) read(at time.Time) int64 {
	switch age := time.Duration(at.UnixNano() - f.began.Load()); {
	case age >= 2*behindFor:
		return 0
	case age >= behindFor:
		return f.now.Load()
	}
	return max(f.now.Load(), f.before.Load())
}

// lostDistance is the distance, in the unit of [place.distance], at which a connection is [LostSlow].
const lostDistance = 1_000_000

// distance is how far a reader at p is behind the head, in millionths of the distance at which it is lost.
func (p place) distance() int64 {
	log, head, at := p.seg.log, p.seg.log.mark(), p.mark()
	return max(lostDistance*(head.bytes-at.bytes)/max(log.window.Load()/2, 1), lostDistance*(head.count-at.count)/max(log.maxCount/2, 1))
}
