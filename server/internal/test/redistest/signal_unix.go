//go:build unix

package redistest

import "syscall"

// The signals that stop a process where it is, and that let it go on.
const (
	Freeze = syscall.SIGSTOP
	Thaw   = syscall.SIGCONT
)
