package adapter

import (
	"runtime/debug"
	"time"

	"github.com/zishang520/socket.io/v2/socket"
)

// attach gives a socket its handler, and sees to it that every turn of its packets is released: an event's when it has
// been handled, a disconnection's when that is complete.
func (n *namespace) attach(m *member) {
	var handle Handler
	if n.hub.opts.Handler != nil {
		handle = n.hub.opts.Handler(m.socket)
	}
	// A socket middleware runs in the goroutine that the library starts for the packet, and an event that it does not
	// pass on costs no second one.
	m.socket.Use(func(event []any, next func(error)) { n.event(m, handle, event, next) })
	_ = m.socket.On("disconnect", func(...any) { n.left(m) })
}

// left releases the turn of a disconnection. Nobody is blocked while it is held back.
func (n *namespace) left(m *member) {
	turn := m.conn.Turn()
	wait := time.Duration(0)
	if n.hub.opts.Leave != nil && m.conn.ReadyState() == "open" {
		wait = n.hub.opts.Leave(m.socket)
	}
	if wait <= 0 {
		m.conn.Done(turn)
		return
	}
	time.AfterFunc(wait, func() { m.conn.Done(turn) })
}

// event deals with one event of a client.
func (n *namespace) event(m *member, handle Handler, event []any, next func(error)) {
	turn := m.conn.Turn()
	if !m.socket.Connected() {
		// "disconnect" is on its way and releases this turn. Were it over, turn might be that of a later packet.
		return
	}
	defer m.conn.Done(turn)
	if handle == nil || !n.handle(m, handle, event) {
		next(nil)
	}
}

// handle runs the handler. A panic costs the event, not the process.
func (n *namespace) handle(m *member, handle Handler, event []any) (known bool) {
	name, ok := event[0].(string)
	if !ok {
		return false // the edge lets none in
	}
	defer func() {
		if p := recover(); p != nil {
			known = true
			n.hub.panics.Add(1)
			n.hub.log.Error("handler panicked", "event", name, "sid", m.socket.Id(), "panic", p, "stack", string(debug.Stack()))
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
	return handle(n.hub.life, name, args, ack)
}
