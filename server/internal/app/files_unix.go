//go:build unix

package app

import (
	"math"
	"syscall"
)

// openFiles is how many files the process may have open; 0 is unknown or unlimited.
func openFiles() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || uint64(limit.Cur) > math.MaxInt32 {
		return 0
	}
	return int(limit.Cur)
}
