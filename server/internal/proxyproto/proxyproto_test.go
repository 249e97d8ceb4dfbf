package proxyproto

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

const request = "GET / HTTP/1.1\r\n"

// v2 is a header of version 2.
func v2(command, family byte, body string) string {
	return prefixV2 + string([]byte{command, family, byte(len(body) >> 8), byte(len(body))}) + body
}

var (
	from4 = "\xc0\x00\x02\x01" + "\x0a\x00\x00\x01" + "\xdc\x04\x01\xbb"
	from6 = "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01" + strings.Repeat("\x00", 16) + "\xdc\x04\x01\xbb"
)

var headers = map[string]string{
	"PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n":                                                                "192.0.2.1:56324",
	"PROXY TCP6 2001:db8::1 fd00::1 56324 443\r\n":                                                               "[2001:db8::1]:56324",
	"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n": "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	"PROXY TCP6 ::ffff:192.0.2.1 fd00::1 1 2\r\n":                                                                "192.0.2.1:1",
	"PROXY UNKNOWN\r\n":                                               "invalid AddrPort",
	"PROXY UNKNOWN anything at all\r\n":                               "invalid AddrPort",
	v2(proxied, tcp4, from4):                                          "192.0.2.1:56324",
	v2(proxied, tcp4, from4+"\x03\x00\x04abcd"):                       "192.0.2.1:56324", // with an extension
	v2(proxied, tcp6, from6):                                          "[2001:db8::1]:56324",
	v2(proxied, tcp4, from4+strings.Repeat("\x04", maxV2-len(from4))): "192.0.2.1:56324",
	v2(local, 0, ""):                                                  "invalid AddrPort",
	v2(local, tcp4, from4):                                            "invalid AddrPort", // the balancer speaks for itself
	v2(proxied, 0, ""):                                                "invalid AddrPort",
	v2(proxied, 0x31, strings.Repeat("/", 216)):                       "invalid AddrPort", // a Unix socket
	v2(proxied, 0x12, from4):                                          "invalid AddrPort", // UDP
}

var noHeaders = []string{
	request, strings.Repeat("\x16", 200), "PROXY \r\n          ", "PROXY TCP4\r\n  ", "PROXY  TCP4 192.0.2.1 10.0.0.1 1 2\r\n",
	"PROXY TCP4 192.0.2.1 10.0.0.1 56324\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 -1 2\r\n",
	"PROXY TCP4 192.0.2.1 10.0.0.1 65536 2\r\n", "PROXY TCP4 2001:db8::1 fd00::1 1 2\r\n", "PROXY TCP6 192.0.2.1 10.0.0.1 1 2\r\n",
	"PROXY TCP6 fe80::1%eth0 fd00::1 1 2\r\n", "PROXY TCP4 192.0.2.1 10.0.0.1 1 2\n", "proxy TCP4 192.0.2.1 10.0.0.1 1 2\r\n",
	"PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n", "PROXY " + strings.Repeat("UNKNOWN", 20) + "\r\n", "PROXY UNKNOWN" + strings.Repeat(" ", 100) + "\r\n",
	v2(0x22, tcp4, from4), v2(0x11, tcp4, from4), v2(proxied, tcp4, from4[:11]), v2(proxied, tcp6, from6[:35]), v2(proxied, tcp4, ""),
	v2(proxied, tcp4, from4+strings.Repeat("\x04", maxV2)),
}

func TestLIM18_HeadersOfBothVersions(t *testing.T) {
	for header, want := range headers {
		r := strings.NewReader(header + request)
		got, err := Read(r)
		assert.NoError(t, err, header)
		assert.Equal(t, header, got.String(), want)
		rest, _ := io.ReadAll(r)
		assert.Equal(t, "not a byte beyond it is read", string(rest), request)
	}
}

func TestLIM18_WhatIsNoHeaderIsRefused(t *testing.T) {
	for _, text := range noHeaders {
		if _, err := Read(strings.NewReader(text + strings.Repeat(request, 10))); !errors.Is(err, ErrHeader) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
	for header := range headers {
		if _, err := Read(strings.NewReader(header[:len(header)-1])); err == nil {
			t.Errorf("%.60q is cut, and accepted", header)
		}
	}
}

func FuzzRead(f *testing.F) {
	for header := range headers {
		f.Add([]byte(header))
	}
	for _, text := range noHeaders {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		got, err := Read(r)
		if read := len(in) - r.Len(); read > len(prefixV2)+4+maxV2 {
			t.Errorf("%d bytes are read", read)
		}
		if err != nil || !got.IsValid() {
			return
		}
		family := "TCP6"
		if got.Addr().Is4() {
			family = "TCP4"
		}
		again, err := Read(strings.NewReader(fmt.Sprintf("PROXY %s %s %s %d 1\r\n", family, got.Addr(), got.Addr(), got.Port())))
		assert.NoError(t, err, "said in version 1")
		assert.Equal(t, "address", again, got)
	})
}
