package engineio

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/zishang520/engine.io/v2/types"

	"scalable-chat/server/internal/wire"
)

// MainNamespace is the namespace that a packet without a name belongs to.
const MainNamespace = "/"

// Gate decides about a CONNECT before the library sees it. Its methods may be called from any goroutine.
type Gate interface {
	// Enter is called for a CONNECT to any namespace but the main one, while it has the turn of that namespace, in a goroutine
	// of its own. It may wait: ctx ends with the session, or after Options.ConnectTimeout. If it returns nil, the library gets
	// the CONNECT. A *[Refusal] is final: the client gets a CONNECT_ERROR. After any other error the session ends at its
	// transport, so that the client comes back. Enter is not called while the session is in that namespace.
	Enter(ctx context.Context, s *Session, namespace string) error
	// Leave is called once for each Enter that returned nil, when the library is done with the socket, or has never had one:
	// after [Session.Parted], after the namespace's last turn or, if the session has ended, after the library was told of
	// that. Only then may the session enter that namespace again. Leave must not block.
	Leave(s *Session, namespace string)
}

// Refusal is a final answer of a [Gate]: the client gets a CONNECT_ERROR { message, data: { code } }.
type Refusal struct{ Code, Message string }

// Error implements error.
func (r *Refusal) Error() string { return r.Message }

// refuseNamespaces answers a CONNECT of a session that is in MaxNamespaces already.
var refuseNamespaces = &Refusal{"too_many_rooms", "Too many namespaces"}

// frame is the refusal as a CONNECT_ERROR.
func (r *Refusal) frame(namespace string) []byte {
	text := append([]byte{byte(wire.ConnectError)}, namespace...)
	body, _ := json.Marshal(map[string]any{"message": r.Message, "data": map[string]string{"code": r.Code}}) // cannot fail
	return textFrame(append(append(text, ','), body...))
}

// connect takes a CONNECT to the gate and then to the library, which may wait, too.
func (s *Session) connect(l *lane, p parcel) {
	defer s.recovered()
	defer s.opened(l, p.cost())
	if s.mayEnter(l) {
		s.handToLibrary(p)
	}
}

// opened notes that the library has a CONNECT, or will not get it.
func (s *Session) opened(l *lane, cost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.opening = false
	s.lanes.kept -= cost
	s.settleLocked(l)
	s.changed.Broadcast()
}

// mayEnter asks the gate. It returns false if the library must not get the CONNECT.
func (s *Session) mayEnter(l *lane) bool {
	gate := s.server.opts.Gate
	if gate == nil || l.namespace == MainNamespace {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.server.opts.ConnectTimeout)
	defer cancel()
	s.mu.Lock()
	ended, pass := s.life.ended(), l.joined
	l.stop = cancel
	s.mu.Unlock()
	if ended || pass {
		return !ended
	}
	err := gate.Enter(ctx, s, l.namespace)
	s.mu.Lock()
	l.stop, l.entered = nil, err == nil
	ended = s.life.ended()
	s.mu.Unlock()
	var final *Refusal
	switch {
	case err == nil:
		return !ended
	case errors.As(err, &final):
		s.refuseConnect(l, final)
	default:
		s.end(causeUnready)
	}
	return false
}

// refuseConnect answers the CONNECT that has the turn of a lane, and ends the turn.
func (s *Session) refuseConnect(l *lane, r *Refusal) {
	s.SendFrame(r.frame(l.namespace))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.payForSundryLocked()
	l.taken = false
}

// leaveGate tells the gate what a session leaves of which the library has been told that it has ended.
func (s *Session) leaveGate() {
	defer s.recovered()
	var left []string
	s.mu.Lock()
	s.gone = true
	for l := range s.lanes.all {
		if l.entered && !l.joined {
			l.entered = false
			left = append(left, l.namespace)
		}
	}
	s.mu.Unlock()
	for _, namespace := range left {
		s.server.opts.Gate.Leave(s, namespace)
	}
}

// handToLibrary gives one packet to the library.
func (s *Session) handToLibrary(p parcel) {
	if len(p.attachments) == 0 {
		s.Emit("data", types.NewStringBuffer(p.text))
		return
	}
	s.binary.Lock()
	defer s.binary.Unlock()
	s.Emit("data", types.NewStringBuffer(p.text))
	for _, a := range p.attachments {
		s.Emit("data", types.NewBytesBuffer(a))
	}
}
