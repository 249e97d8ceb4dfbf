//go:build unix

package main

import (
	"syscall"
	"time"
)

// ownCPU is the processor time of the load generator itself.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
