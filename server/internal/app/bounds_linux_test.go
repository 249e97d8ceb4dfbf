package app

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/siotest"
)

// dialFrom connects from one of the addresses of the loopback network.
func dialFrom(t *testing.T, from, to string) net.Conn {
	t.Helper()
	local := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))
	nc, err := (&net.Dialer{LocalAddr: local}).Dial("tcp", to)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	assert.NoError(t, nc.SetDeadline(time.Now().Add(patience)))
	return nc
}

// TestLIM13_OneAddressCannotHaveAllConnections: two thousand silent connections from one address leave room for others,
// and silent connections from many addresses leave room for new ones.
func TestLIM13_OneAddressCannotHaveAllConnections(t *testing.T) {
	a := start(t, "--max-connections=100", "--ops-addr=127.0.0.1:0")
	for range 2000 {
		dialFrom(t, "127.0.0.2", a.Addr())
	}
	assert.Eventually(t, "all are judged", func() bool {
		return a.scrape(t, `chat_refusals_total{reason="Too many sockets from one address"}`) == "1400"
	})

	assert.Equal(t, "connections", a.public.net.Len(), 600)
	join(t, a, "")

	for range 1000 {
		dialFrom(t, "127.0.0.3", a.Addr())
	}
	assert.Eventually(t, "all are judged", func() bool { return a.public.net.Len() == 1200 })
	join(t, a, "")
	say(t, open(t, a.url(), siotest.Options{Transport: siotest.Polling}), "hello")
	assert.Equal(t, "refused for all", a.scrape(t, `chat_refusals_total{reason="Too many sockets"}`), "0")

	for range 200 {
		dialFrom(t, "127.0.0.2", a.OpsAddr())
	}
	assert.Eventually(t, "the private port is bounded", func() bool { n := a.private.net.Len(); return n > 0 && n <= opsSockets/2 })
}
