package main

import "time"

// usage is what processes have used: processor time since their start, and resident memory now. On systems other than
// Linux it stays zero.
type usage struct {
	cpu time.Duration
	rss int64 // bytes
}

// usageOf sums over processes of this machine; one that is gone counts as nothing.
func usageOf(pids []int) (sum usage) {
	for _, pid := range pids {
		sum.cpu += processCPU(pid)
		sum.rss += processRSS(pid)
	}
	return sum
}
