package engineio

import (
	"errors"
	"net"
	"net/http"
	"time"

	"scalable-chat/server/internal/engineio/wire"
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
	nc, early, err := s.hijack(w, r)
	if err != nil {
		return
	}
	reader := &wsReader{frames: wire.NewReader(s.opts.MaxPayload + 1)}
	rest, ok := session.probe(nc, reader, early)
	if !ok {
		_ = nc.Close()
		return
	}
	session.serveReader(reader, rest)
}

// probe does the server's part of an upgrade. Once it is true, the session owns nc, and rest is what follows.
func (s *Session) probe(nc net.Conn, r *wsReader, early []byte) (rest []byte, ok bool) {
	s.mu.Lock()
	if s.net != nil || s.upgrading || s.ended {
		s.mu.Unlock()
		return nil, false
	}
	s.upgrading = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.upgrading = false
		s.mu.Unlock()
	}()

	p := &prober{nc: nc, reader: r, unread: early}
	if nc.SetDeadline(time.Now().Add(s.server.opts.UpgradeTimeout)) != nil ||
		p.expect("2probe") != nil || p.say("3probe") != nil {
		return nil, false
	}
	s.Pending() // an open poll ends soon, so that the client can stop polling
	if p.expect("5") != nil || nc.SetDeadline(time.Time{}) != nil {
		return nil, false
	}
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return nil, false
	}
	s.net = nc
	if s.poll != nil {
		s.poll.wakeUp()
	}
	s.mu.Unlock()
	s.conn.Attach(nc)
	return p.unread, true
}

// prober speaks with a WebSocket that is not a session's yet.
type prober struct {
	nc     net.Conn
	reader *wsReader
	unread []byte
}

var errProbe = errors.New("unexpected packet during the upgrade")

func (p *prober) say(text string) error {
	_, err := p.nc.Write(wire.AppendFrame(nil, wire.OpText, []byte(text)))
	return err
}

// expect reads one message, which has to be the given text. Control frames other than a ping end the attempt.
func (p *prober) expect(text string) error {
	for {
		m, n, err := p.reader.frames.Next(p.unread)
		p.unread = p.unread[n:]
		switch {
		case err != nil:
			return err
		case m.Op == wire.OpText && string(m.Payload) == text:
			return nil
		case m.Op == wire.OpPing:
			if _, err := p.nc.Write(wire.AppendFrame(nil, wire.OpPong, m.Payload)); err != nil {
				return err
			}
		case m.Op == wire.OpPong:
		case m.Op != 0:
			return errProbe
		default:
			p.unread = make([]byte, 2<<10)
			n, err := p.nc.Read(p.unread)
			p.unread = p.unread[:n]
			if n == 0 && err != nil {
				return err
			}
		}
	}
}
