package adapter

import (
	"runtime/debug"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/auth"
)

// attach gives a socket its client, and sees to it that every turn of its packets is released: an event's when it has
// been handled, a disconnection's when that is complete.
func (n *namespace) attach(m *member, who auth.Identity) {
	if n.binding.Client != nil {
		m.client = n.binding.Client(m.socket, who)
	}
	// A socket middleware runs in the goroutine that the library starts for the packet, and an event that it does not
	// pass on costs no second one.
	m.socket.Use(func(event []any, next func(error)) { n.event(m, event, next) })
	_ = m.socket.On("disconnect", func(...any) { n.left(m) })
}

// left releases the turn of a disconnection. Nobody is blocked while it is held back.
func (n *namespace) left(m *member) {
	turn := m.conn.Turn()
	wait := time.Duration(0)
	if m.client != nil && m.conn.ReadyState() == "open" {
		wait = m.client.RejoinDelay()
	}
	if wait <= 0 {
		turn.Done()
		return
	}
	time.AfterFunc(wait, turn.Done)
}

// event deals with one event of a client.
func (n *namespace) event(m *member, event []any, next func(error)) {
	turn := m.conn.Turn()
	if !m.socket.Connected() {
		// "disconnect" is on its way and releases this turn. Were it over, turn might be that of a later packet.
		return
	}
	defer turn.Done()
	if m.client == nil || !n.handle(m, event) {
		next(nil)
	}
}

// handle gives an event to the client. A panic costs the event, not the process.
func (n *namespace) handle(m *member, event []any) (known bool) {
	name, ok := event[0].(string)
	if !ok {
		return false // the edge lets none in
	}
	defer func() {
		if p := recover(); p != nil {
			known = true
			n.hub.panics.Add(1)
			n.hub.logger.Error("handler panicked", "event", name, "sid", m.socket.Id(), "panic", p, "stack", string(debug.Stack()))
		}
	}()
	args := event[1:]
	var ack func(...any)
	if last := len(args) - 1; last >= 0 {
		if answer, ok := args[last].(socket.Ack); ok {
			args = args[:last]
			ack = func(values ...any) { answer(values, nil) }
		}
	}
	return m.client.Event(n.hub.life, name, args, ack)
}
