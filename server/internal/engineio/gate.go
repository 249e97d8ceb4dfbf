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

// Connect is a CONNECT as [Options.Identify] sees it.
type Connect struct {
	Namespace string
	Payload   []byte // JSON text of an object or an array; the callee does not keep it
}

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
	text := []byte{byte(wire.ConnectError)}
	if namespace != MainNamespace {
		text = append(append(text, namespace...), ',')
	}
	body, _ := json.Marshal(map[string]any{"message": r.Message, "data": map[string]string{"code": r.Code}}) // cannot fail
	return textFrame(append(text, body...))
}

// connect takes a CONNECT to whoever identifies it, to the gate, and then to the library. All of them may wait.
func (s *Session) connect(l *lane, p parcel) {
	defer s.recovered()
	defer s.opened(l, p.cost())
	ctx := newAllowance(s.server.opts.ConnectTimeout)
	defer ctx.end()
	s.mu.Lock()
	l.stop = ctx.cancel
	ended := s.life.ended()
	s.mu.Unlock()
	if ended {
		return
	}
	err := s.identify(ctx, l, p)
	if err == nil {
		err = s.askGate(ctx.Context, l)
	}
	s.mu.Lock()
	l.stop = nil
	ended = s.life.ended()
	s.mu.Unlock()
	var final *Refusal
	switch {
	case ended:
	case err == nil:
		reserveStack(len(p.text))
		s.Emit("data", &admission{types.NewStringBuffer(p.text), s.Pass(l.namespace)})
	case errors.As(err, &final):
		s.refuseConnect(l, final)
	default:
		s.end(causeUnready)
	}
}

// reserveStack grows the stack of a goroutine to what the library needs for a CONNECT. By itself it would grow in steps, deep in
// the library, and copy more frames each time, which takes longer than all that identity costs.
//
//go:noinline
func reserveStack(n int) byte {
	var room [10 << 10]byte
	return room[n%len(room)]
}

// identify asks who comes with a CONNECT, one CONNECT of the session at a time, in the order in which they came.
func (s *Session) identify(ctx context.Context, l *lane, p parcel) error {
	ask := s.server.opts.Identify
	if ask == nil {
		return nil
	}
	defer s.identified(l)
	if !s.isNext(l) {
		return errEnded
	}
	return ask(ctx, s, Connect{l.namespace, p.text[p.payload:]})
}

// isNext waits until all earlier CONNECTs of the session have been identified. It is false if the session has ended.
func (s *Session) isNext(l *lane) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.life.ended() && s.lanes.any(func(other *lane) bool { return other.nameless && other.number < l.number }) {
		s.changed.Wait()
	}
	return !s.life.ended()
}

func (s *Session) identified(l *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.nameless = false
	s.changed.Broadcast()
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

// askGate asks the gate. A session that is in the namespace already is not asked again.
func (s *Session) askGate(ctx context.Context, l *lane) error {
	gate := s.server.opts.Gate
	s.mu.Lock()
	inside := l.joined
	s.mu.Unlock()
	if gate == nil || l.namespace == MainNamespace || inside {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.server.opts.ConnectTimeout)
	defer cancel()
	err := gate.Enter(ctx, s, l.namespace)
	s.mu.Lock()
	defer s.mu.Unlock()
	l.entered = err == nil
	return err
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

// admission is a CONNECT on its way to the [Parser], with its pass.
type admission struct {
	types.BufferInterface
	pass any
}

// SetPass sets the pass of the newest CONNECT to a namespace. It has no effect once the session has left.
func (s *Session) SetPass(namespace string, pass any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := find(&s.lanes, namespace); l != nil {
		l.pass = pass
	}
}

// Pass is that of the newest CONNECT to a namespace; nil: there was none, or it has left.
func (s *Session) Pass(namespace string) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := find(&s.lanes, namespace); l != nil {
		return l.pass
	}
	return nil
}

// Passes yields those of all namespaces that the session is in or enters. It holds the session's lock: yield must not call the
// session.
func (s *Session) Passes(yield func(namespace string, pass any) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.lanes.all {
		if l.pass != nil && !yield(l.namespace, l.pass) {
			return
		}
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
