package app

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/authority"
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
		nc, err := net.Dial("tcp", a.Addr())
		assert.NoError(t, err)
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

// TestP6_LIM17_HoweverAClientLeavesTLS: by the book, by cutting the connection, in the middle of a record, or with nonsense.
func TestP6_LIM17_HoweverAClientLeavesTLS(t *testing.T) {
	s := secure(t)
	a := start(t, append(s.flags, "--ping-interval=300ms", "--ping-timeout=300ms")...)
	stays := s.open(t, a, siotest.WebSocket)
	for name, leave := range map[string]func(nc net.Conn, r *raw) error{
		"half a close":  func(_ net.Conn, r *raw) error { return r.net.(*tls.Conn).CloseWrite() },
		"cut":           func(nc net.Conn, _ *raw) error { return nc.Close() },
		"half a record": func(nc net.Conn, _ *raw) error { _, err := nc.Write([]byte{23, 3, 3, 0x20, 0, 1, 2, 3}); return err },
		"half a frame": func(_ net.Conn, r *raw) error {
			_, err := r.net.Write([]byte{0x81, 0xfe, 0xf0, 0, 0, 0, 0, 0, 'x'})
			return err
		},
		"no record": func(nc net.Conn, _ *raw) error {
			_, err := nc.Write([]byte(strings.Repeat("nonsense", 100)))
			return err
		},
		"a broken record": func(nc net.Conn, _ *raw) error {
			_, err := nc.Write(append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...))
			return err
		},
	} {
		nc, err := net.Dial("tcp", a.Addr())
		assert.NoError(t, err)
		assert.NoError(t, leave(nc, s.join(t, nc)), name)
		assert.Eventually(t, name+": its session is gone", func() bool { return a.edge.Connections() == 1 })
	}
	say(t, stays, "still here")
	assert.Equal(t, "the one that stays", len(stays.Report().Segments), 1)
}
