package cluster

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// on makes addresses on one interface.
func on(name string, list ...string) []LocalAddress {
	var all []LocalAddress
	for _, a := range addresses(list...) {
		all = append(all, LocalAddress{Addr: a, Interface: name})
	}
	return all
}

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
		local []LocalAddress
		want  string // empty: an error
	}{
		"configured":          {AddressConfig{Configured: "node-1.internal:9000", Port: 1}, nil, "node-1.internal:9000"},
		"one listen address":  {AddressConfig{Host: "127.0.0.1"}, on("eth0", "10.0.0.5"), "127.0.0.1:8000"},
		"localhost":           {AddressConfig{Host: "localhost"}, on("eth0", "10.0.0.5"), "localhost:8000"},
		"discovery":           {AddressConfig{Discovery: "chat"}, on("eth0", "127.0.0.1", "10.0.0.5", "10.9.0.2"), "10.9.0.2:8000"},
		"discovery elsewhere": {AddressConfig{Discovery: "chat"}, on("eth0", "127.0.0.1", "10.0.0.5"), "10.0.0.5:8000"},
		"discovery fails":     {AddressConfig{Discovery: "down"}, on("eth0", "10.0.0.5"), "10.0.0.5:8000"},
		"first private":       {AddressConfig{Host: "0.0.0.0"}, on("eth0", "127.0.0.1", "8.8.8.8", "192.168.1.4", "10.0.0.5"), "192.168.1.4:8000"},
		"IPv4 before IPv6":    {AddressConfig{Host: "::"}, on("eth0", "fd00::1", "10.0.0.5"), "10.0.0.5:8000"},
		"IPv6 only":           {AddressConfig{}, on("eth0", "::1", "fe80::1", "fd00::1"), "[fd00::1]:8000"},
		"public only":         {AddressConfig{}, on("eth0", "127.0.0.1", "8.8.8.8"), ""},
		"shared space":        {AddressConfig{}, on("eth0", "127.0.0.1", "8.8.8.8", "100.64.3.2"), "100.64.3.2:8000"},
		"no network":          {AddressConfig{}, on("eth0", "127.0.0.1", "::1"), "127.0.0.1:8000"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.cfg.Port == 0 {
				c.cfg.Port = 8000
			}
			c.cfg.Local = func() ([]LocalAddress, error) { return c.local, nil }
			c.cfg.Resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
				if host != "chat" {
					return nil, errors.New("no such host")
				}
				return instances, nil
			}
			got, err := Address(t.Context(), c.cfg)
			assert.Equal(t, "address", got.Address, c.want)
			assert.Equal(t, "how it was found", got.How != "", c.want != "")
			assert.Equal(t, "failed", err != nil, c.want == "")
		})
	}
}

func TestAddressOfThisHost(t *testing.T) {
	if got, err := Address(t.Context(), AddressConfig{Port: 8000}); err != nil && !errors.Is(err, errNoAddress) {
		t.Fatalf("%+v, %v", got, err)
	}
}

// TestP7_BridgesAreTheLastChoice: every host has the same addresses on its bridges; others would reach themselves there.
func TestP7_BridgesAreTheLastChoice(t *testing.T) {
	for _, bridge := range []string{
		"docker0", "br-0123456789ab", "virbr0", "cni0", "podman1", "lxdbr0", "veth12ab", "flannel.1", "cali0a1b2c3d",
		"bridge100", "vmnet8", "vboxnet0", "vEthernet (WSL)",
	} {
		local := slices.Concat(on("lo", "127.0.0.1"), on(bridge, "172.17.0.1", "fd12::1"), on("eth0", "10.0.0.5"))
		cfg := AddressConfig{Port: 8000, Local: func() ([]LocalAddress, error) { return local, nil }}
		found, err := Address(t.Context(), cfg)
		assert.Equal(t, "error", err, nil)
		assert.Equal(t, "address beside "+bridge, found, FoundAddress{Address: "10.0.0.5:8000", How: "the first private address, of the interface eth0"})

		local = on(bridge, "172.17.0.1")
		found, err = Address(t.Context(), cfg)
		assert.Equal(t, "error", err, nil)
		assert.Equal(t, "address of "+bridge+" alone", found.Address, "172.17.0.1:8000")
		assert.Equal(t, "it may be wrong", found.Doubt, true)
	}
	for _, way := range []string{"eth0", "ens5", "wlan0", "br0", "bridge0", "bond0", "tailscale0", "wg0", "en0", "vEthernet"} {
		local := slices.Concat(on("docker0", "172.17.0.1"), on(way, "10.0.0.5"))
		found, err := Address(t.Context(), AddressConfig{Port: 8000, Local: func() ([]LocalAddress, error) { return local, nil }})
		assert.Equal(t, "error", err, nil)
		assert.Equal(t, "address of "+way, found.Address, "10.0.0.5:8000")
	}
	both := slices.Concat(on("docker0", "172.17.0.1"), on("eth0", "fd00::5"))
	for host, doubt := range map[string]bool{"": false, "::": false, "0.0.0.0": true} {
		found, err := Address(t.Context(), AddressConfig{Host: host, Port: 8000, Local: func() ([]LocalAddress, error) { return slices.Clone(both), nil }})
		assert.Equal(t, "error", err, nil)
		assert.Equal(t, "address that "+host+" has", found.Address, "[fd00::5]:8000")
		assert.Equal(t, host+" may be wrong", found.Doubt, doubt)
	}
	idle := LocalAddress{Addr: netip.MustParseAddr("192.168.9.1"), Interface: "mybridge", Idle: true}
	local := append([]LocalAddress{idle}, on("eth0", "fd00::5")...)
	found, err := Address(t.Context(), AddressConfig{Port: 8000, Local: func() ([]LocalAddress, error) { return local, nil }})
	assert.Equal(t, "error", err, nil)
	assert.Equal(t, "address beside an idle interface", found.Address, "[fd00::5]:8000")
}
