package accept

import (
	"net"
	"syscall"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// TestP6_TheSendBufferIsInherited: what the system holds for a connection that does not read is bounded from the start.
func TestP6_TheSendBufferIsInherited(t *testing.T) {
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err, "listen")
	defer nl.Close()
	const bytes = 50_000
	l := Limit(nl.(*net.TCPListener), Limits{SendBuffer: bytes}, Hooks{})
	client, err := net.Dial("tcp", nl.Addr().String())
	assert.NoError(t, err, "dial")
	defer client.Close()
	c, err := l.Accept()
	assert.NoError(t, err, "accept")
	defer c.Close()
	raw, err := c.(syscall.Conn).SyscallConn()
	assert.NoError(t, err, "raw")
	var got int
	assert.NoError(t, raw.Control(func(fd uintptr) {
		got, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF)
	}), "control")
	assert.NoError(t, err, "option")
	assert.Equal(t, "Linux doubles it for its own books", got, 2*bytes)
}
