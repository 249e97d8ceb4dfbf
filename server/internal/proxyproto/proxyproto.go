// Package proxyproto reads the header with which a balancer of TCP connections names the client of each one: the PROXY
// protocol, versions 1 and 2.
//
// It owns the form of the header, and its bounds. Whom to believe is the caller's decision. It reads no byte beyond the header,
// so the connection stays a plain socket without a buffer of its own; that is why no library does it.
package proxyproto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

const (
	prefixV1 = "PROXY "
	prefixV2 = "\r\n\r\n\x00\r\nQUIT\n"

	maxV1 = 107 // bytes, by the specification
	// maxV2 bounds what follows the first 16 bytes of version 2. Addresses take 36 bytes; clouds add about a hundred.
	maxV2 = 2 << 10
)

// ErrHeader means that a connection does not begin with a valid header.
var ErrHeader = errors.New("no valid PROXY header")

// Read reads one header and returns the address of the client. The zero address means that the header names none: the balancer
// speaks for itself (LOCAL, a health check), or the client came by something else than TCP. It reads at most 2,064 bytes and
// waits for as long as r does. An error is [ErrHeader] or the error of r.
func Read(r io.Reader) (netip.AddrPort, error) {
	var start [len(prefixV2)]byte // no header is shorter
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return netip.AddrPort{}, err
	}
	switch text := string(start[:]); {
	case text == prefixV2:
		return readV2(r)
	case strings.HasPrefix(text, prefixV1):
		return readV1(r, text)
	}
	return netip.AddrPort{}, ErrHeader
}

// readV1 reads the rest of the line byte by byte, because nothing else says where it ends.
func readV1(r io.Reader, start string) (netip.AddrPort, error) {
	line := append(make([]byte, 0, maxV1), start...)
	for line[len(line)-1] != '\n' {
		end := len(line)
		if end == maxV1 {
			return netip.AddrPort{}, ErrHeader
		}
		line = line[:end+1]
		if _, err := io.ReadFull(r, line[end:]); err != nil {
			return netip.AddrPort{}, err
		}
	}
	text, ended := strings.CutSuffix(string(line), "\r\n")
	fields := strings.Split(text, " ")
	switch {
	case !ended:
		return netip.AddrPort{}, ErrHeader
	case fields[1] == "UNKNOWN":
		return netip.AddrPort{}, nil
	case len(fields) != 6 || fields[1] != "TCP4" && fields[1] != "TCP6":
		return netip.AddrPort{}, ErrHeader
	}
	return addressV1(fields[2], fields[4], fields[1] == "TCP4")
}

func addressV1(host, port string, isV4 bool) (netip.AddrPort, error) {
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Is4() != isV4 || addr.Zone() != "" {
		return netip.AddrPort{}, ErrHeader
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, ErrHeader
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(number)), nil
}

// The second byte after the prefix of version 2, and the families of TCP.
const (
	local   = 0x20
	proxied = 0x21

	tcp4 = 0x11
	tcp6 = 0x21
)

func readV2(r io.Reader) (netip.AddrPort, error) {
	var head [4]byte // version and command, family, length
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return netip.AddrPort{}, err
	}
	size := int(binary.BigEndian.Uint16(head[2:]))
	if head[0] != local && head[0] != proxied || size > maxV2 {
		return netip.AddrPort{}, ErrHeader
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return netip.AddrPort{}, err
	}
	if head[0] == local {
		return netip.AddrPort{}, nil
	}
	switch head[1] {
	case tcp4:
		return addressV2(body, 4)
	case tcp6:
		return addressV2(body, 16)
	}
	return netip.AddrPort{}, nil
}

// addressV2 takes the source out of: source, destination, source port, destination port.
func addressV2(body []byte, size int) (netip.AddrPort, error) {
	if len(body) < 2*size+4 {
		return netip.AddrPort{}, fmt.Errorf("%w: %d bytes of addresses", ErrHeader, len(body))
	}
	addr, _ := netip.AddrFromSlice(body[:size])
	return netip.AddrPortFrom(addr.Unmap(), binary.BigEndian.Uint16(body[2*size:])), nil
}
