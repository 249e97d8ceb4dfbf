package engineio

import "time"

// stallTimeout is how long the library may take for one packet before its session is given up.
const stallTimeout = 2 * time.Minute

// heartbeat is what a session remembers of its last ping; guarded by Session.mu. Times are since the server's start.
type heartbeat struct {
	waiting bool          // for a pong
	pinged  time.Duration // when the ping was sent
	since   time.Duration // from when the client's time runs: then, or when it was last excused
	behind  bool          // we are, with reading: the pong may lie behind what the client sent before
	end     uint64        // how many bytes were written once the ping was
	written uint64        // how many were at the last look
}

// beat is called by the wheel: it is time for a ping, or to look after a pong that is awaited.
func (s *Session) beat() {
	s.mu.Lock()
	switch {
	case s.life.ended():
		s.mu.Unlock()
	case s.turns.stalled(s.server.since()):
		s.mu.Unlock()
		s.end(causeStalled)
	case !s.heart.waiting:
		s.mu.Unlock()
		s.ping()
	default:
		left, again := s.lookLocked()
		s.mu.Unlock()
		early := 2 * s.server.wheel.tick
		switch {
		case left <= early:
			s.end(causePing)
		case again <= early:
			s.ping()
		default:
			s.server.wheel.set(s, min(left, again, s.server.opts.PingTimeout/4))
		}
	}
}

func (s *Session) ping() {
	now := s.server.since()
	s.mu.Lock()
	s.heart = heartbeat{waiting: true, pinged: now, since: now}
	s.mu.Unlock()
	s.conn.Send(pingFrame) // a session that cannot take it ends
	written, pending := s.conn.Written(), s.conn.Private()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heart.written, s.heart.end = written, written+uint64(pending)
	if s.heart.waiting && !s.life.ended() { // the pong is quicker at times
		s.server.wheel.set(s, s.server.opts.PingTimeout/4)
	}
}

// lookLocked is how much time is left for the client, and until the next ping. The client's time does not run while bytes
// before the ping are on their way and move: a slow reader that takes what it is given is not a dead one. Nor does it run
// while we are behind with reading; then the client needs another ping, for it gives up a server that is silent.
func (s *Session) lookLocked() (left, again time.Duration) {
	now, opts := s.server.since(), &s.server.opts
	written := s.conn.Written()
	onItsWay := s.heart.written < s.heart.end || s.turns.wait == forReader
	switch {
	case s.turns.wait == forTurn:
		s.excuseLocked()
	case onItsWay && written != s.heart.written:
		s.heart.since = now
	}
	s.heart.written = written
	left = s.heart.since + opts.PingTimeout - now
	again = left
	if s.heart.behind {
		again = s.heart.pinged + opts.PingInterval - now
	}
	return left, again
}

// excuseLocked lets the client's time for a pong begin anew: what it sends is being read, and the pong may come next.
func (s *Session) excuseLocked() { s.heart.since, s.heart.behind = s.server.since(), true }

// pong notes the client's answer. It is false if none was asked for.
func (s *Session) pong() bool {
	s.mu.Lock()
	waiting := s.heart.waiting && !s.life.ended()
	s.heart.waiting = false
	s.mu.Unlock()
	if waiting {
		s.server.wheel.set(s, s.server.opts.PingInterval)
	}
	return waiting
}
