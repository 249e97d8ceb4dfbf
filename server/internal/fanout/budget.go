package fanout

import (
	"sync"
	"sync/atomic"
)

const (
	// entryCost is what the index keeps for each frame, in bytes.
	entryCost = 24

	// leastShare is the least share of a log, in bytes, however many logs share a budget.
	leastShare = 4 << 10

	// yieldAtOnce is how many logs have to give something back at once.
	yieldAtOnce = 16
)

// Budget bounds the memory of several logs together: the bytes of their frames and of their indexes. While it is used up, a
// log that grows gives back its own oldest frames, down to an equal share of the budget, but at most twice what it takes: so
// its window shrinks slowly enough that the sweepers still find each slow reader before its place is gone. Logs that hold
// less than their share give nothing, and older frames for a recovery may exceed the budget by half. So all together may hold
// up to twice the limit, until [Budget.Full] takes back what silent logs hold beyond their shares. All methods may be called
// from any goroutine.
type Budget struct {
	limit, used, logs atomic.Int64

	mu    sync.Mutex        // taken after Log.mu
	large map[*Log]struct{} // hold more than their share, or did
}

// NewBudget makes a budget of so many bytes.
func NewBudget(limit int64) *Budget {
	b := &Budget{large: map[*Log]struct{}{}}
	b.limit.Store(limit)
	return b
}

// Full reports whether the logs use the budget up. Their owner then opens no more of them. Each time that it is used up, some
// of the logs that hold more than their share give back an eighth, whether they grow or not.
func (b *Budget) Full() bool {
	if !b.isUsedUp() {
		return false
	}
	for _, l := range b.some() {
		l.yield()
	}
	return b.isUsedUp()
}

// isUsedUp is [Budget.Full] without a consequence. A nil budget is never used up.
func (b *Budget) isUsedUp() bool { return b != nil && b.used.Load() >= b.limit.Load() }

// Used is what all logs hold now, in bytes.
func (b *Budget) Used() int64 { return b.used.Load() }

// Logs is how many logs are open.
func (b *Budget) Logs() int { return int(b.logs.Load()) }

// share is what a log may hold in any case, in bytes.
func (b *Budget) share() int64 { return max(b.limit.Load()/max(b.logs.Load(), 1), leastShare) }

// demands reports whether a log that holds so many bytes has to give some back.
func (b *Budget) demands(held int64) bool { return b.isUsedUp() && held > b.share() }

// some returns a few of the logs that have something to give. They leave the list, and come back when they grow or still have more to give.
func (b *Budget) some() []*Log {
	b.mu.Lock()
	defer b.mu.Unlock()
	var some []*Log
	for l := range b.large {
		if len(some) == yieldAtOnce {
			break
		}
		some = append(some, l)
		delete(b.large, l)
	}
	return some
}

// enlistLocked notes that the log may have to give something back although it does not grow.
func (l *Log) enlistLocked() {
	b := l.budget
	if b == nil || len(l.segments) == 1 || l.held <= b.share() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.large[l] = struct{}{}
}

// Crowded reports whether there is no memory for older frames now: the logs exceed their budget by half. Then some of them give
// something back, so that there may be a little later.
func (l *Log) Crowded() bool {
	l.mu.Lock()
	b := l.budget
	l.mu.Unlock()
	return b.isExceeded() && b.Full() && b.isExceeded()
}

// isExceeded reports whether the logs use one and a half times the budget. A nil budget is never exceeded.
func (b *Budget) isExceeded() bool { return b != nil && b.used.Load() >= b.limit.Load()/2*3 }

// forget drops a log.
func (b *Budget) forget(l *Log) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.large, l)
}

// yield gives back an eighth of what the log holds, if the budget demands it, and has slow readers looked for.
func (l *Log) yield() {
	l.mu.Lock()
	if l.budget != nil {
		l.shrinkLocked(l.held / 16)
	}
	l.mu.Unlock()
	l.wakeAll(0)
}

// chargeLocked counts bytes that the log takes, or gives back.
func (l *Log) chargeLocked(n int64) {
	l.held += n
	if l.budget != nil {
		l.budget.used.Add(n)
	}
}

// cost is what a segment that grows no more holds.
func (s *segment) cost() int64 { return int64(len(s.buf)) + entryCost*int64(len(s.index)) }

// Bytes is the memory that the window holds: that of its frames and of their index, in bytes.
func (l *Log) Bytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

// Close gives what the log holds back to its budget; the log is not counted from then on. Only a log with a budget needs
// it. A closed log stays what it is until nothing refers to it.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.budget != nil {
		l.budget.used.Add(-l.held)
		l.budget.logs.Add(-1)
		l.budget.forget(l)
		l.budget = nil
	}
}

// shrinkLocked drops the oldest segments that the window or the budget no longer holds; of those that only the budget demands
// about twice as many bytes as growth, which is mostly the size of the newest segment. A window that had to shrink stays one for the rules of slow readers, until it has its full size again.
func (l *Log) shrinkLocked(growth int64) {
	drop, given := 0, int64(0)
	for drop < len(l.segments)-1 {
		demanded := given < 2*growth && l.budget.demands(l.held)
		if !demanded && !l.exceedsLocked(drop) {
			break
		}
		l.shrunk = demanded
		cost := l.segments[drop].cost()
		l.chargeLocked(-cost)
		given += cost
		drop++
	}
	l.segments = append(l.segments[:0], l.segments[drop:]...)
	clear(l.segments[len(l.segments):cap(l.segments)])
	l.oldest.Store(l.segments[0])
	limit := l.maxBytes
	if l.shrunk {
		// The newest segment may be empty still. Who has everything before it is not slow when it is full.
		newest := 2 * int64(len(l.segments[len(l.segments)-1].buf))
		limit = min(limit, max(l.total.bytes-l.segments[0].start.bytes, newest, leastShare))
	}
	l.window.Store(limit)
	l.enlistLocked()
}

// exceedsLocked reports whether the window is still full without its oldest segments up to this one.
func (l *Log) exceedsLocked(drop int) bool {
	first, second := l.segments[drop].start, l.segments[drop+1].start
	return l.total.bytes-first.bytes > l.maxBytes || l.total.count-second.count >= l.maxCount
}
