package adapter

import (
	"runtime/debug"
	"time"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
)

// The order of a CONNECT, all of it while its turn lasts:
//
//	identify, before the library                  whom it speaks for
//	RestoreSession                                the ids are made, the cursor that the client names is looked up
//	admit, a middleware of the namespace          start cursor fixed, handlers attached
//	library                                       socket stored, own room joined, CONNECT answered
//	connection, the last listener                 greeting and log, turn released
//
// and when the socket leaves: DelAll (the log is left before the library accepts another CONNECT), then "disconnect",
// which releases the turn.

// maxPrivateID is the longest private id that is sent back to a client.
const maxPrivateID = 64

// RestoreSession implements [socket.Adapter]: a client that has seen the given offset wants to go on behind it. It can
// if exactly that entry is in the log; one that this node has not reached yet is waited for. Nothing is kept of a session
// but what the client itself remembers, so rooms and data are not restored. A client that cannot, or does not want to, gets
// ids of its own.
func (n *namespace) RestoreSession(pid socket.PrivateSessionId, offset string) (*socket.Session, error) {
	if !n.follows() {
		return nil, nil
	}
	at, recovered := fanout.Cursor{}, false
	if pid != unnamed {
		at, recovered = n.recover(pid, offset)
		if told := n.hub.opts.Hooks.Recovered; told != nil {
			told(recovered)
		}
	}
	if !recovered {
		pid = newPrivateID()
	}
	sid := publicID(pid)
	n.restored.Store(sid, restoration{recovered, at})
	return &socket.Session{SessionToPersist: &socket.SessionToPersist{
		Sid: sid, Pid: pid, Rooms: types.NewSet[socket.Room](),
	}}, nil
}

// recover finds the place where a client goes on, and claims the id that it had.
func (n *namespace) recover(pid socket.PrivateSessionId, offset string) (fanout.Cursor, bool) {
	seen, err := stream.ParseOffset(offset)
	if err != nil || len(pid) > maxPrivateID {
		return fanout.Cursor{}, false
	}
	at, ok := n.binding.Replica.Recover(seen)
	return at, ok && n.claim(publicID(pid))
}

// startOf is where a socket that is about to be connected begins, and whether it goes on where an earlier connection ended.
func (n *namespace) startOf(s *socket.Socket) (at fanout.Cursor, recovered bool) {
	if found, ok := n.restored.Load(s.Id()); ok && found.(restoration).recovered {
		return found.(restoration).at, true
	}
	wanted := 0
	if auth, ok := s.Handshake().Auth.(map[string]any); ok && n.binding.History != nil {
		wanted = n.binding.History(auth)
	}
	return n.binding.Replica.Start(wanted), false
}

// middleware admits a socket before the library answers its CONNECT.
func (n *namespace) middleware(s *socket.Socket, next func(*socket.ExtendedError)) { next(n.admit(s)) }

// admit makes a member of a socket. It returns what the client is told if it is refused.
func (n *namespace) admit(s *socket.Socket) *socket.ExtendedError {
	defer n.restored.Delete(s.Id()) // not before it is a member: until then the id is claimed
	conn, ok := s.Conn().(session)
	if !ok {
		return socket.NewExtendedError("Unsupported transport", nil) // none of the edge's
	}
	c := n.connectOf(s)
	if c.refusal != nil {
		return socket.NewExtendedError(c.refusal.Message, map[string]any{"code": c.refusal.Code})
	}
	m := &member{socket: s, conn: conn}
	if n.follows() {
		m.start, m.recovered = n.startOf(s)
	} else {
		m.alone, m.since = true, n.volatiles.now()
	}
	n.members.add(s.Id(), m)
	// Added with the first socket, so that the listeners that were added before anybody could connect run before ours:
	// what they emit comes before the log, and the turn lasts until they have returned.
	n.once.Do(func() { _ = n.nsp.On("connection", n.connection) })
	n.attach(m, c.identity)
	return nil
}

// connection is the end of a CONNECT. A session that was closed while it lasted has told the library before the library
// knew the socket: that would stay for ever.
func (n *namespace) connection(args ...any) {
	s, ok := args[0].(*socket.Socket)
	if !ok {
		return
	}
	conn, ok := s.Conn().(session)
	if !ok {
		return
	}
	defer conn.Turn().Done()
	if conn.ReadyState() != "open" {
		s.Disconnect(false)
		return
	}
	m := n.members.get(s.Id())
	if m == nil || !n.follows() {
		return
	}
	m.follow(n.volatiles.now(), n.binding.Greeting)
	if m.recovered && n.hub.opts.Bus != nil {
		n.volatiles.move(s.Id())
	}
}

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
