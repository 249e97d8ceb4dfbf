package app

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// introduced connects from an address of the loopback network and begins with a header.
func introduced(t *testing.T, a *App, from, header string) net.Conn {
	t.Helper()
	nc := dialFrom(t, from, a.Addr())
	_, err := io.WriteString(nc, header)
	assert.NoError(t, err)
	return nc
}

// TestLIM18_TheHeaderNamesTheClient: limits hold for the clients of a balancer, not for the balancer; nobody else is believed.
func TestLIM18_TheHeaderNamesTheClient(t *testing.T) {
	a := start(t, "--proxy-protocol", "--trusted-proxies=127.0.0.2", "--max-connections-per-ip=2", "--ops-addr=127.0.0.1:0")
	const mapped = "PROXY TCP4 192.0.2.%d 127.0.0.1 4000 443\r\n"
	for client := range 3 {
		for range 2 {
			r, err := dialOver(introduced(t, a, "127.0.0.2", fmt.Sprintf(mapped, client)), "")
			assert.NoError(t, err)
			t.Cleanup(r.close)
		}
		_, err := dialOver(introduced(t, a, "127.0.0.2", fmt.Sprintf(mapped, client)), "")
		assert.Equal(t, "a third connection of one client", fmt.Sprint(err), "429 Too Many Requests")
	}
	local := "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
	wantStatus(t, introduced(t, a, "127.0.0.2", local+"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n"), http.StatusOK)
	wantStatus(t, introduced(t, a, "127.0.0.3", "GET /livez HTTP/1.1\r\nHost: test\r\n\r\n"), http.StatusOK)
	for _, header := range []string{fmt.Sprintf(mapped, 9), local} {
		nc := introduced(t, a, "127.0.0.3", header+"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n")
		wantStatus(t, nc, http.StatusBadRequest)
	}
	answer, err := io.ReadAll(introduced(t, a, "127.0.0.2", "GET /livez HTTP/1.1\r\nHost: test\r\n\r\n"))
	assert.Equal(t, "without a header", fmt.Sprintf("%q", answer), `""`)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
	assert.Equal(t, "refusals", a.scrape(t, `chat_refusals_total{reason="No PROXY header"}`), "1")
}

// TestLIM18_AHeaderThatDoesNotCome: a balancer that is silent, or slow, is not waited for.
func TestLIM18_AHeaderThatDoesNotCome(t *testing.T) {
	a := startWith(t, impatient, logger(t), "--proxy-protocol", "--trusted-proxies=127.0.0.0/8")
	for _, start := range []string{"", "PROXY ", "PROXY TCP4 192.0.2.1", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"} {
		_, _ = io.Copy(io.Discard, introduced(t, a, "127.0.0.2", start)) // until it is closed
	}
	assert.Eventually(t, "no connection is left", func() bool { return a.public.net.Len() == 0 })
}

// TestP7_LIM17_LIM18_NodesBehindTLS: nodes whose port speaks PROXY and TLS reach each other on a port of their own.
func TestP7_LIM17_LIM18_NodesBehindTLS(t *testing.T) {
	s := secure(t)
	flags := append(s.flags, "--redis-url=redis://"+redistest.Start(t).Addr, "--proxy-protocol", "--trusted-proxies=127.0.0.2")
	a, b := start(t, flags...), start(t, flags...)
	member := s.join(t, introduced(t, b, "127.0.0.2", "PROXY TCP6 2001:db8::7 ::1 4000 443\r\n"))
	p := joinPolling(t, &http.Client{Transport: &http.Transport{TLSClientConfig: s.client}}, "https://"+a.Addr())
	status, _ := p.ask(http.MethodPost, "https://"+b.Addr(), `42["event:message",{"message":"by the other node","username":"u"}]`)
	assert.Equal(t, "a POST that b forwards to a", status, http.StatusOK)
	text, _, err := member.message()
	assert.NoError(t, err)
	assert.Equal(t, "a member at b, through a balancer", text, "by the other node")
	for got := ""; !strings.Contains(got, text); {
		_, got = p.ask(http.MethodGet, "https://"+b.Addr(), "")
	}
	wantStatus(t, request(t, a.nodes.addr(), "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: test\r\n\r\n"), http.StatusForbidden)
}
