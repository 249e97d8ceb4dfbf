package cluster

import (
	"context"
	"errors"
	"net/netip"
	"testing"
)

func addresses(list ...string) []netip.Addr {
	var all []netip.Addr
	for _, s := range list {
		all = append(all, netip.MustParseAddr(s))
	}
	return all
}

func TestAddress(t *testing.T) {
	instances := addresses("10.9.0.1", "::ffff:10.9.0.2", "10.9.0.3")
	for name, c := range map[string]struct {
		cfg   AddressConfig
		local []netip.Addr
		want  string // empty: an error
	}{
		"configured":          {AddressConfig{Configured: "node-1.internal:9000", Port: 1}, nil, "node-1.internal:9000"},
		"one listen address":  {AddressConfig{Host: "127.0.0.1"}, addresses("10.0.0.5"), "127.0.0.1:8000"},
		"localhost":           {AddressConfig{Host: "localhost"}, addresses("10.0.0.5"), "localhost:8000"},
		"discovery":           {AddressConfig{Discovery: "chat"}, addresses("127.0.0.1", "10.0.0.5", "10.9.0.2"), "10.9.0.2:8000"},
		"discovery elsewhere": {AddressConfig{Discovery: "chat"}, addresses("127.0.0.1", "10.0.0.5"), "10.0.0.5:8000"},
		"discovery fails":     {AddressConfig{Discovery: "down"}, addresses("10.0.0.5"), "10.0.0.5:8000"},
		"first private":       {AddressConfig{Host: "0.0.0.0"}, addresses("127.0.0.1", "8.8.8.8", "192.168.1.4", "10.0.0.5"), "192.168.1.4:8000"},
		"IPv4 before IPv6":    {AddressConfig{Host: "::"}, addresses("fd00::1", "10.0.0.5"), "10.0.0.5:8000"},
		"IPv6 only":           {AddressConfig{}, addresses("::1", "fe80::1", "fd00::1"), "[fd00::1]:8000"},
		"public only":         {AddressConfig{}, addresses("127.0.0.1", "8.8.8.8"), ""},
		"shared space":        {AddressConfig{}, addresses("127.0.0.1", "8.8.8.8", "100.64.3.2"), "100.64.3.2:8000"},
		"no network":          {AddressConfig{}, addresses("127.0.0.1", "::1"), "127.0.0.1:8000"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.cfg.Port == 0 {
				c.cfg.Port = 8000
			}
			c.cfg.Local = func() ([]netip.Addr, error) { return c.local, nil }
			c.cfg.Resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
				if host != "chat" {
					return nil, errors.New("no such host")
				}
				return instances, nil
			}
			got, err := Address(t.Context(), c.cfg)
			equal(t, "address", got, c.want)
			equal(t, "failed", err != nil, c.want == "")
		})
	}
}

func TestAddressOfThisHost(t *testing.T) {
	if got, err := Address(t.Context(), AddressConfig{Port: 8000}); err != nil && !errors.Is(err, errNoAddress) {
		t.Fatalf("%q, %v", got, err)
	}
}
