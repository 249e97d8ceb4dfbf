//go:build unix

package fanout

import "syscall"

// setReadBuffer must be called before the connection is made: the offered window is larger otherwise.
func setReadBuffer(fd uintptr, bytes int) {
	_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, bytes)
}
