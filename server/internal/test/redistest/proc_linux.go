package redistest

import "syscall"

// dieWithParent has the kernel end the server if the test binary is killed before it could clean up.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
