package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
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
	Local   func() ([]netip.Addr, error)
}

// carrierGrade is the shared address space of RFC 6598, which some platforms use between instances. It is not reached
// from the internet either.
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

var errNoAddress = errors.New("no private address found at which other nodes could reach this one; set NODE_ADDRESS")

// Address returns the host:port at which other nodes reach this one. In this order: what is configured; the one address
// that the server listens on; the local address that the discovery name resolves to; the first private address; and on
// a host without any network, loopback. A public address is only used when it is configured. An error names the setting
// to correct; an unanswered discovery is no error.
func Address(ctx context.Context, cfg AddressConfig) (string, error) {
	if cfg.Configured != "" {
		return cfg.Configured, nil
	}
	if host, err := netip.ParseAddr(cfg.Host); err == nil && !host.IsUnspecified() {
		return hostPort(host, cfg.Port), nil
	} else if cfg.Host == "localhost" {
		return net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port)), nil
	}
	local := cfg.Local
	if local == nil {
		local = interfaceAddresses
	}
	own, err := local()
	if err != nil {
		return "", fmt.Errorf("network interfaces: %w", err)
	}
	if found, ok := discovered(ctx, cfg, own); ok {
		return hostPort(found, cfg.Port), nil
	}
	return privateAddress(own, cfg.Port)
}

// discovered returns the address that both the discovery name and this host have.
func discovered(ctx context.Context, cfg AddressConfig, own []netip.Addr) (netip.Addr, bool) {
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
		if a = a.Unmap(); slices.Contains(own, a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// privateAddress prefers IPv4, which every node of a mixed network can reach.
func privateAddress(own []netip.Addr, port int) (string, error) {
	slices.SortStableFunc(own, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	connected := false
	for _, a := range own {
		if a.IsPrivate() || carrierGrade.Contains(a) {
			return hostPort(a, port), nil
		}
		connected = connected || a.IsGlobalUnicast()
	}
	if connected {
		return "", errNoAddress
	}
	return hostPort(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port), nil
}

func interfaceAddresses() ([]netip.Addr, error) {
	nets, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var own []netip.Addr
	for _, n := range nets {
		if prefix, err := netip.ParsePrefix(n.String()); err == nil {
			own = append(own, prefix.Addr().Unmap())
		}
	}
	return own, nil
}

func hostPort(host netip.Addr, port int) string {
	return net.JoinHostPort(host.String(), strconv.Itoa(port))
}
