package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

// newRequest is one of a client that knows the address of the node.
func newRequest(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:9100"
	return r
}

func TestPublicPort(t *testing.T) {
	a := start(t, "--ops-addr=127.0.0.1:0")
	for _, c := range []struct {
		path   string
		status int
		body   string
	}{
		{"/", 200, "This is the chat server"},
		{"/livez", 200, `{"status":"alive"}`},
		{"/readyz", 200, `{"status":"ready"}`},
		{"/metrics", 404, ""},
		{"/debug/pprof/", 404, ""},
		{"/elsewhere", 404, ""},
		{"/socket.io/?EIO=4&transport=x", 400, `{"code":0,"message":"Transport unknown"}`},
		{"/socket.io?EIO=3&transport=polling", 400, `{"code":5,"message":"Unsupported protocol version"}`},
	} {
		w := newRecorder()
		a.public.server.Handler.ServeHTTP(w, newRequest(c.path))
		assert.Equal(t, "status of "+c.path, w.Code, c.status)
		if !strings.HasPrefix(w.Body.String(), c.body) {
			t.Errorf("%s: %s", c.path, w.Body)
		}
	}
	w := newRecorder()
	a.private.server.Handler.ServeHTTP(w, newRequest("/debug/pprof/cmdline"))
	assert.Equal(t, "profiles on the private port", w.Code, 200)
	assert.Equal(t, "connections", a.scrape(t, "chat_connections"), "0")
}

// TestAPI4_ThePrivatePortIsReadUnderNoStrangersName: a page whose name leads to the port (DNS rebinding) reads nothing of it.
// Probes of platforms ask by the address of a container, some without any name.
func TestAPI4_ThePrivatePortIsReadUnderNoStrangersName(t *testing.T) {
	a := start(t, "--ops-addr=localhost:0")
	ask := func(host, path string) int {
		w, r := newRecorder(), newRequest(path)
		r.Host = host
		a.private.server.Handler.ServeHTTP(w, r)
		assert.Equal(t, "a refusal says why", w.Code == 403, strings.Contains(w.Body.String(), "OPS_ADDR"))
		return w.Code
	}
	for _, path := range []string{"/metrics", "/livez", "/readyz", "/debug/pprof/cmdline", "/api/v1/nodes"} {
		for _, host := range []string{"10.4.0.17:9100", "[fd00::5]:9100", "LocalHost.:9100", "127.0.0.1", ""} {
			assert.Equal(t, path+" of "+host, ask(host, path), 200)
		}
		for _, host := range []string{"rebound.example:9100", "127.0.0.1.rebound.example", "[::1].rebound.example:9100"} {
			assert.Equal(t, path+" of "+host, ask(host, path), 403)
		}
	}
	assert.Equal(t, "unknown paths", ask("rebound.example", "/x"), 403)
	assert.Equal(t, "counted", a.scrape(t, `chat_api_requests_total{outcome="forbidden"}`), "3")
	w, r := newRecorder(), newRequest("/readyz")
	r.Host = "chat.example"
	a.public.server.Handler.ServeHTTP(w, r)
	assert.Equal(t, "the public port has any name", w.Code, 200)
}

// TestAPI5_NoPortRedirects: a path that a mux would clean is no other path, so a message never goes to a room that nobody named.
func TestAPI5_NoPortRedirects(t *testing.T) {
	a := start(t, "--ops-addr=127.0.0.1:0", "--api-keys="+apiKey)
	without := start(t)
	for _, path := range []string{
		"/api/v1/rooms/../messages", "/api/v1/rooms/./messages", "/api/v1/rooms//messages", "//api/v1/messages", "/x/../api/v1/messages",
		"/./api/v1/messages", "/api/../api/v1/messages", "/api//v1/messages", "/rooms/../socket.io/", "//rooms", "/api", "/socket.io/./",
	} {
		for name, handler := range map[string]http.Handler{"public": a.public.server.Handler, "private": a.private.server.Handler, "without": without.public.server.Handler} {
			w, r := newRecorder(), newRequest(path)
			r.Header.Set("Authorization", "Bearer "+apiKey)
			handler.ServeHTTP(w, r)
			assert.Equal(t, name+" "+path, w.Code, 404)
			ofAPI := name != "without" && strings.HasPrefix(path, "/api/")
			assert.Equal(t, name+" "+path+" is JSON", w.Header().Get("Content-Type") == "application/json", ofAPI)
		}
	}
	assert.Equal(t, "counted", a.scrape(t, `chat_api_requests_total{outcome="not_found"}`), "10")
	assert.Equal(t, "a name of dots", ask[chat.Refusal](t, a, 400, "rooms/%2e%2e/messages", "").Code, "room_invalid")
}

func TestClientsAreTurnedAwayBeforeTheWindowIsLoaded(t *testing.T) {
	a, err := New(load(t), logger(t))
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.Stop(context.Background())) })
	h := a.publicHandler()
	for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/socket.io/?EIO=4&transport=polling": 503} {
		w := newRecorder()
		h.ServeHTTP(w, newRequest(path))
		assert.Equal(t, path, w.Code, want)
	}
	w, r := newRecorder(), newRequest("/socket.io/?EIO=4&transport=polling")
	r.Header.Set("Origin", "https://chat.example")
	h.ServeHTTP(w, r)
	assert.Equal(t, "answer", w.Body.String(), `{"code":10,"message":"Server is busy"}`)
	assert.Equal(t, "a page may read it", w.Header().Get("Access-Control-Allow-Origin"), "*")
	assert.Equal(t, "and when to come again", w.Header().Get("Access-Control-Expose-Headers"), "Retry-After")
}

func TestTakenPortIsAnError(t *testing.T) {
	a := start(t)
	cfg := load(t)
	cfg.Port = a.public.port()
	if b, err := New(cfg, logger(t)); err == nil {
		_ = b.Stop(t.Context())
		t.Error("no error")
	}
	cfg.Port, cfg.OpsAddr = 0, a.Addr()
	if b, err := New(cfg, logger(t)); err == nil {
		_ = b.Stop(t.Context())
		t.Error("no error")
	}
}

// roundRobin serves each request by the next node, as a balancer without stickiness does.
func roundRobin(t *testing.T, nodes ...*App) string {
	t.Helper()
	var requests atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		node := nodes[int(requests.Add(1))%len(nodes)]
		node.public.server.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
