//go:build windows

package fanout

import "syscall"

// setReadBuffer has to be called before the connection is made, or the window that was offered is larger.
func setReadBuffer(fd uintptr, bytes int) {
	_ = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, bytes)
}
