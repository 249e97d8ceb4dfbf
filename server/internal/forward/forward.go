// Package forward hands requests that name another node's session to the node that owns it.
//
// It owns the way between two nodes: the proxy for long polls and posts, the tunnel for WebSockets, the ticket that proves
// to a node that a node of its cluster sends the request, and the check that this node is reached at its own address. The
// registry of the nodes is the caller's; what is needed of it is [Nodes].
package forward

import (
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/pace"
)

const (
	// ticketHeader marks a forwarded request and proves that a node sent it.
	ticketHeader = "X-Cluster-Ticket"
	// peerHeader carries the address of the peer from which the forwarding node got the request.
	peerHeader = "X-Cluster-Peer"
	// refusedHeader tells the sender that a forwarded request reached the wrong node.
	refusedHeader = "X-Cluster-Refused"

	defaultMaxBody = 4 << 20
)

// Config says what is forwarded, and within which bounds. Self, Nodes and Path are required.
type Config struct {
	Self  string // this node's id
	Nodes Nodes
	Path  string // the Engine.IO path, such as /socket.io/; nothing else is ever forwarded
	// Limit bounds the requests and WebSockets that are being forwarded at one time; 0 is unlimited.
	Limit int
	// MaxBody bounds the body of a forwarded request, in bytes: more of it is not read. It must be larger than the owner's
	// own bound, so that the owner answers 413 and ends the session; 0 means 4 MiB.
	MaxBody int64
	Log     *slog.Logger // nil means the default logger
}

// timings are the waits of a Forwarder.
type timings struct {
	dial      time.Duration // to connect to the owner
	handshake time.Duration // to get its answer to an upgrade
	body      time.Duration // to read a request's body from the client
	stall     time.Duration // a write that makes no progress for so long ends the transfer
	linger    time.Duration // for one direction of a WebSocket after the other has ended
}

var defaultTimings = timings{
	dial:      time.Second,
	handshake: 10 * time.Second,
	body:      20 * time.Second,
	stall:     2 * time.Minute,
	linger:    10 * time.Second,
}

// Stats counts what a Forwarder did. All but the first two only grow.
type Stats struct {
	Requests    int64 // HTTP requests that are being forwarded now
	Tunnels     int64 // WebSockets that are being forwarded now
	Forwarded   int64 // handed to their owner
	Received    int64 // accepted from another node
	Unknown     int64 // their owner is not a live node
	Unreachable int64 // their owner did not answer
	Busy        int64 // refused because of the limit
	Forged      int64 // refused because their ticket was not for this node
}

// Forwarder hands requests that name another node's session to that node: long polls, posts and WebSockets, streaming.
// Only the client limits the time that an answer may take. The owner sees the request as if the client's
// peer had sent it there: same peer address, Host, Origin, query and X-Forwarded-For.
//
// A request is forwarded at most once: it carries a ticket that only its addressee accepts, and a request with a ticket
// is served or refused, never passed on.
type Forwarder struct {
	cfg       Config
	timings   timings
	dialer    net.Dialer
	transport *http.Transport
	quiet     *log.Logger

	forgeries, refusals, failures *slog.Logger // of warnings that strangers can cause

	active      atomic.Int64
	tunnelled   atomic.Int64
	forwarded   atomic.Int64
	received    atomic.Int64
	unknown     atomic.Int64
	unreachable atomic.Int64
	busy        atomic.Int64
	forged      atomic.Int64

	mu      sync.Mutex
	closed  bool                 // guarded by mu
	tunnels map[*tunnel]struct{} // guarded by mu
	running sync.WaitGroup       // the tunnels' goroutines
}

// New returns a forwarder; Shutdown ends it.
func New(cfg Config) *Forwarder { return newForwarder(cfg, defaultTimings) }

func newForwarder(cfg Config, t timings) *Forwarder {
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = defaultMaxBody
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	f := &Forwarder{
		cfg:     cfg,
		timings: t,
		dialer: net.Dialer{
			Timeout: t.dial,
			// Finds a machine that vanished while a poll or an idle WebSocket waits for it.
			KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3},
		},
		quiet: log.New(io.Discard, "", 0),

		forgeries: seldom(cfg.Log), refusals: seldom(cfg.Log), failures: seldom(cfg.Log),

		tunnels: make(map[*tunnel]struct{}),
	}
	f.transport = &http.Transport{
		Proxy:               nil, // never through the proxy of the environment
		DialContext:         f.dialer.DialContext,
		MaxIdleConnsPerHost: 64,
		// Shorter than the owner keeps them, or a post that meets a connection just closed could not be repeated.
		IdleConnTimeout:        10 * time.Second,
		DisableCompression:     true,
		ExpectContinueTimeout:  time.Second, // see rewrite
		MaxResponseHeaderBytes: 64 << 10,
	}
	return f
}

// Stats returns the counters of this moment.
func (f *Forwarder) Stats() Stats {
	tunnels := f.tunnelled.Load()
	return Stats{
		Requests:    max(f.active.Load()-tunnels, 0),
		Tunnels:     tunnels,
		Forwarded:   f.forwarded.Load(),
		Received:    f.received.Load(),
		Unknown:     f.unknown.Load(),
		Unreachable: f.unreachable.Load(),
		Busy:        f.busy.Load(),
		Forged:      f.forged.Load(),
	}
}

// Handle returns a handler that gives requests for this node's sessions, for none, and for other paths to next, CORS
// preflights too, and forwards the rest. unknown answers for an owner that is gone ("Session ID unknown"), busy when too many requests are
// being forwarded; both belong to the edge, which knows the form and the CORS headers of its errors.
func (f *Forwarder) Handle(next, unknown, busy http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.TrimSuffix(r.URL.Path, "/") != strings.TrimSuffix(f.cfg.Path, "/") {
			next.ServeHTTP(w, r)
			return
		}
		peer := r.Header.Get(peerHeader)
		r.Header.Del(peerHeader)
		owner, named := nodeid.Owner(r.URL.Query().Get("sid"))
		if tickets, marked := r.Header[ticketHeader]; marked {
			delete(r.Header, ticketHeader)
			if len(tickets) != 1 || owner != f.cfg.Self || !f.cfg.Nodes.Admits(tickets[0]) {
				f.refuse(w, r, unknown)
				return
			}
			if r.Header.Get(probeHeader) != "" {
				w.Header().Set(probeHeader, f.cfg.Self)
				w.WriteHeader(http.StatusNoContent)
				return
			}
			f.received.Add(1)
			next.ServeHTTP(w, withPeer(r, peer))
			return
		}
		if !named || owner == f.cfg.Self || r.Method == http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		f.forward(w, r, owner, unknown, busy)
	})
}

// Marked reports whether a request says that a node forwards it. Only [Forwarder.Handle] finds out whether that is true.
func Marked(r *http.Request) bool {
	_, marked := r.Header[ticketHeader]
	return marked
}

// warnInterval is the shortest time between two warnings of one kind.
const warnInterval = 30 * time.Second

func seldom(log *slog.Logger) *slog.Logger { return pace.Thinned(log, 1, warnInterval) }

// refuse answers a request whose ticket is not for this node.
func (f *Forwarder) refuse(w http.ResponseWriter, r *http.Request, unknown http.Handler) {
	f.forged.Add(1)
	f.forgeries.Warn("a forwarded request was refused: it is forged, or made for another node (NODE_ADDRESS), or by a node with another CLUSTER_SECRET",
		"peer", r.RemoteAddr)
	w.Header().Set(refusedHeader, "ticket")
	unknown.ServeHTTP(w, r)
}

// refusedBy warns if a request reached the wrong node, and removes the header that says so from the answer.
func (f *Forwarder) refusedBy(route Route, answer http.Header) {
	if answer.Get(refusedHeader) == "" {
		return
	}
	answer.Del(refusedHeader)
	f.refusals.Warn("a node refuses what this one forwards: another node answers at its address (NODE_ADDRESS), or its CLUSTER_SECRET differs",
		"address", route.Address)
}

// withPeer returns the request as the forwarding node got it. Only called once the sender is known to be a node.
func withPeer(r *http.Request, peer string) *http.Request {
	if _, err := netip.ParseAddrPort(peer); err != nil {
		return r
	}
	seen := r.WithContext(r.Context())
	seen.RemoteAddr = peer
	return seen
}

// forward takes one of the [Config].Limit places, finds the owner and hands the request over.
func (f *Forwarder) forward(w http.ResponseWriter, r *http.Request, owner string, unknown, busy http.Handler) {
	if n := f.active.Add(1); f.cfg.Limit > 0 && n > int64(f.cfg.Limit) {
		f.active.Add(-1)
		f.busy.Add(1)
		busy.ServeHTTP(w, r)
		return
	}
	handedOn := false // to a tunnel, which then gives the place back
	defer func() {
		if !handedOn {
			f.active.Add(-1)
		}
	}()
	route, ok := f.cfg.Nodes.Route(r.Context(), owner)
	if !ok {
		f.unknown.Add(1)
		unknown.ServeHTTP(w, r)
		return
	}
	var err error
	if isWebSocket(r) {
		handedOn, err = f.upgrade(w, r, route)
	} else {
		err = f.proxy(w, r, route)
	}
	if err == nil {
		f.forwarded.Add(1)
		return
	}
	if r.Context().Err() != nil {
		return // the client is gone: nobody waits for an answer
	}
	f.unreachable.Add(1)
	f.failures.Warn("a node cannot be reached at the address that it registered; if it lives, correct its NODE_ADDRESS",
		"owner", owner, "address", route.Address, "error", err)
	unknown.ServeHTTP(w, r)
}

// errCut means that the owner accepted a body that was cut at our bound. Its answer is not passed on.
var errCut = errors.New("the owner took a body that was cut")

// proxy forwards an ordinary request. It returns an error if nothing was answered yet.
func (f *Forwarder) proxy(w http.ResponseWriter, r *http.Request, route Route) (err error) {
	control := http.NewResponseController(w)
	body := &boundedBody{ReadCloser: r.Body, left: f.cfg.MaxBody, control: control}
	if r.ContentLength != 0 {
		// The deadline is lifted at the end of the body: the answer may be held back to slow the client down.
		_ = control.SetReadDeadline(time.Now().Add(f.timings.body))
		defer body.release()
		r = r.WithContext(r.Context())
		r.Body = body
	} else {
		_ = control.SetReadDeadline(time.Time{}) // a poll waits for longer than other requests may take
	}
	proxy := httputil.ReverseProxy{
		Transport: f.transport,
		ErrorLog:  f.quiet,
		Rewrite:   func(p *httputil.ProxyRequest) { f.rewrite(p.Out, p.In, route) },
		ModifyResponse: func(answer *http.Response) error {
			f.refusedBy(route, answer.Header)
			if answer.StatusCode < http.StatusMultipleChoices && body.wasCut() {
				return errCut
			}
			_ = control.SetWriteDeadline(time.Now().Add(f.timings.stall))
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, cause error) { err = cause },
	}
	proxy.ServeHTTP(w, r) // panics with http.ErrAbortHandler if the answer breaks off, as it must
	if err == nil {
		// The rest of the buffer is written under the deadline, which must not outlive this request.
		_ = control.Flush()
		_ = control.SetWriteDeadline(time.Time{})
	}
	return err
}

// smallBody is the size of a body, in bytes, that is sent without asking first.
const smallBody = 32 << 10

// rewrite makes out the request that the owner must see: in, marked as forwarded. A large body is sent once the owner asks
// for it: an owner that refuses it unread closes the connection, and its answer could be lost while we write.
func (f *Forwarder) rewrite(out, in *http.Request, route Route) {
	out.URL = f.target(in, route)
	out.Host = in.Host
	for name, values := range in.Header {
		if name == "Forwarded" || strings.HasPrefix(name, "X-Forwarded-") {
			out.Header[name] = values
		}
	}
	// Only the tunnel speaks another protocol.
	out.Header.Del("Connection")
	out.Header.Del("Upgrade")
	if in.ContentLength < 0 || in.ContentLength > smallBody {
		out.Header.Set("Expect", "100-continue")
	}
	if in.ContentLength > f.cfg.MaxBody {
		out.ContentLength = -1 // it is cut
	}
	mark(out.Header, in, route)
}

func (f *Forwarder) target(in *http.Request, route Route) *url.URL {
	return &url.URL{Scheme: "http", Host: route.Address, Path: f.cfg.Path, RawQuery: in.URL.RawQuery}
}

func mark(h http.Header, in *http.Request, route Route) {
	h.Set(ticketHeader, route.Ticket)
	h.Set(peerHeader, in.RemoteAddr)
}

// boundedBody is the body of a request with a deadline until its end. It is cut at a bound in bytes that is larger than the
// owner's, so that the owner's refusal is seen. Once released it no longer touches the connection, which may then serve the
// next request.
type boundedBody struct {
	io.ReadCloser
	control *http.ResponseController
	left    int64 // bytes until the bound; the transport's own while it reads

	mu   sync.Mutex
	done bool // guarded by mu
	cut  bool // guarded by mu
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.cut = true
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if errors.Is(err, io.EOF) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.done {
			_ = b.control.SetReadDeadline(time.Time{})
		}
	}
	return n, err
}

func (b *boundedBody) wasCut() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cut
}

func (b *boundedBody) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = true
}
