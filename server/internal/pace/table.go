package pace

import (
	"sync"
	"time"
)

// leastSweep is the number of buckets below which a table keeps all of them.
const leastSweep = 64

// Table holds a bucket for each key, all of the same rate. It remembers only buckets that are not full and forgets the others
// from time to time, so it has no goroutine and needs no closing: its size follows from the tokens that were taken in the time
// in which a bucket fills. For a known key, and without a limit, it allocates nothing. Its methods may be called from any
// goroutine.
type Table[K comparable] struct {
	rate Rate

	mu     sync.Mutex
	levels map[K]Level
	sweep  int // so many buckets are looked through for full ones
}

// NewTable makes a table of full buckets; see [NewRate].
func NewTable[K comparable](rate, burst int) *Table[K] { return &Table[K]{rate: NewRate(rate, burst)} }

// Reserve takes a token of a key like [Bucket.Reserve].
func (t *Table[K]) Reserve(key K, now time.Duration) time.Duration {
	if t.rate == (Rate{}) {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	level := t.levels[key]
	wait := level.ReserveN(t.rate, now, 1)
	t.putLocked(key, level, now)
	return wait
}

// Take takes a token of a key if there is one now.
func (t *Table[K]) Take(key K, now time.Duration) bool {
	if t.rate == (Rate{}) {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	level := t.levels[key]
	if !level.Take(t.rate, now) {
		return false
	}
	t.putLocked(key, level, now)
	return true
}

// GiveBack returns a token of a key that was reserved and not used.
func (t *Table[K]) GiveBack(key K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if level, ok := t.levels[key]; ok {
		t.levels[key] = level - Level(t.rate.interval)
	}
}

// putLocked keeps the level of a key. Each sweep leaves room for as many keys as it found, so it costs a key little.
func (t *Table[K]) putLocked(key K, level Level, now time.Duration) {
	if len(t.levels) >= t.sweep {
		t.sweepLocked(now)
	}
	t.levels[key] = level
}

// sweepLocked forgets the buckets that are full. A new map gives the memory of a flood back.
func (t *Table[K]) sweepLocked(now time.Duration) {
	kept := make(map[K]Level)
	for key, level := range t.levels {
		if time.Duration(level) > now {
			kept[key] = level
		}
	}
	t.levels, t.sweep = kept, max(2*len(kept), leastSweep)
}
