//go:build !unix

package redistest

import "syscall"

// No process can be frozen here: a test that sends one of these signals fails.
const (
	Freeze = syscall.Signal(0x13)
	Thaw   = syscall.Signal(0x12)
)
