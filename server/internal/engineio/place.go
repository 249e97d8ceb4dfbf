package engineio

import "scalable-chat/server/internal/wire"

// place gives a packet its turn, or a place in the queue of its lane, and blocks while there is neither. A session in one
// namespace queues nothing: its client waits for the end of the turn. The error is [errEnded].
func (s *Session) place(p parcel) error {
	s.mu.Lock()
	l, ok := s.awaitPlaceLocked(&p)
	if !ok {
		s.mu.Unlock()
		return errEnded
	}
	s.passedLocked(p.newest())
	switch {
	case l == nil:
		s.payForSundryLocked()
		s.mu.Unlock()
		s.drop(p)
	case l.busy():
		s.lanes.push(l, p)
		s.mu.Unlock()
	default:
		turn := s.takeLocked(l, p)
		s.mu.Unlock()
		s.handOver(l, turn, p)
	}
	return nil
}

// awaitPlaceLocked waits until a packet can have the turn of its lane, or a place in the queue. The lane is nil for a packet that
// is to be dropped. ok is false if the session has ended.
func (s *Session) awaitPlaceLocked(p *parcel) (l *lane, ok bool) {
	for s.awaitPassLocked(&s.reader.wait) {
		l = find(&s.lanes, p.namespace)
		full := s.lanes.count >= s.server.opts.MaxNamespaces
		switch {
		case l == nil && p.kind != wire.Connect, l == nil && full && !s.lanes.any((*lane).busy):
			return nil, true
		case l == nil && !full && s.lanes.fits(p.cost()):
			return s.lanes.open(string(p.namespace)), true
		case l != nil && (!l.busy() || s.lanes.count > 1 && s.lanes.fits(p.cost())):
			return l, true
		}
		s.reader.wait = forTurn
		s.changed.Wait()
		s.reader.wait = noWait
	}
	return nil, false
}

// takeLocked gives a packet the turn of its lane. [Session.handOver] has to follow.
func (s *Session) takeLocked(l *lane, p parcel) Turn {
	if p.kind == wire.Connect {
		l.opening, l.nameless = true, s.server.opts.Identify != nil
		s.lanes.kept += p.cost()
	}
	return Turn{s, s.lanes.take(l, p.kind, s.server.since())}
}

// handOver hands a packet to the library, which handles CONNECT, EVENT and DISCONNECT in the background: whoever completes them
// ends the turn. For an ACK the turn ends here.
func (s *Session) handOver(l *lane, turn Turn, p parcel) {
	switch p.kind {
	case wire.Connect:
		go s.connect(l, p.clone())
	case wire.Ack:
		s.handToLibrary(p)
		s.mu.Lock()
		s.payForSundryLocked()
		s.mu.Unlock()
		turn.Done()
	default:
		s.handToLibrary(p)
	}
}

// drop drops a packet for a namespace that the session is not in; the library would close the connection. Clients send such
// packets without fault: a late event, or a DISCONNECT that crossed with the server's. A CONNECT for which there is no lane is
// refused.
func (s *Session) drop(p parcel) {
	if p.kind == wire.Connect {
		s.SendFrame(refuseNamespaces.frame(string(p.namespace)))
		return
	}
	s.server.hooks.stray(strayKinds[p.kind])
}

// strayKinds are the kinds with which Hooks.Stray is called.
var strayKinds = map[wire.Kind]string{wire.Event: "event", wire.Ack: "ack", wire.Disconnect: "disconnect"}

// StrayKinds lists the kinds with which Hooks.Stray is called.
func StrayKinds() []string { return []string{"event", "ack", "disconnect"} }

// settleLocked goes on with a lane after the end of a turn, or of a membership.
func (s *Session) settleLocked(l *lane) {
	if l.working() || s.life.ended() {
		return
	}
	switch {
	case len(l.queue) > 0 || l.entered && !l.joined:
		l.running = true
		go s.runLane(l)
	case !l.joined:
		s.lanes.remove(l)
	}
	s.changed.Broadcast()
}

// runLane tells the gate of a socket that has left, and hands over the next packet of the lane.
func (s *Session) runLane(l *lane) {
	defer s.recovered()
	defer s.ranLane(l)
	s.mu.Lock()
	if l.entered && !l.joined {
		l.entered = false
		s.mu.Unlock()
		s.server.opts.Gate.Leave(s, l.namespace)
		s.mu.Lock()
	}
	for s.awaitPassLocked(new(wait)) {
		p, ok := s.lanes.pop(l)
		if !ok {
			break
		}
		s.changed.Broadcast() // there is room in the queue
		if l.joined || p.kind == wire.Connect {
			turn := s.takeLocked(l, p)
			s.mu.Unlock()
			s.handOver(l, turn, p)
			return
		}
		s.payForSundryLocked()
		s.mu.Unlock()
		s.drop(p)
		s.mu.Lock()
	}
	s.mu.Unlock()
}

// ranLane notes that the goroutine of a lane is done.
func (s *Session) ranLane(l *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.running = false
	s.settleLocked(l)
	s.changed.Broadcast() // also after the end of the session
}

// releaseConnect ends the turn of a CONNECT that the library answers with CONNECT_ERROR: nothing else would end it.
func (s *Session) releaseConnect(text []byte) {
	if len(text) == 0 || text[0] != byte(wire.ConnectError) {
		return
	}
	namespace := wire.NamespaceOf(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := find(&s.lanes, namespace); l != nil && l.taken && l.kind == wire.Connect {
		s.payForSundryLocked()
		s.context = nil
		l.taken = false
		s.settleLocked(l)
	}
}
