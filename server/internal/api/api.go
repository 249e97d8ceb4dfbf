// Package api is the HTTP API for the operator's own back end (chapter API of protocol/SPEC.md): it publishes messages, reads
// history, and lists rooms, nodes and people.
//
//	request ──▶ key ──▶ rate ──▶ route ──▶ body and parameters, read strictly ──▶ Backend ──▶ JSON
//
// It owns what a request must look like and how it is answered; the rules of messages are those of package chat. Every refusal
// has one of the [Codes]. A request holds nothing but its connection until all of its body is there. The package has no
// goroutine, and no key is ever logged or answered.
package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"path"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/chat"
)

// Prefix precedes the path of every request.
const Prefix = "/api/"

// Backend finds what requests are about. Its methods may be called from any goroutine.
type Backend interface {
	// Room opens a room for one request; the empty name is the global room. It waits until the room is open, at most until ctx
	// ends. The caller calls leave when it has its answer. The error is an [engineio.Refusal] if this room can never be opened.
	Room(ctx context.Context, name string) (room Room, leave func(), err error)
	// Rooms returns the first n of the rooms that are open on this node and whose names come after the given one, in the order of
	// their names, and whether there are more. They may be a second old.
	Rooms(after string, n int) (rooms []chat.Listed, more bool)
	// Top returns the n busiest of the rooms that are open on this node, the global room among them, the busiest first. n is at
	// most [MaxTop]. They may be a second old.
	Top(n int) []Busy
	// Nodes returns the live nodes that this one knows, itself included.
	Nodes() []Node
}

// Room is one room. Errors that a client may see are [chat.Error]; any other error means that the answer cannot be found now.
type Room interface {
	// Publish is [chat.Service.Publish].
	Publish(ctx context.Context, by auth.Identity, m chat.PublishedMessage) (chat.Stored, error)
	// History is [chat.Service.Read].
	History(ctx context.Context, place chat.Place, limit int) (chat.Past, error)
	// People returns who is in the room, on all nodes.
	People(ctx context.Context) (chat.People, error)
}

// Options configure a handler. Backend and MaxBody are required.
type Options struct {
	Backend Backend
	// Keys are the bearer tokens of which a request needs one. Without any, everybody who reaches the port may use the API.
	Keys     []string
	Trusted  func(host string) bool // whether the Host of a request is served; nil: every one
	Ready    func() bool            // whether the backend can be asked yet; nil: it can
	MaxBody  int                    // most bytes of a body
	Answered func(code string)      // called once for each request, with [OK] or one of the [Codes]; nil: nobody is told
	Logger   *slog.Logger           // gets refusals at debug level; nil: the default logger
}

// The bounds of requests. A body and the work for it together take less than the time that net/http leaves for an answer.
const (
	bodyTimeout = 5 * time.Second
	workTimeout = 12 * time.Second
	keyRate     = 100 // requests per second with one key
	keyBurst    = 500
	atWork      = 256 // requests that wait for the backend at once, whatever their keys
	maxRooms    = 1000
)

// Handler answers the requests under [Prefix].
type Handler struct {
	opts   Options
	keys   keyring
	routes http.Handler
	places chan struct{} // holds a value for each request at work
}

var _ http.Handler = (*Handler)(nil)

// New makes a handler.
func New(o Options) *Handler {
	if o.Answered == nil {
		o.Answered = func(string) {}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	h := &Handler{opts: o, keys: newKeyring(o.Keys), places: make(chan struct{}, atWork)}
	h.routes = h.mux()
	return h
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if r.ContentLength != 0 {
		header.Set("Connection", "close") // unless all of the body is read; net/http would wait for the rest of it
	}
	refused := h.admit(r)
	if at := r.URL.EscapedPath(); refused == nil && path.Clean(at) != at {
		refused = errNotFound // the mux would redirect it, and so a message for the room ".." to the global room
	}
	if refused != nil {
		h.refuse(w, r, refused)
		return
	}
	h.routes.ServeHTTP(w, r)
}

// admit looks at who asks, and how often.
func (h *Handler) admit(r *http.Request) *refusal {
	key := h.keys.find(r.Header["Authorization"])
	switch {
	case h.opts.Trusted != nil && !h.opts.Trusted(r.Host):
		return errHost
	case key == nil:
		return errUnauthorized
	case isPage(r.Header):
		return errPage
	case !key.take():
		return errTooFast
	case h.opts.Ready != nil && !h.opts.Ready():
		return errStarting
	}
	return nil
}

// isPage reports whether a page in a browser sends the request. Keys do not belong there; and the private port needs none, so
// that pages must not reach it through the browser of somebody who may.
func isPage(header http.Header) bool {
	site := header.Get("Sec-Fetch-Site")
	return len(header["Origin"]) > 0 || site != "" && site != "none"
}

// answer writes the answer to a request that was served.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, value any, refused *refusal) {
	if refused != nil {
		h.refuse(w, r, refused)
		return
	}
	h.opts.Answered(OK)
	h.log(r, "request served")
	encode(w, value)
}

// RequestID is the header by which a proxy or a back end names a request in logs.
const RequestID = "X-Request-Id"

// log logs at debug level what became of a request.
func (h *Handler) log(r *http.Request, what string, more ...any) {
	if h.opts.Logger.Enabled(r.Context(), slog.LevelDebug) {
		h.opts.Logger.Debug(what, append(more, "method", r.Method, "path", r.URL.EscapedPath(), "request", r.Header.Get(RequestID), "address", r.RemoteAddr)...)
	}
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, refused *refusal) {
	h.opts.Answered(string(refused.code))
	h.log(r, "request refused", "code", refused.code, "error", refused.cause)
	header := w.Header()
	switch refused.code {
	case unauthorized:
		header.Set("WWW-Authenticate", "Bearer")
	case rateLimited, unavailable:
		header.Set("Retry-After", "1")
	}
	w.WriteHeader(statuses[refused.code])
	encode(w, chat.Refusal{Status: "error", Code: chat.Code(refused.code), Message: refused.message})
}

// encode writes JSON as it is: a client that is no page needs no escapes of HTML.
func encode(w http.ResponseWriter, value any) {
	to := json.NewEncoder(w)
	to.SetEscapeHTML(false)
	_ = to.Encode(value) // the client may have gone
}
