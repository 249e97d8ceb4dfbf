package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
)

// AddressConfig is what is known about this node's address.
type AddressConfig struct {
	Configured string // NODE_ADDRESS, host:port; wins over everything
	Host       string // the address that the server listens on; empty or unspecified means all
	Port       int    // the port that the server listens on
	// Discovery is a name that resolves to all instances of this service (Render's RENDER_DISCOVERY_SERVICE); empty
	// where there is none.
	Discovery string
	// Resolve and Local stand in for the resolver and the network interfaces in tests; nil means the real ones.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	Local   func() ([]LocalAddress, error)
}

// LocalAddress is an address of this host and the network interface that has it.
type LocalAddress struct {
	Addr      netip.Addr
	Interface string
	Idle      bool // nothing is connected to the interface (a bridge without containers), or the server does not listen there
}

// FoundAddress is the address at which other nodes reach this one.
type FoundAddress struct {
	Address string // host:port
	How     string // in words, for the log
	Doubt   bool   // it may lead other hosts to themselves
}

// carrierGrade is the shared address space of RFC 6598, which some platforms use between instances. It is not reached
// from the internet either.
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// bridges matches the interfaces that container engines and hypervisors make for what runs on this host. Every host has
// the same addresses there, so another host would reach itself.
var bridges = regexp.MustCompile(`^(docker|podman|cni|cbr|lxcbr|lxdbr|incusbr|virbr|vmnet|vboxnet|veth|cali|flannel|nerdctl|weave|cilium_)|^(br-[0-9a-f]{12}|bridge1[0-9]{2}|vEthernet \(.*\))$`)

var errNoAddress = errors.New("no private address found at which other nodes could reach this one; set NODE_ADDRESS")

// Address returns the host:port at which other nodes reach this one. In this order: what is configured; the one address
// that the server listens on; the local address that the discovery name resolves to; the first private address, those of
// bridges last; and on a host without any network, loopback. A public address is only used when it is configured. An error
// names the setting to correct. A discovery that is not answered is skipped.
func Address(ctx context.Context, cfg AddressConfig) (FoundAddress, error) {
	if cfg.Configured != "" {
		return FoundAddress{Address: cfg.Configured, How: "NODE_ADDRESS"}, nil
	}
	if host, err := netip.ParseAddr(cfg.Host); err == nil && !host.IsUnspecified() {
		return FoundAddress{Address: hostPort(host, cfg.Port), How: "HOST"}, nil
	} else if cfg.Host == "localhost" {
		return FoundAddress{Address: net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port)), How: "HOST"}, nil
	}
	local := cfg.Local
	if local == nil {
		local = interfaceAddresses
	}
	own, err := local()
	if err != nil {
		return FoundAddress{}, fmt.Errorf("network interfaces: %w", err)
	}
	if found, ok := discovered(ctx, cfg, own); ok {
		return FoundAddress{Address: hostPort(found, cfg.Port), How: cfg.Discovery + " resolves to it"}, nil
	}
	if cfg.Host == "0.0.0.0" { // which is IPv4 only
		for i := range own {
			own[i].Idle = own[i].Idle || own[i].Addr.Is6()
		}
	}
	return privateAddress(own, cfg.Port)
}

// discovered returns the address that both the discovery name and this host have.
func discovered(ctx context.Context, cfg AddressConfig, own []LocalAddress) (netip.Addr, bool) {
	if cfg.Discovery == "" {
		return netip.Addr{}, false
	}
	resolve := cfg.Resolve
	if resolve == nil {
		resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	instances, err := resolve(ctx, cfg.Discovery)
	if err != nil {
		return netip.Addr{}, false
	}
	for _, a := range instances {
		a = a.Unmap()
		if slices.ContainsFunc(own, func(l LocalAddress) bool { return l.Addr == a }) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// privateAddress prefers interfaces that lead out of the host, and IPv4, which every node of a mixed network can reach.
func privateAddress(own []LocalAddress, port int) (FoundAddress, error) {
	slices.SortStableFunc(own, func(a, b LocalAddress) int {
		return cmp.Or(a.detour()-b.detour(), a.Addr.BitLen()-b.Addr.BitLen())
	})
	connected := false
	for _, a := range own {
		if a.Addr.IsPrivate() || carrierGrade.Contains(a.Addr) {
			how := "the first private address, of the interface " + a.Interface
			return FoundAddress{Address: hostPort(a.Addr, port), How: how, Doubt: a.detour() > 0}, nil
		}
		connected = connected || a.Addr.IsGlobalUnicast()
	}
	if connected {
		return FoundAddress{}, errNoAddress
	}
	return FoundAddress{Address: hostPort(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port), How: "this host has no network"}, nil
}

// detour is 0 for an interface that should lead out of the host, and more the less it does.
func (l LocalAddress) detour() int {
	switch {
	case bridges.MatchString(l.Interface):
		return 2
	case l.Idle:
		return 1
	}
	return 0
}

func interfaceAddresses() ([]LocalAddress, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var own []LocalAddress
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil || i.Flags&net.FlagUp == 0 {
			continue // it has just vanished, or leads nowhere
		}
		for _, a := range addrs {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				own = append(own, LocalAddress{Addr: prefix.Addr().Unmap(), Interface: i.Name, Idle: i.Flags&net.FlagRunning == 0})
			}
		}
	}
	return own, nil
}

func hostPort(host netip.Addr, port int) string {
	return net.JoinHostPort(host.String(), strconv.Itoa(port))
}
