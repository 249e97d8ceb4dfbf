package engineio

import (
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"scalable-chat/server/internal/rawconn"
	"scalable-chat/server/internal/wire"
)

// serveWebSocket opens a session, or upgrades one.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request, sid string) {
	if err := wire.CheckUpgrade(r); err != nil {
		var bad *wire.HandshakeError
		if errors.As(err, &bad) && bad.Status == http.StatusUpgradeRequired {
			w.Header().Set("Sec-WebSocket-Version", wire.ProtocolVersion)
		}
		s.refuse(w, refuseRequest)
		return
	}
	if sid != "" {
		s.upgrade(w, r, sid)
		return
	}
	session := s.newSession(s.opts.Proxies.client(r), newHandshake(r, true))
	if refused := s.admit(session); refused != nil {
		s.refuse(w, *refused)
		return
	}
	nc, early, err := s.hijack(w, r, s.openPacket(session))
	if err != nil {
		s.forget(session)
		return
	}
	session.mu.Lock()
	session.transport.accept(nc)
	session.mu.Unlock()
	session.conn.Attach(nc)
	session.start() // even if it has ended: the reader closes the socket
	session.serveReader(early)
}

// hijack takes over the connection and answers the opening handshake, with the first packet unless that is nil. early is what
// the client sent ahead of the answer. On an error the connection is closed or the request refused.
func (s *Server) hijack(w http.ResponseWriter, r *http.Request, first []byte) (nc net.Conn, early []byte, err error) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.refuse(w, refuseRequest)
		return nil, nil, err
	}
	if n := rw.Reader.Buffered(); n > 0 {
		early = make([]byte, n)
		if _, err := io.ReadFull(rw.Reader, early); err != nil {
			_ = nc.Close()
			return nil, nil, err
		}
	}
	answer := append(make([]byte, 0, 384), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	answer = append(answer, wire.AcceptKey(r.Header.Get("Sec-WebSocket-Key"))...)
	if chosen, _ := wire.Subprotocol(r.Header); chosen != "" {
		answer = append(append(answer, "\r\nSec-WebSocket-Protocol: "...), chosen...)
	}
	answer = append(answer, "\r\n\r\n"...)
	if first != nil {
		answer = wire.AppendFrame(answer, wire.OpText, first)
	}
	if err = nc.SetDeadline(time.Now().Add(s.opts.BodyTimeout)); err == nil {
		if _, err = nc.Write(answer); err == nil {
			err = nc.SetDeadline(time.Time{})
		}
	}
	if err != nil {
		_ = nc.Close()
		return nil, nil, err
	}
	if tcp, ok := nc.(interface{ SetWriteBuffer(int) error }); ok {
		_ = tcp.SetWriteBuffer(s.opts.SendBuffer) // kernel buffers cost memory, too
	}
	return nc, early, nil
}

// wsReader parses what a WebSocket receives. It keeps incomplete frames and messages only.
type wsReader struct {
	frames wire.Reader
	raw    syscall.RawConn   // nil if the connection has none
	small  *[smallBytes]byte // then this waits for the client instead of a borrowed buffer
	held   *holding          // room for an incomplete message; nil until there was a large one
}

// smallBytes is more than most messages of clients have.
const smallBytes = 512

// serveReader handles early and then reads on. It does both in a goroutine of its own, so that the HTTP server can free the
// request.
func (s *Session) serveReader(early []byte) {
	r := &wsReader{frames: wire.NewReader(s.server.opts.MaxPayload + 1), raw: rawconn.Of(s.transport.nc)}
	if r.raw == nil {
		r.small = new([smallBytes]byte)
	}
	if len(early) > 0 {
		go s.readOn(r, early)
		return
	}
	go s.readLoop(r)
}

// readOn handles p and then reads on.
func (s *Session) readOn(r *wsReader, p []byte) {
	if s.handle(r, p) {
		go s.readLoop(r)
		return
	}
	s.discard(r)
}

// readLoop waits for the client on a small stack. After it has handled something, a new goroutine takes over, and the stack that
// grew inside the library is freed.
func (s *Session) readLoop(r *wsReader) {
	p, err := s.read(r)
	if err != nil {
		giveBack(p)
		s.hungUp(causeGone)
		s.discard(r)
		return
	}
	ok := s.handle(r, *p)
	giveBack(p)
	if ok {
		go s.readLoop(r)
		return
	}
	s.discard(r)
}

// read waits until the socket is readable, and only then borrows a buffer. The caller gives the buffer back, also on an error.
func (s *Session) read(r *wsReader) (*[]byte, error) {
	var (
		p   *[]byte
		err error
	)
	if r.raw == nil {
		var n int
		n, err = s.transport.nc.Read(r.small[:])
		p = borrow()
		*p = append(*p, r.small[:n]...)
		if n > 0 {
			err = nil
		}
		return p, err
	}
	wait := r.raw.Read(func(fd uintptr) bool {
		p = borrow()
		var n int
		n, err = rawconn.Read(fd, (*p)[:cap(*p)])
		if errors.Is(err, rawconn.ErrWouldBlock) {
			giveBack(p)
			p = nil
			return false
		}
		*p = (*p)[:n]
		return true
	})
	if p == nil {
		p = borrow()
	}
	if wait != nil {
		return p, wait
	}
	return p, err
}

// handle takes the messages in p. It returns false when the session has ended.
func (s *Session) handle(r *wsReader, p []byte) bool {
	defer s.recovered()
	for {
		m, n, err := r.frames.Next(p)
		p = p[n:]
		if err != nil {
			s.endFrame(err)
			return false
		}
		if m.Op == 0 {
			return s.makeRoom(r) && !s.hasEnded()
		}
		if err := s.receiveMessage(m); err != nil {
			if tooLarge(err) {
				s.end(causeTooLarge)
			}
			return false
		}
	}
}

// makeRoom takes room for what has come of an incomplete message, or gives it back, as for the body of a POST. A session that gets no
// room in time has ended: then it returns false.
func (s *Session) makeRoom(r *wsReader) bool {
	size := costOf(r.frames.Held())
	if r.held == nil {
		if size == 0 {
			return true
		}
		nc := s.transport.nc
		r.held = s.server.bodies.hold(func() {
			s.end(causeHeld)
			_ = nc.Close() // or it would keep the room while it does not read the last frames
		})
	}
	if r.held.resize(size, s.server.opts.BodyTimeout) != nil {
		s.end(causeHeld)
		return false
	}
	return true
}

func (s *Session) receiveMessage(m wire.Message) error {
	switch m.Op {
	case wire.OpText:
		p, err := wire.DecodeText(m.Payload)
		if err != nil {
			s.end(causePacket)
			return errEnded
		}
		return s.receive(p)
	case wire.OpBinary:
		return s.receive(wire.Packet{Type: wire.PacketMessage, Binary: true, Data: m.Payload})
	case wire.OpPing:
		return s.pongFrame(m.Payload)
	case wire.OpClose:
		c := causeClient
		if code, _, err := wire.ParseClose(m.Payload); err == nil {
			c.code = code // echoed
		}
		s.hungUp(c)
		return errEnded
	}
	s.inbound.Lock() // a pong frame has no meaning here
	defer s.inbound.Unlock()
	return s.sundry(len(m.Payload))
}

// endFrame ends the session with the close code that RFC 6455 asks for.
func (s *Session) endFrame(err error) {
	c := causeFrame
	var closing *wire.CloseError
	if errors.As(err, &closing) {
		c.code = closing.Code
		if closing.Code == wire.CodeTooBig {
			c = causeTooLarge
		}
	}
	s.end(c)
}

// discard reads until the client closes or the deadline that the end of the session sets has passed. Then it closes the socket.
// Closing with bytes unread would reset the connection, and the client would lose the last frames.
func (s *Session) discard(r *wsReader) {
	if r.held != nil {
		r.held.shrink(0)
	}
	p := borrow()
	defer giveBack(p)
	for {
		if _, err := s.transport.nc.Read((*p)[:cap(*p)]); err != nil {
			break
		}
	}
	s.conn.Close()
	_ = s.transport.nc.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transport.hangUp()
	s.changed.Broadcast()
}
