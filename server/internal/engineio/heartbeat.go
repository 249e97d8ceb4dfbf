package engineio

import "time"

// stallTimeout is how long the library may take for one packet before its session is given up.
const stallTimeout = 2 * time.Minute

// heartbeat is what a session remembers of its last ping; guarded by Session.mu.
type heartbeat struct {
	waiting bool   // for a pong
	flushed bool   // the ping's last byte was written: only then the client's time runs
	written uint64 // bytes written when that was last looked at
}

// beat is called by the wheel: it is time for a ping, or a pong is overdue.
func (s *Session) beat() {
	s.mu.Lock()
	switch {
	case s.ended:
		s.mu.Unlock()
		return
	case s.busy && s.server.since()-s.turnSince > stallTimeout:
		s.mu.Unlock()
		s.end(causeStalled)
		return
	case !s.heart.waiting:
		s.mu.Unlock()
		s.ping()
		return
	}
	held := s.held > 0 // it is we who do not read: the pong may lie in the socket
	s.mu.Unlock()
	if !held && !s.stillWriting() {
		s.end(causePing)
		return
	}
	s.server.wheel.set(s, s.server.opts.PingTimeout)
}

func (s *Session) ping() {
	s.mu.Lock()
	s.heart = heartbeat{waiting: true}
	s.mu.Unlock()
	s.server.wheel.set(s, s.server.opts.PingTimeout) // before the ping, so that the pong overrides it
	if !s.conn.Send(pingFrame) {
		return
	}
	flushed, written := s.conn.Private() == 0, s.conn.Written()
	s.mu.Lock()
	s.heart.flushed, s.heart.written = flushed, written
	s.mu.Unlock()
}

// stillWriting reports whether the ping was still on its way, and moving, since the last look: a slow reader that takes
// what it is given is not a dead one.
func (s *Session) stillWriting() bool {
	flushed, written := s.conn.Private() == 0, s.conn.Written()
	s.mu.Lock()
	defer s.mu.Unlock()
	moving := !s.heart.flushed && (flushed || written != s.heart.written)
	s.heart.flushed, s.heart.written = flushed, written
	return moving
}

// pong notes the client's answer; one that was not asked for is ignored.
func (s *Session) pong() {
	s.mu.Lock()
	waiting := s.heart.waiting && !s.ended
	s.heart.waiting = false
	s.mu.Unlock()
	if waiting {
		s.server.wheel.set(s, s.server.opts.PingInterval)
	}
}
