package hosts

import (
	"net/url"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestIsSecure(t *testing.T) {
	for address, want := range map[string]bool{
		"https://id.example/keys": true, "https://10.0.0.1": true, "http://localhost/keys": true, "http://LocalHost:80": true,
		"http://localhost.": true, "http://127.0.0.1/": true, "http://127.0.0.2:80/": true, "http://[::1]:80/": true,
		"http://[::ffff:127.0.0.1]/": true, "http://[0:0:0:0:0:0:0:1]/": true,
		"": false, "https:": false, "https:///keys": false, "http://id.example": false, "http://127.0.0.1.example": false,
		"http://localhost.example": false, "http://10.0.0.1": false, "http://0.0.0.0": false, "http://[::]": false, "http://127.1": false,
		"ftp://localhost": false, "//localhost": false, "file:///etc/passwd": false, "http://localhost@id.example": false,
	} {
		u, err := url.Parse(address)
		assert.NoError(t, err)
		assert.Equal(t, address, IsSecure(u), want)
	}
}

// TestAPI4_TrustedHosts: no name that a stranger registers is among them, however it is written.
func TestAPI4_TrustedHosts(t *testing.T) {
	for listening, all := range map[string]map[string]bool{
		"127.0.0.1:9100": {
			"127.0.0.1:9100": true, "127.0.0.1": true, "10.4.0.17:9100": true, "[::1]:9100": true, "[::1]": true, "[fd00::5]:1": true,
			"[fe80::1%eth0]:9100": true, "[::ffff:10.0.0.1]:9100": true, "localhost": true, "localhost:9100": true,
			"LOCALHOST:9100": true, "localhost.": true, "LocalHost.:9100": true, "": true, ":9100": true,
			"evil.example": false, "evil.example:9100": false, "127.0.0.1.evil.example:9100": false, "localhost.evil.example": false,
			"evil.localhost": false, "[::1].evil.example": false, "[::1].evil.example:9100": false, "127.0.0.1:9100:9100": false,
			"node-a:9100": false, ".": false, "..": false, "localhost..": false, "[evil.example]:9100": false, "[": false,
			"user@127.0.0.1": false, "127.0.0.1 ": false, "127.0.0.1,evil.example": false, "2130706433": false,
		},
		"Node-A.internal:9100": {
			"node-a.internal:9100": true, "NODE-A.INTERNAL.": true, "node-a.internal:80": true, "localhost:9100": true,
			"10.0.0.1": true, "node-a": false, "node-b.internal:9100": false, "x.node-a.internal": false,
		},
		":9100":        {"10.0.0.1:9100": true, ".": false, "node-a:9100": false, "evil.example": false},
		"[fd00::5]:91": {"[fd00::5]:91": true, "evil.example:91": false},
	} {
		trusted := Trusted(listening)
		for host, want := range all {
			assert.Equal(t, listening+" asked as "+host, trusted(host), want)
		}
	}
}
