package api

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// bodyFor is a body that a method takes.
func bodyFor(method string) string {
	if method == http.MethodPost {
		return `{"message":"hello"}`
	}
	return ""
}

// given collects the answers to requests for one operation.
type given struct {
	t      *testing.T
	method string
	path   string
	all    []string
}

// when serves the operation with a backend, after changing the request.
func (g *given) when(b *backend, change func(c *call, h *Handler)) {
	g.t.Helper()
	h, c := newHandler(b), call{method: g.method, path: g.path, body: bodyFor(g.method)}
	if change != nil {
		change(&c, h)
	}
	got := serve(g.t, h, c)
	g.all = append(g.all, document(g.t).check(g.t, c.request(), got))
}

// TestOPENAPI_EveryDocumentedAnswerIsGiven: each operation gives exactly the answers that it documents.
func TestOPENAPI_EveryDocumentedAnswerIsGiven(t *testing.T) {
	var all []string
	for name := range document(t).operations {
		method, path, _ := strings.Cut(name, " ")
		g := &given{t: t, method: method, path: strings.Replace(path, "{room}", "cats", 1)}
		g.everywhere()
		if method == http.MethodPost {
			g.withBody()
		}
		if strings.Contains(path, "{room}") {
			g.when(&backend{shut: errShut}, nil)
			g.when(&backend{shut: errNoName}, nil)
		}
		all = append(all, g.all...)
	}
	slices.Sort(all)
	assert.Equal(t, "answers", slices.Compact(all), document(t).answers())
}

func (g *given) everywhere() {
	g.t.Helper()
	g.when(&backend{}, nil)
	g.when(&backend{}, func(c *call, _ *Handler) { c.path += "?x=y" })
	g.when(&backend{}, func(c *call, _ *Handler) { c.header = http.Header{"Authorization": nil} })
	g.when(&backend{}, func(c *call, _ *Handler) { c.header = http.Header{"Origin": {"null"}} })
	g.when(&backend{}, func(_ *call, h *Handler) { exhaust(h.keys.keys[0]) })
	g.when(&backend{}, func(_ *call, h *Handler) {
		for range atWork {
			h.places <- struct{}{}
		}
	})
}

func (g *given) withBody() {
	g.t.Helper()
	g.when(&backend{fails: errNothing}, nil)
	g.when(&backend{fails: errTooLong}, nil)
	g.when(&backend{fails: errAway}, nil)
	g.when(&backend{}, func(c *call, _ *Handler) { c.body = strings.Repeat(" ", 5000) })
	g.when(&backend{}, func(c *call, _ *Handler) { c.header = http.Header{"Content-Type": {"text/plain"}} })
	r := call{method: g.method, path: g.path}.request()
	r.Body = lateBody{}
	w := httptest.NewRecorder()
	newHandler(&backend{}).ServeHTTP(w, r)
	g.all = append(g.all, document(g.t).check(g.t, r, decode(g.t, w)))
}

// lateBody is a body that does not come in time.
type lateBody struct{}

func (lateBody) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }
func (lateBody) Close() error             { return nil }
