//go:build unix

package accept

import (
	"net"
	"syscall"
)

// boundSendBuffer bounds what the kernel buffers for a client that does not read. Connections inherit the bound from the
// listener, without a system call of their own.
func boundSendBuffer(l *net.TCPListener, bytes int) {
	raw, err := l.SyscallConn()
	if err != nil {
		return // it is closed
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, bytes) // best effort
	})
}
