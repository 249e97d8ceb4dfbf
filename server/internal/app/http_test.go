package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func newRequest(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

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
	cfg.Port = a.port()
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
