package subscriber

import (
	"net/netip"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestOf(t *testing.T) {
	for address, want := range map[string]string{
		"1.2.3.4":             "1.2.3.4/32",
		"::ffff:1.2.3.4":      "1.2.3.4/32",
		"1.2.3.5":             "1.2.3.5/32",
		"2001:db8:1:2::3":     "2001:db8:1:2::/64",
		"2001:db8:1:2:9:9::":  "2001:db8:1:2::/64",
		"2001:db8:1:3::3":     "2001:db8:1:3::/64",
		"fe80::1%eth0":        "fe80::/64",
		"::ffff:1.2.3.4%eth0": "1.2.3.4/32",
		"::1":                 "::/64",
	} {
		assert.Equal(t, address, Of(netip.MustParseAddr(address)), netip.MustParsePrefix(want))
	}
	assert.Equal(t, "unknown", Of(netip.Addr{}), netip.Prefix{})
}

func TestIsPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"203.0.113.1/32": true, "2001:db8:1:2::/64": true, "127.0.0.1/32": false, "10.1.2.3/32": false, "192.168.0.1/32": false,
		"172.16.0.1/32": false, "172.32.0.1/32": true, "100.64.0.1/32": false, "169.254.1.1/32": false, "::1/128": false,
		"fd00::/64": false, "fe80::/64": false, "0.0.0.0/32": false,
	} {
		assert.Equal(t, address, IsPublic(netip.MustParsePrefix(address)), want)
	}
	assert.Equal(t, "no address", IsPublic(netip.Prefix{}), false)
}
