//go:build !unix

package redistest

import "syscall"

// Processes cannot be frozen on this system: a test that sends one of these signals fails.
const (
	Freeze = syscall.Signal(0x13)
	Thaw   = syscall.Signal(0x12)
)
