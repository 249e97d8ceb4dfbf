//go:build !unix

package accept

import "net"

// boundSendBuffer does nothing: the buffers of these systems are not bounded.
func boundSendBuffer(*net.TCPListener, int) {}
