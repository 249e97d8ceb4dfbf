package engineio

import (
	"errors"
	"net"
	"net/http"
	"time"

	"scalable-chat/server/internal/wire"
)

// upgrade tries a WebSocket for a session that polls. Until the client confirms it, the session goes on polling, and a failed
// attempt does not affect it.
//
//	client                      server
//	  │ ── WebSocket, 2probe ──▶ │
//	  │ ◀── 3probe ───────────── │   an open poll is ended with a noop
//	  │  (stops polling)         │
//	  │ ── 5 ──────────────────▶ │   pending frames go to the WebSocket from now on
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
	if rest, ok := session.probe(nc, early); ok {
		session.serveReader(rest)
	}
}

// probe does the server's part of an upgrade. If ok is true, the session owns nc, and rest is what the client sent after its
// confirmation; otherwise nc is closed.
func (s *Session) probe(nc net.Conn, early []byte) (rest []byte, ok bool) {
	s.mu.Lock()
	if s.life.ended() || !s.transport.try(nc) {
		s.mu.Unlock()
		hangUp(nc)
		return nil, false
	}
	// From now on the end of the session ends the attempt, too.
	s.limitProbeLocked()
	s.reader.pass()
	s.mu.Unlock()

	p := &prober{session: s, nc: nc, frames: wire.NewReader(probeBytes), unread: early}
	if p.handshake() == nil && s.moveTo(nc) {
		s.conn.Attach(nc)
		s.mu.Lock()
		s.transport.attached()
		s.changed.Broadcast()
		s.mu.Unlock()
		return p.unread, true
	}
	s.mu.Lock()
	s.transport.giveUp() // before the client sees the end, because it may try again then
	s.changed.Broadcast()
	s.mu.Unlock()
	hangUp(nc)
	return nil, false
}

// limitProbeLocked bounds the client's time to upgrade. The time stands still while a POST is read: the client confirms only
// after its answer, and back-pressure may delay that for long.
func (s *Session) limitProbeLocked() {
	switch {
	case !s.transport.probing() || s.life.parted():
	case s.posting:
		_ = s.transport.nc.SetDeadline(time.Time{}) // an error means that it is closed already
	default:
		_ = s.transport.nc.SetDeadline(time.Now().Add(s.server.opts.UpgradeTimeout))
	}
}

// moveTo makes the probed WebSocket the session's transport. It returns false if the session has parted.
func (s *Session) moveTo(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.parted() {
		return false
	}
	_ = nc.SetDeadline(time.Time{}) // an error means that it is closed, which its reader notices
	s.transport.confirm()
	s.marks = nil // polling requests are not served any more
	s.changed.Broadcast()
	if s.poll != nil {
		s.poll.wakeUp()
	}
	return true
}

// hangUp closes a WebSocket that belongs to no session.
func hangUp(nc net.Conn) {
	_ = nc.SetDeadline(time.Now().Add(time.Second))
	_, _ = nc.Write(wire.AppendClose(nil, wire.CodePolicy, "")) // best effort
	_ = nc.Close()
}

// probeBytes bounds a message during the upgrade; the longest that has a meaning is "2probe".
const probeBytes = 64

// prober talks to a WebSocket that does not belong to its session yet.
type prober struct {
	session *Session
	nc      net.Conn
	frames  wire.Reader
	unread  []byte
}

var errProbe = errors.New("unexpected packet during the upgrade")

// handshake answers probes until the client confirms. Some clients probe twice or not at all, and the reference server accepts
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

// wait paces the client's probes and pings.
func (p *prober) wait() {
	s := p.session
	s.mu.Lock()
	now := s.server.since()
	d := s.reader.sundries.ReserveN(sundries, now, 1)
	s.mu.Unlock()
	time.Sleep(d)
}

func (p *prober) say(text string) error {
	_, err := p.nc.Write(wire.AppendFrame(nil, wire.OpText, []byte(text)))
	return err
}

// next reads one text message. Control frames other than a ping and a pong end the attempt.
func (p *prober) next() (text string, err error) {
	for {
		m, n, err := p.frames.Next(p.unread)
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
			p.wait()
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
