package engineio

import (
	"io"
	"net/http"

	"github.com/zishang520/engine.io-go-parser/packet"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/transports"
	"github.com/zishang520/engine.io/v2/types"

	"scalable-chat/server/internal/wire"
)

// This file has the methods of engine.Socket: what the library sees of a session.

// Write sends a message, as text or, if it is a [types.BytesBuffer], as binary. It never blocks and has
// no effect on a session that has ended. The callback, which the library does not use, is not called.
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

// RemoteAddress is the client's IP address, as trusted proxies report it; empty if it is unknown.
func (s *Session) RemoteAddress() string {
	if !s.address.IsValid() {
		return ""
	}
	return s.address.String()
}

// ReadyState is "open" until the session begins to end, then "closed".
func (s *Session) ReadyState() string {
	if s.hasEnded() {
		return "closed"
	}
	return "open"
}

// Upgraded reports whether the session began by polling and has a WebSocket now.
func (s *Session) Upgraded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.transport.polls() && !s.request.webSocket
}

// Upgrading reports whether a WebSocket is being tried for a session that polls.
func (s *Session) Upgrading() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transport.probing()
}

// Transport describes the transport of this moment.
func (s *Session) Transport() transports.Transport { return transportView{session: s} }

// SetReadyState implements engine.Socket and does nothing: the state is the session's own.
func (s *Session) SetReadyState(string) {}

// Construct implements engine.Socket and does nothing: sessions are made by their server.
func (s *Session) Construct(string, engine.BaseServer, transports.Transport, *types.HttpContext, int) {
}

// MaybeUpgrade implements engine.Socket and does nothing: upgrades are the server's.
func (s *Session) MaybeUpgrade(transports.Transport) {}

// Request is what is kept of the handshake's request: its path, and its query unless that is long. The library reads it while
// it handles a CONNECT. It is built then and dropped afterwards.
func (s *Session) Request() *types.HttpContext {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.context != nil {
		return s.context
	}
	r, err := http.NewRequest(http.MethodGet, s.request.uri, nil)
	if err != nil { // it was parsed before
		r = &http.Request{Method: http.MethodGet}
	}
	r.RequestURI, r.Header, r.RemoteAddr = s.request.uri, http.Header{}, s.RemoteAddress()
	c := types.NewHttpContext(noResponse{}, r)
	c.Flush() // ends the goroutine that waits for the request's end
	if s.lanes.any(func(l *lane) bool { return l.taken && l.kind == wire.Connect }) {
		s.context = c
	}
	return c
}

// noResponse is the response writer of a request that has been answered already.
type noResponse struct{}

func (noResponse) Header() http.Header         { return http.Header{} }
func (noResponse) Write(p []byte) (int, error) { return len(p), nil }
func (noResponse) WriteHeader(int)             {}

// transportView is what the library may ask of a transport; the rest of the interface is not there.
type transportView struct {
	transports.Transport
	session *Session
}

// Name is "polling" or "websocket".
func (t transportView) Name() string {
	t.session.mu.Lock()
	defer t.session.mu.Unlock()
	if t.session.transport.polls() {
		return "polling"
	}
	return "websocket"
}

// Sid is the id of the session.
func (t transportView) Sid() string { return t.session.id }

// Writable reports whether a volatile packet can be written now.
func (t transportView) Writable() bool { return t.session.conn.Writable() }
