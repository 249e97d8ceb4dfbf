package engineio

// Turn is the time in which one inbound packet has a namespace of a session to itself. The zero Turn belongs to no packet.
type Turn struct {
	owner  TurnOwner
	number uint64
}

// TurnOwner gives turns and numbers them from 1.
type TurnOwner interface {
	// EndTurn ends the turn with this number. It has no effect on a turn that has ended or has not begun.
	EndTurn(number uint64)
}

// NewTurn is the turn of an owner with that number.
func NewTurn(owner TurnOwner, number uint64) Turn { return Turn{owner, number} }

// Done says that the packet has been dealt with, so that the next one of the same namespace may come. It never blocks. Calls
// that are late or repeated have no effect.
func (t Turn) Done() {
	if t.owner != nil {
		t.owner.EndTurn(t.number)
	}
}

// Turn is the turn of the packet that the library works on in a namespace. The goroutine that works on it keeps the value:
// later calls may return the turn of a later packet. Where no packet has been, it is the zero Turn.
func (s *Session) Turn(namespace string) Turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := find(&s.lanes, namespace); l != nil {
		return Turn{s, l.number}
	}
	return Turn{}
}

// EndTurn implements [TurnOwner].
func (s *Session) EndTurn(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lanes.withTurn(number); l != nil {
		l.taken = false
		s.context = nil // only a CONNECT in turn needs it
		s.settleLocked(l)
	}
}

// Resident is the library's socket of a session in a namespace, for whoever wants it to leave.
type Resident interface {
	// Part disconnects the socket from its namespace. It may call [Session.Left]. It has no effect on a socket that has left, or is
	// not connected yet: whoever connects it finds that the session has ended.
	Part()
}

// Joined says that the library has a socket of this session in a namespace. It has to be called before the turn of the
// CONNECT ends: from then on, packets for the namespace are handed over. When the session ends and the library has not parted
// from the socket by then, the session does, unless r is nil.
func (s *Session) Joined(namespace string, r Resident) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := find(&s.lanes, namespace)
	if l == nil { // its turn ended early
		l = s.lanes.open(namespace)
	}
	l.joined, l.resident = true, r
}

// Parted says that the library is done with a socket that has left a namespace, although its last turn still lasts: the gate is
// told now, and not after the turn.
func (s *Session) Parted(namespace string) {
	s.mu.Lock()
	l := find(&s.lanes, namespace)
	parted := l != nil && l.entered && !l.joined
	if parted {
		l.entered = false
	}
	s.mu.Unlock()
	if parted {
		s.server.opts.Gate.Leave(s, namespace)
	}
}

// Leaving reports whether the session is about to leave a namespace of which the gate has not been told yet.
func (s *Session) Leaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lanes.any((*lane).leaving)
}

// Left says that the library's socket of this session has left a namespace: from now on, packets for the namespace are
// dropped, except for a CONNECT. It has no effect if there was no socket.
func (s *Session) Left(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := find(&s.lanes, namespace)
	if l == nil || !l.joined {
		return
	}
	l.joined, l.resident = false, nil
	s.settleLocked(l)
	if s.gone {
		go s.leaveGate()
	}
}
