package rooms

import (
	"context"
	"errors"
	"strings"

	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/pace"
)

// The codes of refusals, in the order in which they are tried (ROOM-7).
const (
	codeInvalid   = "room_invalid"
	codeForbidden = "room_forbidden"
	codeTooMany   = "too_many_rooms"
)

// Codes are all codes of a refusal.
func Codes() []string { return []string{codeInvalid, codeForbidden, codeTooMany} }

var (
	errInvalid   = &engineio.Refusal{Code: codeInvalid, Message: "This is not the name of a room"}
	errForbidden = &engineio.Refusal{Code: codeForbidden, Message: "There is no room of this name"}
	errTooMany   = &engineio.Refusal{Code: codeTooMany, Message: "You are in too many rooms"}

	errDraining = errors.New("this node opens no more rooms")
)

var _ engineio.Gate = (*Manager)(nil)

// Enter implements [engineio.Gate]. Namespaces whose names do not begin with [Prefix] pass.
func (m *Manager) Enter(ctx context.Context, s *engineio.Session, namespace string) error {
	return m.enter(ctx, s, namespace)
}

// Leave implements [engineio.Gate].
func (m *Manager) Leave(s *engineio.Session, namespace string) { m.leave(s, namespace) }

func (m *Manager) enter(ctx context.Context, s session, namespace string) error {
	name, ours := strings.CutPrefix(namespace, Prefix)
	if !ours {
		return nil
	}
	err := m.admitOrWait(ctx, s, name)
	var refusal *engineio.Refusal
	if errors.As(err, &refusal) {
		m.opts.Refused(refusal.Code)
	}
	return err
}

// admitOrWait waits with the refusal that a client is in too many rooms while it is leaving some: refusals are final.
func (m *Manager) admitOrWait(ctx context.Context, s session, name string) error {
	for {
		leaving := s.Leaving() // asked first: it may have left afterwards
		err := m.admit(ctx, s, name)
		if !leaving || !errors.Is(err, errTooMany) {
			return err
		}
		if err := pace.Sleep(ctx, capacityLook); err != nil {
			return err
		}
	}
}

func (m *Manager) admit(ctx context.Context, s session, name string) error {
	if err := m.check(name); err != nil {
		return err
	}
	v := m.visit(s)
	if v == nil {
		return errTooMany
	}
	m.waiting.Add(1)
	defer m.waiting.Add(-1)
	err := pace.Sleep(ctx, v.rate.Reserve(m.now()))
	if err == nil {
		err = m.hold(ctx, v, name)
	}
	if err != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.endVisitLocked(v)
	}
	return err
}

// hold enters the room, and opens it first if need be.
func (m *Manager) hold(ctx context.Context, v *visitor, name string) error {
	for {
		e, wait, err := m.join(v, name)
		switch {
		case err != nil:
		case wait != nil:
			err = m.await(ctx, wait)
		case e == nil:
			var opened *entry
			if opened, err = m.open(ctx, v.network, name); opened != nil {
				defer m.release(opened)
			}
		}
		if err != nil && e != nil {
			m.part(e, v)
		}
		if err != nil || e != nil {
			return err
		}
	}
}

// join makes the visitor a member of the room if that is open, or opening: then wait is closed when it is ready. Without a room,
// wait is closed when the old one of that name is gone, nil if there is none.
func (m *Manager) join(v *visitor, name string) (e *entry, wait <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e = m.rooms[name]
	switch {
	case m.draining:
		return nil, nil, errDraining
	case e != nil && e.gone != nil:
		return nil, e.gone, nil
	case (e == nil || e.crowd.isEmpty()) && !v.network.unbounded && v.network.alone >= m.bounds.alone:
		return nil, nil, errTooMany
	case e == nil:
		return nil, nil, nil
	}
	e.users++
	e.crowd.join(v.network)
	return e, e.ready, nil
}

// await waits for the channel to be closed.
func (m *Manager) await(ctx context.Context, closed <-chan struct{}) error {
	select {
	case <-closed:
	case <-ctx.Done():
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.draining {
		return errDraining
	}
	return nil
}

// part takes a visitor out of the room.
func (m *Manager) part(e *entry, v *visitor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.partLocked(e, v)
}

func (m *Manager) partLocked(e *entry, v *visitor) {
	e.crowd.leave(v.network)
	m.releaseLocked(e)
}

func (m *Manager) leave(s session, namespace string) {
	name, ours := strings.CutPrefix(namespace, Prefix)
	if !ours {
		return
	}
	v := m.visitorOf(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.rooms[name]; e != nil && v.rooms > 0 { // as after each Enter
		m.partLocked(e, v)
		m.endVisitLocked(v)
	}
}
