package forward

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"scalable-chat/server/internal/test/journal"
)

const (
	testPath = "/socket.io/"

	nodeA = "aaaaaaaa"
	nodeB = "bbbbbbbb"
	nodeC = "cccccccc"
)

// directory is a Nodes over a fixed table.
type directory struct {
	self string
	mu   sync.Mutex
	at   map[string]string // id to address
}

func (d *directory) Route(_ context.Context, id string) (Route, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	address, ok := d.at[id]
	return Route{Address: address, Ticket: Ticket("secret", id)}, ok
}

func (d *directory) Admits(ticket string) bool { return Admits("secret", d.self, ticket) }

// member is a node of a cluster of stubs: a forwarder in front of an owner that the test writes.
type member struct {
	id     string
	f      *Forwarder
	dir    *directory
	server *httptest.Server
}

func (m *member) address() string { return m.server.Listener.Addr().String() }

func newMember(t *testing.T, id string, owner http.HandlerFunc, change func(*Config, *timings)) *member {
	t.Helper()
	dir := &directory{self: id, at: map[string]string{}}
	cfg, times := Config{Self: id, Nodes: dir, Path: testPath, Log: journal.Quiet}, defaultTimings
	if change != nil {
		change(&cfg, &times)
	}
	m := &member{id: id, dir: dir, f: newForwarder(cfg, times)}
	m.server = httptest.NewServer(m.f.Handle(owner, answer(400, "unknown"), answer(503, "busy")))
	t.Cleanup(func() {
		m.f.Shutdown(context.Background(), 0)
		m.server.Close()
	})
	return m
}

// pair starts two nodes that know each other; B runs owner, A answers "a" to what reaches its own edge.
func pair(t *testing.T, owner http.HandlerFunc, change func(*Config, *timings)) (a, b *member) {
	t.Helper()
	a = newMember(t, nodeA, answer(200, "a"), change)
	b = newMember(t, nodeB, owner, change)
	for _, m := range []*member{a, b} {
		m.dir.at[nodeA], m.dir.at[nodeB] = a.address(), b.address()
	}
	return a, b
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// line joins related values, so that one comparison covers them.
func line(parts ...any) string { return strings.TrimSuffix(fmt.Sprintln(parts...), "\n") }

// ask sends a request to the member and returns status and body.
func (m *member) ask(t *testing.T, method, query string, body io.Reader, header http.Header) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, m.server.URL+testPath+query, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := m.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(got)
}
