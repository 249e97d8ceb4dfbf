// Package subscriber says which addresses count as one client where clients are counted by address.
package subscriber

import "net/netip"

// Of is what stands for the client with that address: an IPv4 address, also one that is written as IPv6, or the /64 network of an
// IPv6 address, because one subscriber has all of that network. The zero address gives the zero prefix.
func Of(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	network, _ := addr.Prefix(bits) // an error means the zero address
	return network
}

// carrierNAT is shared by the customers of a provider (RFC 6598).
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// IsPublic reports whether what stands for a client says who it is. A private address may be that of a proxy, which stands
// for everybody.
func IsPublic(client netip.Prefix) bool {
	ip := client.Addr()
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !carrierNAT.Contains(ip)
}
