package engineio

import "time"

// stallTimeout is how long the library may take for one packet before its session is given up.
const stallTimeout = 2 * time.Minute

// heartbeat is what a session remembers of its last ping; guarded by Session.mu.
type heartbeat struct {
	waiting bool          // for a pong
	since   time.Duration // from when the client's time runs, since the server's start
	end     uint64        // how many bytes were written once the ping was
	written uint64        // how many were at the last look
	turn    uint64        // the packet in turn at the last look
}

// beat is called by the wheel: it is time for a ping, or to look after a pong that is awaited.
func (s *Session) beat() {
	s.mu.Lock()
	switch {
	case s.ended:
		s.mu.Unlock()
	case s.busy && s.server.since()-s.turnSince > stallTimeout:
		s.mu.Unlock()
		s.end(causeStalled)
	case !s.heart.waiting:
		s.mu.Unlock()
		s.ping()
	default:
		next := s.patienceLocked()
		s.mu.Unlock()
		if next <= 0 {
			s.end(causePing)
			return
		}
		s.server.wheel.set(s, next)
	}
}

func (s *Session) ping() {
	next := s.server.opts.PingTimeout
	s.mu.Lock()
	s.heart = heartbeat{waiting: true, since: s.server.since()}
	s.mu.Unlock()
	s.conn.Send(pingFrame) // a session that cannot take it ends
	written, pending := s.conn.Written(), s.conn.Private()
	if pending > 0 {
		next /= 4
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heart.written, s.heart.end, s.heart.turn = written, written+uint64(pending), s.turn
	if s.heart.waiting && !s.ended { // the pong is quicker at times
		s.server.wheel.set(s, next)
	}
}

// patienceLocked is after what time to look again, or nothing if the client's time is over. That time does not run while
// it is we who do not read, or read other packets, since the pong may lie behind them in the socket; nor while bytes
// before the ping are on their way and move: a slow reader that takes what it is given is not a dead one.
func (s *Session) patienceLocked() time.Duration {
	now, timeout := s.server.since(), s.server.opts.PingTimeout
	written := s.conn.Written()
	onItsWay := s.heart.written < s.heart.end || s.unread
	if s.held || s.turn != s.heart.turn || onItsWay && written != s.heart.written {
		s.heart.since = now
	}
	s.heart.written, s.heart.turn = written, s.turn
	left := s.heart.since + timeout - now
	if left <= 2*s.server.wheel.tick { // the wheel is early
		return 0
	}
	if s.held || onItsWay {
		left = min(left, timeout/4)
	}
	return left
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
