package engineio

import (
	"errors"
	"net"
	"net/http"
	"time"

	"scalable-chat/server/internal/wire"
)

// upgrade tries a WebSocket for a session that polls. Until the client has confirmed it, the session lives on by polling
// and does not care what becomes of the attempt.
//
//	client                      server
//	  │ ── WebSocket, 2probe ──▶ │
//	  │ ◀── 3probe ───────────── │   an open poll is ended with a noop
//	  │  (stops polling)         │
//	  │ ── 5 ──────────────────▶ │   what is pending now goes to the WebSocket
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, sid string) {
	session := s.session(sid)
	if session == nil {
		s.refuse(w, refuseSession)
		return
	}
	nc, early, err := s.hijack(w, r, nil)
	if err != nil {
		return
	}
	reader := &wsReader{frames: wire.NewReader(s.opts.MaxPayload + 1)}
	if rest, ok := session.probe(nc, reader, early); ok {
		session.serveReader(reader, rest)
	}
}

// probe does the server's part of an upgrade. Once it is true, the session owns nc, and rest is what follows; otherwise
// nc is closed.
func (s *Session) probe(nc net.Conn, r *wsReader, early []byte) (rest []byte, ok bool) {
	s.mu.Lock()
	if s.life.ended() || !s.transport.try(nc) {
		s.mu.Unlock()
		hangUp(nc)
		return nil, false
	}
	// From now on the end of the session ends the attempt, too.
	s.limitProbeLocked()
	s.turns.pass()
	s.mu.Unlock()

	p := &prober{session: s, nc: nc, reader: r, unread: early}
	if p.handshake() == nil && s.moveTo(nc) {
		s.conn.Attach(nc)
		s.mu.Lock()
		s.transport.attached()
		s.changed.Broadcast()
		s.mu.Unlock()
		return p.unread, true
	}
	s.mu.Lock()
	s.transport.giveUp() // before the client can know, for it may try again
	s.changed.Broadcast()
	s.mu.Unlock()
	hangUp(nc)
	return nil, false
}

// limitProbeLocked gives the client its time to upgrade. It does not run while a POST is taken: the client sees that answered
// before it confirms, and it may be held back for long.
func (s *Session) limitProbeLocked() {
	switch {
	case !s.transport.probing() || s.life.parted():
	case s.posting:
		_ = s.transport.nc.SetDeadline(time.Time{}) // the error would say that it is closed already
	default:
		_ = s.transport.nc.SetDeadline(time.Now().Add(s.server.opts.UpgradeTimeout))
	}
}

// moveTo makes the WebSocket that was tried the session's transport, unless it is too late for that.
func (s *Session) moveTo(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.parted() {
		return false
	}
	_ = nc.SetDeadline(time.Time{}) // its reader notices if it is closed
	s.transport.confirm()
	s.marks = nil // no request of polling is served any more
	s.changed.Broadcast()
	if s.poll != nil {
		s.poll.wakeUp()
	}
	return true
}

// hangUp closes a WebSocket that is no session's.
func hangUp(nc net.Conn) {
	_ = nc.SetDeadline(time.Now().Add(time.Second))
	_, _ = nc.Write(wire.AppendClose(nil, wire.CodePolicy, "")) // out of courtesy
	_ = nc.Close()
}

// prober speaks with a WebSocket that is not a session's yet.
type prober struct {
	session *Session
	nc      net.Conn
	reader  *wsReader
	unread  []byte
}

var errProbe = errors.New("unexpected packet during the upgrade")

// handshake answers probes until the client confirms. Some clients probe twice or not at all; the reference server takes
// both.
func (p *prober) handshake() error {
	for {
		switch text, err := p.next(); {
		case err != nil:
			return err
		case text == "5":
			return nil
		case text != "2probe":
			return errProbe
		}
		p.wait()
		if err := p.say("3probe"); err != nil {
			return err
		}
		p.session.Pending() // an open poll ends soon, so that the client can stop polling
	}
}

// wait keeps the client from asking for more than it may.
func (p *prober) wait() { time.Sleep(p.session.sundries.Reserve(p.session.server.since())) }

func (p *prober) say(text string) error {
	_, err := p.nc.Write(wire.AppendFrame(nil, wire.OpText, []byte(text)))
	return err
}

// next reads one message of text. Control frames other than a ping and a pong end the attempt.
func (p *prober) next() (text string, err error) {
	for {
		m, n, err := p.reader.frames.Next(p.unread)
		p.unread = p.unread[n:]
		switch {
		case err != nil:
			return "", err
		case m.Op == wire.OpText:
			return string(m.Payload), nil
		case m.Op == wire.OpPing:
			p.wait()
			if _, err := p.nc.Write(wire.AppendFrame(nil, wire.OpPong, m.Payload)); err != nil {
				return "", err
			}
		case m.Op == wire.OpPong:
		case m.Op != 0:
			return "", errProbe
		default:
			p.unread = make([]byte, 2<<10)
			n, err := p.nc.Read(p.unread)
			p.unread = p.unread[:n]
			if n == 0 && err != nil {
				return "", err
			}
		}
	}
}
