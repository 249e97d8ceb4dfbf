package engineio

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/zishang520/engine.io/v2/engine"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/wire"
)

// Options configure a [Server]. All of them are read once.
type Options struct {
	Sweepers *fanout.Sweepers // write to the sessions; required

	NewID func() string // makes session ids: unguessable, safe in a URL; required

	PingInterval   time.Duration // between a pong and the next ping; default 25 s
	PingTimeout    time.Duration // for a pong; default 20 s
	UpgradeTimeout time.Duration // for the client's part of an upgrade; default 10 s
	BodyTimeout    time.Duration // for the body of a request, and for taking an answer; default 20 s

	MaxPayload     int // bytes of one packet; default 64 KiB
	MaxValues      int // JSON values of one Socket.IO packet; default 256
	MaxBody        int // bytes of one polling request; default 1,000,000
	ByteRate       int // bytes of messages a second from one client before it is read more slowly; 0 is unlimited
	ByteBurst      int // bytes that one client may send at once before that
	MaxConnections int // sessions; 0 is unlimited
	MaxPerAddress  int // sessions from one client address, or one IPv6 /64 network; 0 is unlimited
	SendBuffer     int // bytes that the kernel may hold for a WebSocket that does not read; default 64 KiB

	Origins Origins // who may connect from a browser
	Proxies Proxies // whose X-Forwarded headers are believed

	AllowBinary bool // Socket.IO packets with attachments; without it they close the session
	Raw         bool // messages are not Socket.IO packets: they are handed over unchecked

	// Identify says for whom a CONNECT speaks, to any namespace, before the gate and the library see it. It is called for one
	// CONNECT of a session at a time, in their order, with the turn of the namespace, and may wait: ctx ends with the
	// session, or after ConnectTimeout of waiting for it. The errors are those of [Gate.Enter]. Before it returns nil, it may
	// call [Session.SetPass]: the pass goes to [Parser.Decoded]. nil: there are no passes.
	Identify func(ctx context.Context, s *Session, c Connect) error
	// Expired is asked when the time of [Session.Expire] has come, whether the session ends. If not, that time is forgotten; it
	// may have set another one. It must not block. nil: the session ends.
	Expired func(s *Session) bool
	// Gate decides about CONNECTs to other namespaces than the main one; nil: all go to the library.
	Gate           Gate
	ConnectTimeout time.Duration // for the gate's decision; default 20 s
	MaxNamespaces  int           // that one session may be in or enter at one time; default 64

	Hooks  Hooks
	Logger *slog.Logger // default slog.Default()
}

// Hooks observe the server. They must return quickly and may be nil.
type Hooks struct {
	Closed  func(reason string) // a session ended; one of CloseReasons
	Refused func(reason string) // a request was not served; one of RefusalReasons
	Stray   func(kind string)   // a packet was dropped: its session is not in that namespace; one of StrayKinds
}

func (h *Hooks) closed(reason string) {
	if h.Closed != nil {
		h.Closed(reason)
	}
}

func (h *Hooks) refused(reason string) {
	if h.Refused != nil {
		h.Refused(reason)
	}
}

func (h *Hooks) stray(kind string) {
	if h.Stray != nil {
		h.Stray(kind)
	}
}

// Server is the Engine.IO server: an engine.BaseServer for the library's Bind, and the http.Handler for its path.
type Server struct {
	engine.BaseServer // its event emitter; the rest is not used

	opts    Options
	hooks   Hooks
	wheel   *wheel
	started time.Time
	bytes   pace.Rate // of the messages of a session

	stopWheel func() // may be called more than once

	bodies    *bodies // shared by large bodies
	farewells farewells

	mu        sync.Mutex
	sessions  map[string]*Session
	addresses map[netip.Prefix]int // sessions of each client; see Session.Network
	refusing  bool
	emptied   chan struct{} // closed when refusing and no session is left
}

// NewServer starts a server without sessions. [Server.Shutdown] ends it.
func NewServer(o Options) *Server {
	setDefault(&o.PingInterval, 25*time.Second)
	setDefault(&o.PingTimeout, 20*time.Second)
	setDefault(&o.UpgradeTimeout, 10*time.Second)
	setDefault(&o.BodyTimeout, 20*time.Second)
	setDefault(&o.MaxPayload, 64<<10)
	setDefault(&o.MaxValues, wire.MaxValues)
	setDefault(&o.MaxBody, 1_000_000)
	setDefault(&o.ConnectTimeout, 20*time.Second)
	setDefault(&o.MaxNamespaces, 64)
	setDefault(&o.SendBuffer, 64<<10)
	setDefault(&o.Logger, slog.Default())
	wheel := newWheel(min(o.PingInterval, o.PingTimeout), max(o.PingInterval, o.PingTimeout))
	return &Server{
		BaseServer: engine.MakeBaseServer(),
		opts:       o,
		hooks:      o.Hooks,
		wheel:      wheel,
		stopWheel:  sync.OnceFunc(wheel.close),
		started:    time.Now(),
		bytes:      pace.NewRate(o.ByteRate, o.ByteBurst),
		bodies:     newBodies(max(bodiesRoom, o.MaxBody)),
		sessions:   map[string]*Session{},
		addresses:  map[netip.Prefix]int{},
		emptied:    make(chan struct{}),
	}
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func (s *Server) since() time.Duration { return time.Since(s.started) }

// Connections is the number of sessions.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// ClientsCount implements engine.BaseServer.
func (s *Server) ClientsCount() uint64 { return uint64(s.Connections()) }

// admit adds a new session, or returns why it is refused.
func (s *Server) admit(session *Session) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.refusing:
		return &refuseDraining
	case s.opts.MaxConnections > 0 && len(s.sessions) >= s.opts.MaxConnections:
		return &refuseFull
	case s.opts.MaxPerAddress > 0 && s.addresses[session.Network()] >= s.opts.MaxPerAddress:
		return &refuseAddress
	}
	s.sessions[session.id] = session
	s.addresses[session.Network()]++
	return nil
}

func (s *Server) forget(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session.id)
	network := session.Network()
	if s.addresses[network]--; s.addresses[network] <= 0 {
		delete(s.addresses, network)
	}
	if s.refusing && len(s.sessions) == 0 {
		s.closeEmptied()
	}
}

func (s *Server) closeEmptied() {
	select {
	case <-s.emptied:
	default:
		close(s.emptied)
	}
}

func (s *Server) session(id string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[id]
}

// Refuse refuses new sessions from now on. Existing sessions go on.
func (s *Server) Refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing = true
	if len(s.sessions) == 0 {
		s.closeEmptied()
	}
}

// Shutdown drains the server: it refuses new sessions, ends the others at their transport, so that stock clients reconnect by
// themselves, and waits until all are gone or ctx ends. The ends are spread at random over the given time, so that not all
// clients reconnect at once. The server cannot be used afterwards.
func (s *Server) Shutdown(ctx context.Context, spread time.Duration) error {
	s.Refuse()
	s.mu.Lock()
	sessions := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		sessions = append(sessions, session)
	}
	s.mu.Unlock()
	rand.Shuffle(len(sessions), func(i, j int) { sessions[i], sessions[j] = sessions[j], sessions[i] })

	const step = 50 * time.Millisecond
	batch := len(sessions)/max(int(spread/step), 1) + 1
	for i, session := range sessions {
		if i > 0 && i%batch == 0 {
			select {
			case <-time.After(step/2 + rand.N(step)):
			case <-ctx.Done():
			}
		}
		session.end(causeDrain)
	}
	defer s.stopWheel()
	select {
	case <-s.emptied:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close implements engine.BaseServer: it ends all sessions without waiting for them.
func (s *Server) Close() engine.BaseServer {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, session := range s.sessions {
		go session.end(causeDrain)
	}
	return s
}

// ServeHTTP serves the Engine.IO path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.Allow(w, r) {
		return
	}
	query := r.URL.Query()
	sid, name := query.Get("sid"), query.Get("transport")
	webSocket := name == "websocket"
	switch {
	case !webSocket && name != "polling":
		s.refuse(w, refuseTransport)
	case query.Has("j"):
		s.refuse(w, refuseTransport) // JSONP is not part of this revision
	case sid == "" && r.Method != http.MethodGet:
		s.refuse(w, refuseMethod)
	case sid == "" && query.Get("EIO") != "4":
		s.refuse(w, refuseProtocol)
	case webSocket:
		s.serveWebSocket(w, r, sid)
	case sid == "":
		s.openPolling(w, r)
	default:
		s.servePolling(w, r, sid)
	}
}

// Allow sets the CORS headers of an answer, and bounds the time for the body of its request. It returns false if it has answered
// itself: a preflight, or the request of a page whose origin is not allowed.
func (s *Server) Allow(w http.ResponseWriter, r *http.Request) bool {
	s.boundBody(w, r)
	allowed := s.cors(w.Header(), r)
	switch {
	case r.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
		return false
	case !allowed:
		s.refuse(w, refuseOrigin)
	}
	return allowed
}

// RefuseUnknownSession answers a request whose session does not exist, as the protocol prescribes. The client opens a new one.
func (s *Server) RefuseUnknownSession(w http.ResponseWriter, r *http.Request) {
	s.boundBody(w, r)
	s.cors(w.Header(), r)
	s.refuse(w, refuseSession)
}

// RefuseBusy answers a request that this node has no room for, or is not ready for. The client retries.
func (s *Server) RefuseBusy(w http.ResponseWriter, r *http.Request) {
	s.boundBody(w, r)
	s.cors(w.Header(), r)
	s.refuse(w, refuseBusy)
}

// boundBody bounds the time for the body of a request, even if no handler reads it: net/http reads the rest of it before it
// answers.
func (s *Server) boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.opts.BodyTimeout)) // not every reader can
	}
}

func (s *Server) refuse(w http.ResponseWriter, r refusal) {
	s.hooks.refused(r.message)
	if r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "5")
		w.Header().Set("Access-Control-Expose-Headers", "Retry-After") // a page may not read it otherwise
	}
	body, _ := json.Marshal(map[string]any{"code": r.code, "message": r.message}) // cannot fail
	_ = s.answer(w, r.status, "application/json", body)                           // an error means that the client is gone
}

// openPacket is the first packet for a client: its session id and the terms (Engine.IO protocol, "Handshake").
func (s *Server) openPacket(session *Session) []byte {
	b := append([]byte{wire.PacketOpen}, `{"sid":"`...)
	b = append(b, session.id...)
	b = append(b, `","upgrades":[`...)
	if !session.request.webSocket {
		b = append(b, `"websocket"`...)
	}
	b = append(b, `],"pingInterval":`...)
	b = strconv.AppendInt(b, s.opts.PingInterval.Milliseconds(), 10)
	b = append(b, `,"pingTimeout":`...)
	b = strconv.AppendInt(b, s.opts.PingTimeout.Milliseconds(), 10)
	b = append(b, `,"maxPayload":`...)
	b = strconv.AppendInt(b, int64(s.opts.MaxPayload), 10)
	return append(b, '}')
}

// tooLarge reports whether reading a body failed because of its size.
func tooLarge(err error) bool {
	var limit *http.MaxBytesError
	return errors.Is(err, wire.ErrTooLarge) || errors.As(err, &limit)
}

// plain answers a polling request.
func (s *Server) plain(w http.ResponseWriter, body []byte) error {
	return s.answer(w, http.StatusOK, "text/plain; charset=UTF-8", body)
}

// answer writes and flushes a whole response. The client has BodyTimeout to take it.
func (s *Server) answer(w http.ResponseWriter, status int, contentType string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Now().Add(s.opts.BodyTimeout)) // not every writer can
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := c.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_ = c.SetWriteDeadline(time.Time{})
	return nil
}
