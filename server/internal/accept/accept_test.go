package accept

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/subscriber"
	"scalable-chat/server/internal/test/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// house is a server behind a door.
type house struct {
	*Listener
	addr    string
	release chan struct{} // lets requests for /wait go on

	mu      sync.Mutex
	refused map[string]int
}

func open(t *testing.T, network, addr string, limits Limits) *house {
	t.Helper()
	nl, err := net.Listen(network, addr)
	assert.NoError(t, err, "listen")
	h := &house{addr: nl.Addr().String(), release: make(chan struct{}), refused: map[string]int{}}
	h.Listener = Limit(nl.(*net.TCPListener), limits, Hooks{Refused: func(reason string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.refused[reason]++
	}})
	server := &http.Server{ConnState: h.State, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/wait":
			<-h.release
		case "/hijack":
			nc, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			go func() {
				<-h.release
				_ = nc.Close()
			}()
		}
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(h) }()
	t.Cleanup(func() {
		close(h.release)
		_ = server.Close()
		<-served
		assert.Eventually(t, "no connection is left", func() bool { return h.Len() == 0 })
		h.Listener.mu.Lock()
		defer h.Listener.mu.Unlock()
		assert.Equal(t, "sources and waiting", len(h.sources)+h.waiting.Len(), 0)
	})
	return h
}

func (h *house) refusals(reason string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refused[reason]
}

// waits waits until so many connections are without a request.
func (h *house) waits(t *testing.T, n int) {
	t.Helper()
	assert.Eventually(t, "connections without a request", func() bool {
		h.Listener.mu.Lock()
		defer h.Listener.mu.Unlock()
		return h.waiting.Len() == n
	})
}

// visit connects and, unless path is empty, asks for it.
func (h *house) visit(t *testing.T, path string) net.Conn {
	t.Helper()
	before := h.Len()
	nc, err := net.Dial("tcp", h.addr)
	assert.NoError(t, err, "dial")
	t.Cleanup(func() { _ = nc.Close() })
	assert.NoError(t, nc.SetDeadline(time.Now().Add(patience)), "deadline")
	if path == "" {
		assert.Eventually(t, "it is connected", func() bool { return h.Len() > before || h.Len() == h.limits.Total })
		return nc
	}
	_, err = fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path)
	assert.NoError(t, err, "request")
	return nc
}

func status(t *testing.T, nc net.Conn) int {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(nc), nil)
	assert.NoError(t, err, "answer")
	_ = res.Body.Close()
	return res.StatusCode
}

func isClosed(t *testing.T, nc net.Conn) bool {
	t.Helper()
	_, err := nc.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, syscall.ETIMEDOUT)
}

// TestLIM13_NewConnectionsTakeThePlaceOfIdleOnes: at the limit, a new connection replaces the one that has been idle longest.
func TestLIM13_NewConnectionsTakeThePlaceOfIdleOnes(t *testing.T) {
	h := open(t, "tcp", "127.0.0.1:0", Limits{Total: 4})
	busy := h.visit(t, "/wait")
	session := h.visit(t, "/hijack")
	assert.Equal(t, "session", status(t, session), http.StatusOK)
	silent := h.visit(t, "")
	idle := h.visit(t, "/")
	assert.Equal(t, "idle", status(t, idle), http.StatusOK)
	h.waits(t, 2)

	assert.Equal(t, "a new one", status(t, h.visit(t, "/")), http.StatusOK)
	assert.Equal(t, "the one that was idle longest is closed", isClosed(t, silent), true)
	h.waits(t, 2)
	next := h.visit(t, "/wait")
	assert.Equal(t, "the next one is closed", isClosed(t, idle), true)
	h.waits(t, 1)
	last := h.visit(t, "/wait")
	h.waits(t, 0)
	assert.Equal(t, "connections", h.Len(), 4)
	assert.Equal(t, "refused", h.refusals(Full), 0)

	for range 3 {
		nc := h.visit(t, "")
		assert.Equal(t, "no place is left", status(t, nc), http.StatusServiceUnavailable)
		assert.Equal(t, "and it is closed", isClosed(t, nc), true)
	}
	assert.Equal(t, "refused", h.refusals(Full), 3)
	for range 3 {
		h.release <- struct{}{}
	}
	_ = busy.Close()
	assert.Eventually(t, "there is room again", func() bool { return h.Len() <= 3 })
	_ = next.Close()
	_ = last.Close()
}

// TestLIM13_ConnectionsFromOneAddress: one address cannot have them all, and proxies are exempt.
func TestLIM13_ConnectionsFromOneAddress(t *testing.T) {
	limits := Limits{Total: 10, PerAddress: 2}
	h := open(t, "tcp", "127.0.0.1:0", limits)
	first := h.visit(t, "")
	h.visit(t, "")
	nc := h.visit(t, "/wait")
	assert.Equal(t, "one too many", status(t, nc), http.StatusTooManyRequests)
	assert.Equal(t, "refused", h.refusals(FullAddress), 1)
	_ = first.Close()
	assert.Eventually(t, "there is room again", func() bool { return h.Len() == 1 })
	assert.Equal(t, "a new connection takes its place", status(t, h.visit(t, "/")), http.StatusOK)

	limits.Exempt = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	h = open(t, "tcp", "127.0.0.1:0", limits)
	for range 10 {
		h.visit(t, "")
	}
	assert.Equal(t, "of a proxy", h.Len(), 10)
}

// TestLIM13_LIM18_ABalancerNamesWhoseConnectionsTheyAre: a client has no more of them through a balancer than without one.
func TestLIM13_LIM18_ABalancerNamesWhoseConnectionsTheyAre(t *testing.T) {
	h := open(t, "tcp", "127.0.0.1:0", Limits{
		Total: 10, PerAddress: 2, Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Introduces: patience,
	})
	get := func(header string) net.Conn {
		nc := h.visit(t, "")
		_, err := io.WriteString(nc, header+"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
		assert.NoError(t, err, "request")
		return nc
	}
	const ada, bob, itself = "PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n", "PROXY TCP4 192.0.2.2 10.0.0.1 1 2\r\n", "PROXY UNKNOWN\r\n"
	first := get(ada)
	assert.Equal(t, "the first", status(t, first), http.StatusOK)
	assert.Equal(t, "the second", status(t, get(ada)), http.StatusOK)
	third := get(ada)
	assert.Equal(t, "the third", status(t, third), http.StatusTooManyRequests)
	assert.Equal(t, "is closed", isClosed(t, third), true)
	assert.Equal(t, "counted", h.refusals(FullAddress), 1)
	for range 3 {
		assert.Equal(t, "of the balancer", status(t, get(itself)), http.StatusOK)
	}
	assert.Equal(t, "of another client", status(t, get(bob)), http.StatusOK)
	_ = first.Close()
	assert.Eventually(t, "one is gone", func() bool { return h.Len() == 5 })
	assert.Equal(t, "in its place", status(t, get(ada)), http.StatusOK)
}

func TestLIM13_AnIPv6NetworkIsOneAddress(t *testing.T) {
	of := func(text string) netip.Prefix {
		return subscriber.Of(addressOf(net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(text), 1))))
	}
	assert.Equal(t, "same network", of("2001:db8:0:1::1"), of("2001:db8:0:1:2:3:4:5"))
	assert.Equal(t, "another network", of("2001:db8:0:1::1") == of("2001:db8:0:2::1"), false)
	assert.Equal(t, "IPv4 in IPv6", of("::ffff:10.0.0.1"), of("10.0.0.1"))
	assert.Equal(t, "another address", of("10.0.0.1") == of("10.0.0.2"), false)
}

// TestAcceptErrorsAreReported: each failure is reported, and so is the first success after one.
func TestAcceptErrorsAreReported(t *testing.T) {
	var told []string
	l := Limit(nil, Limits{}, Hooks{Failed: func(err error) { told = append(told, fmt.Sprint(err)) }})
	for _, err := range []error{nil, syscall.EMFILE, syscall.EMFILE, nil, nil, net.ErrClosed} {
		l.report(err)
	}
	assert.Equal(t, "reports", fmt.Sprint(told), fmt.Sprint([]error{syscall.EMFILE, syscall.EMFILE, nil}))
}
