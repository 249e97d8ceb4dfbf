package app

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/authority"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// secured are the flags of a node that speaks TLS, and the address and configuration of its clients.
type secured struct {
	flags  []string
	client *tls.Config
}

func secure(t *testing.T) secured {
	files := authority.New(t)
	return secured{[]string{"--tls-cert-file=" + files.Cert, "--tls-key-file=" + files.Key}, files.Client(t)}
}

func (s secured) open(t *testing.T, a *App, transport siotest.Transport) *siotest.Client {
	t.Helper()
	return open(t, "https://"+a.Addr(), siotest.Options{Transport: transport, TLS: s.client})
}

// join is a raw client over TLS that is connected. It shakes hands over nc.
func (s secured) join(t *testing.T, nc net.Conn) *raw {
	t.Helper()
	conf := s.client.Clone()
	conf.ServerName = "127.0.0.1"
	r, err := dialOver(tls.Client(nc, conf), "")
	assert.NoError(t, err)
	t.Cleanup(r.close)
	_, err = r.read()
	assert.NoError(t, err)
	_, err = r.connect("")
	assert.NoError(t, err)
	return r
}

// TestP1_LIM17_AHerdOverTLSLosesNothing: all transports, and more messages than a sweep writes at once.
func TestP1_LIM17_AHerdOverTLSLosesNothing(t *testing.T) {
	const senders, each = 30, 20
	s := secure(t)
	a := start(t, append(s.flags, "--history-window=20000")...)
	clients := make([]*siotest.Client, senders)
	for i := range clients {
		clients[i] = s.open(t, a, transports[i%len(transports)])
	}
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			for n := range each {
				say(t, c, fmt.Sprintf("%d %d %s", i, n, strings.Repeat("x", 1000)))
			}
		})
	}
	all.Wait()
	for _, c := range clients {
		wait(t, c, "complete", func(st siotest.State) bool { return st.Messages == senders*each })
		sound(t, c)
		assert.Equal(t, "order", fmt.Sprint(texts(c)), fmt.Sprint(texts(clients[0])))
	}
}

// TestP6_LIM17_SlowReadersOverTLS: who does not read is closed, and nobody else waits for that.
func TestP6_LIM17_SlowReadersOverTLS(t *testing.T) {
	s := secure(t)
	a := start(t, append(s.flags, "--history-window=300", "--history-max=10", "--ops-addr=127.0.0.1:0")...)
	for range 20 {
		nc := dialFrom(t, "127.0.0.1", a.Addr())
		assert.NoError(t, nc.(*net.TCPConn).SetReadBuffer(4<<10))
		s.join(t, nc)
	}
	speaker, listener := s.open(t, a, siotest.WebSocket), s.open(t, a, siotest.WebSocket)
	for n := 0; a.scrape(t, `chat_closes_total{reason="slow consumer"}`) != "20"; n++ {
		if n == 5000 {
			t.Fatal("they are never closed")
		}
		say(t, speaker, fmt.Sprint(n, strings.Repeat("x", 3000)))
	}
	said := len(texts(speaker))
	wait(t, listener, "complete", func(st siotest.State) bool { return st.Messages >= said })
	sound(t, listener)
	assert.Equal(t, "the listener stayed", len(listener.Report().Segments), 1)
}

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
