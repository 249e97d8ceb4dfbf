package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/test/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "0123456789abcdef0123456789abcdef"

// backend notes what the handler asks of it, and answers as a test wants.
type backend struct {
	fails error         // of every method of a room
	shut  error         // of Room
	waits chan struct{} // if not nil, Publish waits for it

	mu       sync.Mutex
	room     string // the last one
	inside   int    // requests that are in a room
	posts    []post
	place    chat.Place
	limit    int
	after    string
	roomList []chat.Listed
	busy     []Busy
}

var (
	_ Backend = (*backend)(nil)
	_ Room    = (*backend)(nil)
)

func (b *backend) Room(_ context.Context, name string) (Room, func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shut != nil {
		return nil, nil, b.shut
	}
	b.room = name
	b.inside++
	return b, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.inside--
	}, nil
}

func (b *backend) Publish(ctx context.Context, by auth.Identity, m chat.PublishedMessage) (chat.Stored, error) {
	b.mu.Lock()
	b.posts = append(b.posts, post{by, m})
	b.mu.Unlock()
	if b.waits != nil {
		select {
		case <-b.waits:
		case <-ctx.Done():
			return chat.Stored{}, ctx.Err()
		}
	}
	return chat.Stored{Status: OK, ID: m.ID, At: 1700000000000}, b.fails
}

func (b *backend) History(_ context.Context, place chat.Place, limit int) (chat.Past, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.place, b.limit = place, limit
	one := chat.Message{Message: "<b>", Username: "ada", ID: "1", From: "7", Verified: true, At: 1700000000000, Offset: "1700000000000-0"}
	return chat.Past{Status: OK, Messages: []chat.Message{one}, More: true}, b.fails
}

func (b *backend) People(context.Context) (chat.People, error) {
	return chat.People{Total: 2, People: []chat.Person{{ID: "7", Name: "ada", Verified: true}, {ID: "~x", Name: "eve"}}}, b.fails
}

func (b *backend) Rooms(after string, n int) ([]chat.Listed, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.after, b.limit = after, n
	return b.roomList, len(b.roomList) > 0
}

func (b *backend) Top(n int) []Busy {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = n
	return b.busy[:min(n, len(b.busy))]
}

func (b *backend) Nodes() []Node {
	return []Node{{ID: "a", Address: "10.0.0.5:8000", Connections: 3, Self: true}, {ID: "b"}}
}

// said are the messages that were published.
func (b *backend) said() []post {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.posts
}

var (
	errShut    = &engineio.Refusal{Code: "room_forbidden", Message: "There is no room of this name"}
	errNoName  = &engineio.Refusal{Code: "room_invalid", Message: "This is not the name of a room"}
	errNothing = &chat.Error{Code: chat.Empty, Message: "There is nothing in the message."}
	errTooLong = &chat.Error{Code: chat.TooLong, Message: "The message may have at most 4000 characters."}
	errAway    = &chat.Error{Code: chat.Unavailable, Message: "Please try again.", Err: io.ErrUnexpectedEOF}
)

// newHandler makes a handler with one key.
func newHandler(b Backend, change ...func(*Options)) *Handler {
	o := Options{Backend: b, Keys: []string{testKey}, MaxBody: 4096, Logger: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&o)
	}
	return New(o)
}

// call is a request of a test. An empty method is that of its body; with keyless it has no key.
type call struct {
	method, path, body string
	header             http.Header // beside the usual ones, or in their place
}

func (c call) request() *http.Request {
	if c.method == "" {
		c.method = http.MethodGet
		if c.body != "" {
			c.method = http.MethodPost
		}
	}
	r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
	r.Header.Set("Authorization", "Bearer "+testKey)
	if c.method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range c.header {
		r.Header[name] = values
	}
	return r
}

// answered is what a request is answered with.
type answered struct {
	status int
	code   string // "ok" unless the request is refused
	body   string
	header http.Header
}

// serve serves a request and holds the answer against the OpenAPI file.
func serve(t *testing.T, h http.Handler, c call) answered {
	t.Helper()
	w, r := httptest.NewRecorder(), c.request()
	h.ServeHTTP(w, r)
	got := decode(t, w)
	document(t).check(t, r, got)
	return got
}

func decode(t *testing.T, w *httptest.ResponseRecorder) answered {
	t.Helper()
	got := answered{status: w.Code, code: OK, body: w.Body.String(), header: w.Header()}
	assert.Equal(t, "type", got.header.Get("Content-Type"), "application/json")
	if w.Code != http.StatusOK {
		var refused chat.Refusal
		assert.NoError(t, json.Unmarshal(w.Body.Bytes(), &refused), got.body)
		got.code = string(refused.Code)
	}
	return got
}

// status serves a request, whatever its method, and returns the status.
func status(h http.Handler, c call) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, c.request())
	return w.Code
}

// logTo makes the handler log everything.
func logTo(w io.Writer) func(*Options) {
	return func(o *Options) {
		o.Logger = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}
