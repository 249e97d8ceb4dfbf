package forward

import (
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/background"
	"scalable-chat/server/internal/test/journal"
)

func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.Equal(t, "error", err, nil)
	defer l.Close()
	return l.Addr().String()
}

// TestP7_ANodeNoticesThatOthersCannotReachIt: whatever is wrong with the registered address, the node says so, and says when it
// is right again.
func TestP7_ANodeNoticesThatOthersCannotReachIt(t *testing.T) {
	a, b := pair(t, answer(200, "b"), nil)
	stranger := newMember(t, nodeC, answer(200, "c"), func(c *Config, _ *timings) { c.Path = "/elsewhere/" })
	for what, address := range map[string]string{
		"nobody listens": unusedAddress(t), "another node": b.address(), "another server": stranger.address(),
	} {
		t.Run(what, func(t *testing.T) {
			var log journal.Journal
			a.f.cfg.Log = log.Logger()
			var mu sync.Mutex
			registered := a.address()
			reach := NewReach(a.f, func() (Route, bool) {
				mu.Lock()
				defer mu.Unlock()
				return Route{Address: registered, Ticket: Ticket("secret", nodeA)}, true
			})
			reach.retry = time.Millisecond
			assert.Equal(t, "probe of itself", a.f.probe(t.Context(), Route{Address: a.address(), Ticket: Ticket("secret", nodeA)}), nil)
			mu.Lock()
			registered = address
			mu.Unlock()
			background.Run(t, reach.Run)
			assert.Eventually(t, "it is degraded", func() bool { return strings.Contains(reach.Degraded(), "NODE_ADDRESS") })
			if strings.Contains(reach.Degraded(), "127.0.0.1") {
				t.Errorf("the public report contains an address: %s", reach.Degraded())
			}
			mu.Lock()
			registered = a.address()
			mu.Unlock()
			assert.Eventually(t, "it is in order", func() bool { return reach.Degraded() == "" })
			assert.Equal(t, "warnings", log.Count("level=WARN"), 1)
			assert.Equal(t, "warnings with the address", log.Count("address="+address), 1)
		})
	}
	assert.Equal(t, "probes at the edge of the other node", b.f.Stats().Received, 0)
}

// TestP7_MisroutedForwardsAreWarnedAbout: both ends report the fault, and strangers cannot fill the log.
func TestP7_MisroutedForwardsAreWarnedAbout(t *testing.T) {
	var log journal.Journal
	a, b := pair(t, answer(200, "b"), func(c *Config, _ *timings) { c.Log = log.Logger() })
	a.dir.at[nodeC] = b.address()
	for range 20 {
		status, body := a.ask(t, "GET", "?sid="+nodeid.NewSession(nodeC), nil, nil)
		assert.Equal(t, "answer", line(status, body), "400 unknown")
		conn, head := dialWebSocket(t, a, nodeid.NewSession(nodeC))
		assert.Equal(t, "status of the WebSocket", head.StatusCode, 400)
		assert.Equal(t, "what nodes tell each other", head.Header.Get(refusedHeader), "")
		conn.Close()
		b.ask(t, "GET", "?sid="+nodeid.NewSession(nodeB), nil, http.Header{ticketHeader: {"forged"}})
	}
	assert.Equal(t, "warnings of the receiver", log.Count("a forwarded request was refused"), 1)
	assert.Equal(t, "warnings of the sender", log.Count("a node refuses what this one forwards"), 1)
	assert.Equal(t, "warnings with the address", log.Count("address="+b.address()), 1)

	a.dir.at[nodeC] = unusedAddress(t)
	for range 20 {
		a.ask(t, "GET", "?sid="+nodeid.NewSession(nodeC), nil, nil)
	}
	assert.Equal(t, "warnings of the unreachable", log.Count("a node cannot be reached"), 1)

	later := slog.NewRecord(time.Now().Add(warnInterval), slog.LevelWarn, "later", 0)
	assert.NoError(t, a.f.failures.Handler().Handle(t.Context(), later))
	assert.Equal(t, "warnings that count what was left out", log.Count("left_out_before=19"), 1)
}
