package cluster

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// journal is a log that can be read while it is written.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

// count is how many lines hold the text.
func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.buf.String(), text)
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.Equal(t, "error", err, nil)
	defer l.Close()
	return l.Addr().String()
}

// TestP7_ANodeNoticesThatItIsNotReached: whatever is wrong with the registered address, the node says so, and says when it
// is right again.
func TestP7_ANodeNoticesThatItIsNotReached(t *testing.T) {
	a, b := pair(t, answer(200, "b"), nil)
	stranger := newMember(t, nodeC, answer(200, "c"), func(c *ForwarderConfig, _ *timings) { c.Path = "/elsewhere/" })
	for what, address := range map[string]string{
		"nobody listens": unusedAddress(t), "another node": b.address(), "another server": stranger.address(),
	} {
		t.Run(what, func(t *testing.T) {
			var log journal
			a.f.cfg.Log = log.logger()
			var mu sync.Mutex
			registered := a.address()
			reach := NewReach(a.f, func() (Route, bool) {
				mu.Lock()
				defer mu.Unlock()
				return Route{Address: registered, Ticket: ticketFor("secret", nodeA)}, true
			})
			reach.retry = time.Millisecond
			assert.Equal(t, "probe of itself", a.f.probe(t.Context(), Route{Address: a.address(), Ticket: ticketFor("secret", nodeA)}), nil)
			mu.Lock()
			registered = address
			mu.Unlock()
			background(t, reach.Run)
			assert.Eventually(t, "it is degraded", func() bool { return strings.Contains(reach.Degraded(), "NODE_ADDRESS") })
			if strings.Contains(reach.Degraded(), "127.0.0.1") {
				t.Errorf("the public is told an address: %s", reach.Degraded())
			}
			mu.Lock()
			registered = a.address()
			mu.Unlock()
			assert.Eventually(t, "it is well", func() bool { return reach.Degraded() == "" })
			assert.Equal(t, "warnings", log.count("level=WARN"), 1)
			assert.Equal(t, "warnings with the address", log.count("address="+address), 1)
		})
	}
	assert.Equal(t, "probes at the edge of the other node", b.f.Stats().Received, 0)
}

// TestP7_MisroutedForwardsAreWarnedOf: both ends say what is wrong, and strangers cannot fill the log.
func TestP7_MisroutedForwardsAreWarnedOf(t *testing.T) {
	var log journal
	a, b := pair(t, answer(200, "b"), func(c *ForwarderConfig, _ *timings) { c.Log = log.logger() })
	a.dir.at[nodeC] = b.address()
	for range 20 {
		status, body := a.ask(t, "GET", "?sid="+NewSessionID(nodeC), nil, nil)
		assert.Equal(t, "answer", line(status, body), "400 unknown")
		conn, head := dialWebSocket(t, a, NewSessionID(nodeC))
		assert.Equal(t, "status of the WebSocket", head.StatusCode, 400)
		assert.Equal(t, "what nodes tell each other", head.Header.Get(refusedHeader), "")
		conn.Close()
		b.ask(t, "GET", "?sid="+NewSessionID(nodeB), nil, http.Header{ticketHeader: {"forged"}})
	}
	assert.Equal(t, "warnings of who got them", log.count("a forwarded request was refused"), 1)
	assert.Equal(t, "warnings of who sent them", log.count("a node refuses what this one forwards"), 1)
	assert.Equal(t, "warnings with the address", log.count("address="+b.address()), 1)

	a.dir.at[nodeC] = unusedAddress(t)
	for range 20 {
		a.ask(t, "GET", "?sid="+NewSessionID(nodeC), nil, nil)
	}
	assert.Equal(t, "warnings of the unreachable", log.count("a node cannot be reached"), 1)

	a.f.warnUnreachable.next = time.Time{} // as half a minute later
	a.ask(t, "GET", "?sid="+NewSessionID(nodeC), nil, nil)
	assert.Equal(t, "warnings that count what was left out", log.count("more_since_the_last_warning=19"), 1)
}

// TestP7_TwoNodesWithOneAddress: both say so. What a killed node left in the registry is no second node.
func TestP7_TwoNodesWithOneAddress(t *testing.T) {
	r := redistest.Start(t)
	var log journal
	same := func(c *RegistryConfig) { c.Address, c.Log = "10.0.0.1:8000", log.logger() }
	a, b, other := join(t, r, 1, same), join(t, r, 1, same), join(t, r, 1)
	for _, n := range []*testNode{a, b} {
		assert.Eventually(t, "it is degraded", func() bool { return strings.Contains(n.Degraded(), "same address") })
	}
	assert.Equal(t, "warnings", log.count("another node has registered the same address"), 2)
	assert.Equal(t, "degraded, with an address of its own", other.Degraded(), "")
	b.stop()
	assert.Eventually(t, "it is well", func() bool { return a.Degraded() == "" })

	a.client.Close() // as after kill -9
	successor := join(t, r, 1, same)
	for began := time.Now(); time.Since(began) < 2*testTTL; time.Sleep(testInterval / 2) {
		assert.Equal(t, "degraded, as the successor", successor.Degraded(), "")
	}
	route, ok := successor.Self()
	assert.Equal(t, "its own route", route.Address, "10.0.0.1:8000")
	assert.Equal(t, "it is known", ok && successor.Admits(route.Ticket), true)
}

// TestRegistryKnowsNoRouteWithoutAnAddress: then there is nothing to ask.
func TestRegistryKnowsNoRouteWithoutAnAddress(t *testing.T) {
	n := join(t, redistest.Start(t), 1, func(c *RegistryConfig) { c.Address = "" })
	_, ok := n.Self()
	assert.Equal(t, "a route", ok, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	NewReach(nil, n.Self).Run(ctx)
}
