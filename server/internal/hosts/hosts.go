// Package hosts judges the hosts in addresses and in requests: which of them is this machine, and which of them no stranger
// can have given.
package hosts

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

const localhost = "localhost"

// IsSecure reports whether nobody on the way can change what an address answers: it is one of https, or of http on this machine
// (localhost or an address of the loopback interface). It asks no resolver, so no other name is that of this machine.
func IsSecure(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	local := name(u.Hostname()) == localhost || err == nil && ip.Unmap().IsLoopback()
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && local)
}

// Trusted returns a function that reports whether the Host of a request, with or without a port, is no name that a stranger can
// lead to a server that listens on the given host:port: an IP address, localhost, the host of that address, or none at all. A page
// in a browser may have any other name for an address that only the reader reaches (DNS rebinding); its requests then carry that
// name. Clients that are no browsers, such as the probes of container platforms, use the address, or with HTTP/1.0 no Host.
func Trusted(listening string) func(host string) bool {
	own := name(withoutPort(listening))
	return func(host string) bool {
		host = withoutPort(host)
		_, err := netip.ParseAddr(host)
		return err == nil || host == "" || name(host) == localhost || own != "" && name(host) == own
	}
}

// withoutPort returns the host without brackets. What is neither host:port nor a host comes back as it is, which is no host.
func withoutPort(s string) string {
	if host, _, err := net.SplitHostPort(s); err == nil {
		return host
	}
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		return strings.TrimSuffix(inner, "]")
	}
	return s
}

// name is the one spelling of a name: names differ neither by case nor by the dot of the root.
func name(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }
