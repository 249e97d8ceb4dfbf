package engineio

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/zishang520/engine.io-go-parser/packet"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/transports"
	"github.com/zishang520/engine.io/v2/types"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/wire"
)

// Session is one client: an engine.Socket for the library, whatever its transport. The library and the adapter may call
// it from any goroutine, with locks of their own held: no method blocks, and none emits in the caller's goroutine.
type Session struct {
	emitter

	// Fixed from the start.
	server  *Server
	id      string
	address string // of the client, without port
	request handshake
	conn    *fanout.Conn

	wheel wheelLinks

	mu      sync.Mutex
	changed sync.Cond // on mu: busy, net, probing, moving, hungUp, ended or parted did
	heart   heartbeat
	net     net.Conn // of a WebSocket session; nil while polling
	hungUp  bool     // the reader of net is done with it
	probing net.Conn // the WebSocket that is tried for a session that polls
	moving  bool     // net was set just now, and conn will have it in a moment
	poll    *poll    // the open GET
	marks   *marks   // of its requests; nil until there is one
	posting bool     // a POST is being read
	started bool     // the library has attached its listeners
	ended   bool
	cause   cause // once ended
	parted  bool  // has ended with the transport that it has
	context *types.HttpContext

	busy      bool          // a packet is in turn
	turnKind  wire.Kind     // what it is
	turn      uint64        // its number, from 1
	turnSince time.Duration // since the server's start
	turnUntil time.Duration // the turn lasts at least until then
	held      bool          // the next packet waits for the turn
	unread    bool          // it, or a ping, waits for the client to read
	probed    chan struct{} // closed when an upgrade begins meanwhile

	inbound     sync.Mutex // one packet is received at a time, whatever it came by; guards what follows
	attachments int        // binary messages that still belong to the last packet
	lastBinary  wire.Kind  // what that packet is

	sundries pace.Bucket // see doneInTime
	bytes    pace.Bucket // of messages; see takeTurn
}

var (
	_ engine.Socket = (*Session)(nil)
	_ fanout.Owner  = (*Session)(nil)
)

// The frames that are the same for everybody. Private frames are kept as WebSocket frames; polls unwrap them.
var (
	pingFrame = wire.AppendFrame(nil, wire.OpText, []byte{wire.PacketPing})
	noop      = []byte{wire.PacketNoop}
)

const (
	// privateLimit is how many bytes of private frames a client may leave unread before it is no longer read itself.
	privateLimit = 64 << 10
	// flushTimeout bounds how long an ending session is given to take its last frames.
	flushTimeout = 2 * time.Second
	// lingerTimeout bounds the wait for the client's end of the connection: to close with bytes unread would reset it,
	// and so destroy what was written last.
	lingerTimeout = time.Second
)

// newSession makes a session that is not known to anyone yet; start brings it to life.
func (s *Server) newSession(address string, request handshake) *Session {
	session := &Session{
		server: s, id: s.opts.NewID(), address: address, request: request,
		sundries: pace.New(sundriesRate, sundriesBurst), bytes: pace.New(s.opts.ByteRate, s.opts.ByteBurst),
	}
	session.changed.L = &session.mu
	session.conn = s.opts.Sweepers.NewConn(session)
	return session
}

// start hands the session to the library.
func (s *Session) start() {
	s.server.wheel.set(s, s.server.opts.PingInterval)
	s.guard(func() { s.server.Emit("connection", s) })
	s.mu.Lock()
	s.started = true
	ended := s.ended
	s.mu.Unlock()
	if ended {
		go s.finish()
	}
}

// end closes the session, once, for the given cause. It does not wait.
func (s *Session) end(c cause) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.ended, s.cause = true, c
	if c == causeClient && s.net == nil && (s.poll == nil || s.poll.answered) {
		s.server.farewells.add(s.id)
	}
	s.changed.Broadcast()
	if s.poll != nil {
		s.poll.wakeUp()
	}
	started := s.started
	s.mu.Unlock()
	if started {
		go s.finish()
	}
}

// finish sees what is left to its end: the last packets, the library's listeners, the transport; only then is the
// session's place free.
func (s *Session) finish() {
	s.server.wheel.remove(s)
	s.guard(func() { s.server.hooks.closed(s.cause.reason) })
	nc := s.settle()
	s.conn.LeaveAll()
	s.guard(func() { s.Emit("close", s.cause.event, nil) })
	s.Clear()
	if nc != nil {
		s.finishWebSocket(nc)
	}
	s.conn.Close()

	s.mu.Lock()
	for s.probing != nil || nc != nil && !s.hungUp {
		s.changed.Wait()
	}
	s.mu.Unlock()
	s.server.forget(s)
}

// settle returns the WebSocket of a session that has ended, or nil. A client that is not at fault gets what came before
// the end, also of the log: a WebSocket what it takes at once, a poll what it fetches within a bounded time, in which it
// may also finish the upgrade that it is in the middle of.
func (s *Session) settle() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause.parting() {
		timer := time.AfterFunc(lastPollTimeout, s.partWith)
		for s.net == nil && !s.parted && s.conn.Behind() {
			s.changed.Wait()
		}
		timer.Stop()
	}
	s.parted = true
	if s.probing != nil {
		expire(s.probing)
	}
	for s.moving {
		s.changed.Wait()
	}
	if s.net != nil && !s.cause.gone {
		s.mu.Unlock()
		s.conn.Send(nil) // writes what is pending
		s.mu.Lock()
	}
	return s.net
}

// partWith says that a client that polls has got everything, or has had its time.
func (s *Session) partWith() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parted = true
	s.changed.Broadcast()
}

// finishWebSocket flushes what is pending and closes this half of the connection; the reader then closes the rest.
func (s *Session) finishWebSocket(nc net.Conn) {
	if s.cause.gone {
		expire(nc)
		return
	}
	s.conn.Send(wire.AppendClose(nil, s.cause.code, ""))
	stop := make(chan struct{})
	timer := time.AfterFunc(flushTimeout, func() { close(stop) })
	defer timer.Stop()
	half, ok := nc.(interface{ CloseWrite() error })
	if s.conn.WaitFlushed(stop) && ok && half.CloseWrite() == nil {
		// The error would say that the connection is closed already.
		_ = nc.SetDeadline(time.Now().Add(lingerTimeout))
		return
	}
	expire(nc)
}

// expire ends whatever is being read from or written to the connection, and all that will be.
func expire(nc net.Conn) {
	_ = nc.SetDeadline(time.Unix(1, 0)) // the error would say that it is closed already
}

// guard calls what could panic with the library.
func (s *Session) guard(fn func()) {
	defer s.recovered()
	fn()
}

// recovered is deferred where a panic of the library could pass: it ends this session instead of the process.
func (s *Session) recovered() {
	if p := recover(); p != nil {
		s.server.opts.Logger.Error("panic in a session", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
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

// Follow starts the delivery of a log from the cursor, behind the private frames in first and those sent before.
// On a session that has ended it does nothing.
func (s *Session) Follow(at fanout.Cursor, first []byte) {
	if !s.hasEnded() {
		s.conn.Join(at, first)
	}
}

// Unfollow ends the delivery of a log.
func (s *Session) Unfollow(log *fanout.Log) { s.conn.Leave(log) }

// SendFrame sends one whole WebSocket frame to this client only. It is false if the session has ended, or ends because
// it cannot take the frame.
func (s *Session) SendFrame(frame []byte) bool { return !s.hasEnded() && s.conn.Send(frame) }

// SendVolatile sends whole frames that are dropped unless they can be written now.
func (s *Session) SendVolatile(frames []byte) bool {
	return !s.hasEnded() && s.conn.SendVolatile(frames)
}

// Write sends a message, as text or, if it is a [types.BytesBuffer], as binary. It never blocks; on a session that has
// ended it does nothing. The callback, which the library does not use, is not called.
func (s *Session) Write(message io.Reader, _ *packet.Options, _ engine.SendCallback) engine.Socket {
	var frame []byte
	switch m := message.(type) {
	case *types.BytesBuffer:
		frame = wire.AppendFrame(nil, wire.OpBinary, m.Bytes())
	case types.BufferInterface:
		frame = textFrame(m.Bytes())
		s.releaseConnect(m.Bytes())
	default:
		b, err := io.ReadAll(message)
		if err != nil {
			s.end(causePanic)
			return s
		}
		frame = textFrame(b)
	}
	s.SendFrame(frame)
	return s
}

// textFrame is a message packet with text in a frame of its own.
func textFrame(text []byte) []byte {
	return wire.AppendMessage(make([]byte, 0, wire.MessageLen(len(text))), text)
}

// Send is Write.
func (s *Session) Send(message io.Reader, o *packet.Options, cb engine.SendCallback) engine.Socket {
	return s.Write(message, o, cb)
}

// Close ends the session. Unless discard is set, what was written before is flushed first, for a bounded time.
func (s *Session) Close(discard bool) {
	c := causeForced
	c.gone = discard
	s.end(c)
}

// Id implements engine.Socket.
func (s *Session) Id() string { return s.id } //nolint:revive // the library's spelling

// Protocol implements engine.Socket: Engine.IO revision 4.
func (s *Session) Protocol() int { return 4 }

// RemoteAddress is the client's IP address, as far as trusted proxies tell it.
func (s *Session) RemoteAddress() string { return s.address }

// network stands for everybody whom the limit per address takes for one: a subscriber has 2^64 IPv6 addresses.
func (s *Session) network() string {
	addr, err := netip.ParseAddr(s.address)
	if err != nil || addr.Unmap().Is4() {
		return s.address
	}
	network, _ := addr.Prefix(64) // it is an IPv6 address
	return network.String()
}

// ReadyState is "open" until the session begins to end, then "closed".
func (s *Session) ReadyState() string {
	if s.hasEnded() {
		return "closed"
	}
	return "open"
}

func (s *Session) hasEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// hasWebSocketLocked reports whether the session has left polling, or never polls: its client can know the session's id
// before net is set.
func (s *Session) hasWebSocketLocked() bool { return s.net != nil || s.request.webSocket }

// Upgraded reports whether the session began by polling and has a WebSocket now.
func (s *Session) Upgraded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.net != nil && !s.request.webSocket
}

// Upgrading reports whether a WebSocket is being tried for a session that polls.
func (s *Session) Upgrading() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.probing != nil
}

// Transport describes the transport of this moment.
func (s *Session) Transport() transports.Transport { return transport{session: s} }

// SetReadyState implements engine.Socket and does nothing: the state is the session's own.
func (s *Session) SetReadyState(string) {}

// Construct implements engine.Socket and does nothing: sessions are made by their server.
func (s *Session) Construct(string, engine.BaseServer, transports.Transport, *types.HttpContext, int) {
}

// MaybeUpgrade implements engine.Socket and does nothing: upgrades are the server's.
func (s *Session) MaybeUpgrade(transports.Transport) {}
