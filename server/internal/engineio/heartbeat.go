package engineio

import "time"

// stallTimeout is how long the library may take for one packet before the session is closed.
const stallTimeout = 2 * time.Minute

// heartbeat is the state of the last ping. Session.mu guards it. Times are since the server's start.
type heartbeat struct {
	waiting bool          // for a pong
	behind  bool          // we read late: the pong may be queued after earlier packets of the client
	pinged  time.Duration // when the ping was sent
	since   time.Duration // start of the client's time: when the ping was sent, or the client last excused
	end     uint64        // total of bytes written when the ping has been written
	written uint64        // total of bytes written at the last look
}

// beat is called by the wheel when it is time to ping, or to check on a pending pong.
func (s *Session) beat() {
	s.mu.Lock()
	switch {
	case s.life.ended():
		s.mu.Unlock()
	case s.expiredLocked():
		s.expires = 0
		s.mu.Unlock()
		s.expire()
	case s.lanes.stalled(s.server.since()):
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

// expire ends the session unless its time was not the last.
func (s *Session) expire() {
	if over := s.server.opts.Expired; over == nil || over(s) {
		s.end(causeExpired)
		return
	}
	s.beat()
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
	if s.heart.waiting && !s.life.ended() { // the pong may have come already
		s.server.wheel.set(s, s.server.opts.PingTimeout/4)
	}
}

// lookLocked returns the time that the client has left, and the time until the next ping. The client's time stands still while
// bytes queued ahead of the ping are being written: a slow reader is not a dead one. It also stands still while we read late.
// Then the client needs another ping, because it gives up on a silent server.
func (s *Session) lookLocked() (left, again time.Duration) {
	now, opts := s.server.since(), &s.server.opts
	written := s.conn.Written()
	waits := s.reader.wait
	if waits == forTurn && !s.transport.probing() && s.conn.Private() > privateLimit {
		waits = forReader // the turn itself waits for the client
	}
	onItsWay := s.heart.written < s.heart.end || waits == forReader
	switch {
	case waits == forTurn:
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

// excuseLocked restarts the client's time for a pong: its packets are being read, and the pong may be the next.
func (s *Session) excuseLocked() { s.heart.since, s.heart.behind = s.server.since(), true }

// pong notes the client's answer. It returns false if no ping was pending.
func (s *Session) pong() bool {
	s.mu.Lock()
	waiting := s.heart.waiting && !s.life.ended()
	s.heart.waiting = false
	next := s.lifetimeLocked(s.server.opts.PingInterval)
	s.mu.Unlock()
	if waiting {
		s.server.wheel.set(s, next)
	}
	return waiting
}

// Expire ends the session after the given time, at its transport, so that a client comes back with newer credentials, if
// [Options.Expired] agrees. A later call replaces an earlier one; zero or less: never.
func (s *Session) Expire(after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.server.since()
	s.expires = 0
	if after > 0 {
		s.expires = now + after
	}
	if !s.heart.waiting && !s.life.ended() {
		ping := max(s.heart.pinged+s.server.opts.PingInterval-now, 0)
		s.server.wheel.set(s, s.lifetimeLocked(ping))
	}
}

// expiredLocked reports whether the session's time is over. The wheel calls a little early.
func (s *Session) expiredLocked() bool {
	return s.expires > 0 && s.lifetimeLocked(time.Hour) <= 2*s.server.wheel.tick
}

// lifetimeLocked is the time that the session has left, at most limit.
func (s *Session) lifetimeLocked(limit time.Duration) time.Duration {
	if s.expires == 0 {
		return limit
	}
	return min(limit, max(s.expires-s.server.since(), 0))
}
