package chaos

import "syscall"

// dieWithParent makes the kernel kill a node if the test binary is killed before it can clean up.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
