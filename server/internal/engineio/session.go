package engineio

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/types"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/subscriber"
	"scalable-chat/server/internal/wire"
)

// Session is one client: an engine.Socket for the library, on either transport. Its methods may be called from any goroutine
// that holds locks of its own: none of them blocks, and none emits in the caller's goroutine.
type Session struct {
	emitter

	// Fixed from the start.
	server  *Server
	id      string
	address netip.Addr // of the client; zero if it is unknown
	request handshake
	conn    *fanout.Conn

	wheel wheelLinks

	mu        sync.Mutex
	changed   sync.Cond // on mu: life, transport, reader or lanes did
	life      lifecycle
	transport transport
	reader    reader
	lanes     lanes
	heart     heartbeat
	expires   time.Duration      // when the session ends by itself, since the server's start; 0: never
	poll      *poll              // the open GET
	marks     *marks             // of its requests; nil until there is one
	posting   bool               // a POST is being read
	gone      bool               // the library was told of the end
	context   *types.HttpContext // of the handshake, while a CONNECT is in turn

	attachment any // of the owner; see Attachment
	visit      any // of the gate; see Visit
	party      any // of Options.Identify; see Party

	inbound sync.Mutex // one packet is received at a time, by either transport; guards partial
	partial *partial   // a packet whose attachments have not all come

	binary sync.Mutex // held while a packet with attachments is handed to the library
}

var (
	_ engine.Socket = (*Session)(nil)
	_ fanout.Owner  = (*Session)(nil)
)

// Frames that are the same for every client. Private frames are kept as WebSocket frames; polls unwrap them.
var (
	pingFrame = wire.AppendFrame(nil, wire.OpText, []byte{wire.PacketPing})
	noop      = []byte{wire.PacketNoop}
)

const (
	// privateLimit is how many bytes of private frames a client may leave unread before the edge stops reading from it.
	privateLimit = 64 << 10
	// flushTimeout bounds how long the client of an ending session may take to read its last frames.
	flushTimeout = 2 * time.Second
	// lingerTimeout bounds the wait for the client to close its end of the connection. Closing with bytes unread would
	// reset the connection and destroy the last frames.
	lingerTimeout = time.Second
)

// newSession makes a session that nobody else knows yet. [Session.start] opens it.
func (s *Server) newSession(address string, request handshake) *Session {
	session := &Session{server: s, id: s.opts.NewID(), request: request, transport: newTransport(request.webSocket)}
	session.address, _ = netip.ParseAddr(address)
	session.changed.L = &session.mu
	session.conn = s.opts.Sweepers.NewConn(session)
	return session
}

// start hands the session to the library.
func (s *Session) start() {
	s.heart.pinged = s.server.since()
	s.server.wheel.set(s, s.server.opts.PingInterval)
	s.guard(func() { s.server.Emit("connection", s) })
	s.mu.Lock()
	finish := s.life.begin()
	s.mu.Unlock()
	if finish {
		go s.finish()
	}
}

// end closes the session, once, for the given cause. It does not wait.
func (s *Session) end(c cause) {
	s.mu.Lock()
	first, finish := s.life.end(c)
	if !first {
		s.mu.Unlock()
		return
	}
	if c == causeClient && s.transport.polls() && (s.poll == nil || s.poll.answered) {
		s.server.farewells.add(s.id)
	}
	s.lanes.stop()
	s.changed.Broadcast()
	if s.poll != nil {
		s.poll.wakeUp()
	}
	s.mu.Unlock()
	if finish {
		go s.finish()
	}
}

// finish completes the end of a session: it flushes the last packets, tells the library, closes the transport, and then
// frees the session's place.
func (s *Session) finish() {
	s.server.wheel.remove(s)
	c := s.life.cause() // it stays
	s.guard(func() { s.server.hooks.closed(c.reason) })
	if log := s.server.opts.Logger; log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug("session ended", "address", s.RemoteAddress(), "reason", c.reason) // its id is a secret
	}
	nc := s.settle()
	s.conn.LeaveAll()
	s.guard(func() { s.Emit("close", c.event, nil) })
	s.Clear()
	if nc != nil {
		s.finishWebSocket(nc)
	}
	s.conn.Close()

	s.mu.Lock()
	for s.transport.busy() || s.lanes.any((*lane).manned) {
		s.changed.Wait()
	}
	s.mu.Unlock()
	s.partOrphans()
	s.leaveGate()
	s.server.forget(s)
}

// partOrphans disconnects the sockets that the library has forgotten. When it closes a connection by itself, it disconnects all
// sockets that it knows of, then forgets them all, and then closes: a socket that connects meanwhile is in no list.
func (s *Session) partOrphans() {
	defer s.recovered()
	var orphans []Resident
	s.mu.Lock()
	for l := range s.lanes.all {
		if l.joined && l.resident != nil {
			orphans = append(orphans, l.resident)
		}
	}
	s.mu.Unlock()
	for _, one := range orphans {
		one.Part()
	}
}

// settle returns the WebSocket of a session that has ended, or nil. A client that is not at fault gets what came before
// the end, including the log: a WebSocket gets what it takes at once; a client that polls may fetch, or finish its upgrade,
// for up to [lastPollTimeout].
func (s *Session) settle() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.cause().parting() {
		timer := time.AfterFunc(lastPollTimeout, s.partWith)
		for s.transport.polls() && !s.life.parted() && s.conn.Behind() {
			s.changed.Wait()
		}
		timer.Stop()
	}
	s.life.part()
	if s.transport.probing() {
		expire(s.transport.nc)
	}
	for s.transport.attaching() {
		s.changed.Wait()
	}
	nc := s.transport.webSocket()
	if nc != nil && !s.life.cause().gone {
		s.mu.Unlock()
		s.conn.Send(nil) // writes what is pending
		s.mu.Lock()
	}
	return nc
}

// partWith notes that a client that polls has everything, or that its time is over.
func (s *Session) partWith() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life.part()
	s.changed.Broadcast()
}

// finishWebSocket flushes what is pending and closes this half of the connection. The reader closes the rest.
func (s *Session) finishWebSocket(nc net.Conn) {
	if s.life.cause().gone { // it stays
		expire(nc)
		return
	}
	s.conn.Send(wire.AppendClose(nil, s.life.cause().code, ""))
	stop := make(chan struct{})
	timer := time.AfterFunc(flushTimeout, func() { close(stop) })
	defer timer.Stop()
	half, ok := nc.(interface{ CloseWrite() error })
	if s.conn.WaitFlushed(stop) && ok && half.CloseWrite() == nil {
		// An error here means that the connection is closed already.
		_ = nc.SetDeadline(time.Now().Add(lingerTimeout))
		return
	}
	expire(nc)
}

// expire unblocks every read and write on the connection, and fails all later ones.
func expire(nc net.Conn) {
	_ = nc.SetDeadline(time.Unix(1, 0)) // an error here means that it is closed already
}

// guard calls into the library. A panic there ends this session instead of the process.
func (s *Session) guard(fn func()) {
	defer s.recovered()
	fn()
}

// recovered is deferred around calls into the library: a panic ends this session instead of the process.
func (s *Session) recovered() {
	if p := recover(); p != nil {
		s.server.opts.Logger.Error("panic in a session", slog.String("address", s.RemoteAddress()), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		s.end(causePanic)
	}
}

// Lost implements [fanout.Owner].
func (s *Session) Lost(l fanout.Lost) {
	switch l {
	case fanout.LostReset:
		s.end(causeReset)
	case fanout.LostSlow:
		s.end(causeSlow)
	default:
		s.end(causeGone)
	}
}

// Pending implements [fanout.Owner]: an open poll can be answered.
func (s *Session) Pending() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll != nil {
		s.poll.wakeUp()
	}
}

// Follow delivers a log from the cursor on, after the private frames in first and those sent before. It has no effect on a
// session that has ended.
func (s *Session) Follow(at fanout.Cursor, first []byte) {
	if !s.hasEnded() {
		s.conn.Join(at, first)
	}
}

// Unfollow ends the delivery of a log.
func (s *Session) Unfollow(log *fanout.Log) { s.conn.Leave(log) }

// SendFrame queues one whole WebSocket frame for this client only. It returns false if the session has ended, or ends now
// because its queue is full.
func (s *Session) SendFrame(frame []byte) bool { return !s.hasEnded() && s.conn.Send(frame) }

// SendVolatile sends whole frames, or drops them if they cannot be written now.
func (s *Session) SendVolatile(frames []byte) bool {
	return !s.hasEnded() && s.conn.SendVolatile(frames)
}

// Network is what stands for the client where clients are counted by address; see [subscriber.Of]. It is zero if the address is
// unknown.
func (s *Session) Network() netip.Prefix { return subscriber.Of(s.address) }

// Attachment is a value of the session's owner, which lasts as long as the session. The first call makes it. If several
// first calls come at once, each may make one, and all get the same.
func (s *Session) Attachment(make func() any) any { return s.keep(&s.attachment, make) }

// Visit is like [Session.Attachment] for the session's [Gate].
func (s *Session) Visit(make func() any) any { return s.keep(&s.visit, make) }

// Party is like [Session.Attachment] for Options.Identify.
func (s *Session) Party(make func() any) any { return s.keep(&s.party, make) }

// keep returns what place holds, made by the first call. Session.mu guards the place.
func (s *Session) keep(place *any, make func() any) any {
	s.mu.Lock()
	kept := *place
	s.mu.Unlock()
	if kept != nil {
		return kept
	}
	made := make()
	s.mu.Lock()
	defer s.mu.Unlock()
	if *place == nil {
		*place = made
	}
	return *place
}

func (s *Session) hasEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.life.ended()
}
