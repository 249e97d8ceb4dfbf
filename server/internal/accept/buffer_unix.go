//go:build unix

package accept

import (
	"net"
	"syscall"
)

// boundSendBuffer bounds what the system buffers for a client that does not read. The connections inherit it from the
// listener, so it costs none of them a system call.
func boundSendBuffer(l *net.TCPListener, bytes int) {
	raw, err := l.SyscallConn()
	if err != nil {
		return // it is closed
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, bytes) // a wish, as all sizes of buffers
	})
}
