package main

import "time"

// usage is the resource use of processes: processor time since their start, and resident memory now. It is zero on systems
// other than Linux.
type usage struct {
	cpu time.Duration
	rss int64 // bytes
}

// usageOf sums the usage of processes on this machine; a process that has ended counts as zero.
func usageOf(pids []int) (sum usage) {
	for _, pid := range pids {
		sum.cpu += processCPU(pid)
		sum.rss += processRSS(pid)
	}
	return sum
}
