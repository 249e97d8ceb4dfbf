package main

import (
	"math/bits"
	"time"
)

// latencies counts durations in buckets: exact below 64 µs, then 32 buckets for each doubling, so that a quantile is at most
// 3 % too high. The zero value is ready to use; it allocates only on first use.
type latencies struct {
	buckets []uint32
	count   int64
	max     time.Duration
}

const (
	subBits    = 5
	bucketsAll = (40 - subBits + 1) << subBits // up to 2^40 µs
)

func (l *latencies) add(d time.Duration) {
	if l.buckets == nil {
		l.buckets = make([]uint32, bucketsAll)
	}
	l.buckets[min(bucketOf(uint64(max(d, 0)/time.Microsecond)), bucketsAll-1)]++
	l.count++
	l.max = max(l.max, d)
}

func bucketOf(us uint64) int {
	shift := max(bits.Len64(us)-subBits-1, 0)
	return shift<<subBits + int(us>>shift)
}

// upper is the highest number of microseconds in bucket i.
func upper(i int) int64 {
	shift := max(i>>subBits-1, 0)
	return int64(i-shift<<subBits+1)<<shift - 1
}

func (l *latencies) merge(other *latencies) {
	if other.buckets == nil {
		return
	}
	if l.buckets == nil {
		l.buckets = make([]uint32, bucketsAll)
	}
	for i, n := range other.buckets {
		l.buckets[i] += n
	}
	l.count += other.count
	l.max = max(l.max, other.max)
}

// quantile returns the duration that a share q of all, 0 < q <= 1, does not exceed; 0 if there are none.
func (l *latencies) quantile(q float64) time.Duration {
	rank := int64(q * float64(l.count))
	for i, n := range l.buckets {
		if rank -= int64(n); rank < 0 {
			return min(time.Duration(upper(i))*time.Microsecond, l.max)
		}
	}
	return l.max
}
