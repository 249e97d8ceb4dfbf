package adapter

import (
	"runtime/debug"
	"strings"
	"time"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/stream"
)

// The order of a CONNECT, all of it while its turn lasts:
//
//	the edge                                      identity determined
//	identify, before the library                  private id made
//	RestoreSession                                ids made, the client's cursor looked up
//	admit, a middleware of the namespace          start cursor fixed, handlers attached
//	library                                       socket stored, own room joined, CONNECT answered
//	connection, the last listener                 greeting and log, turn released
//
// When the socket leaves: DelAll (leaves the log before the library accepts another CONNECT), then "disconnect", which
// releases the turn.

// maxPrivateID bounds the length of a private id, in bytes, that a CONNECT answer returns to a client.
const maxPrivateID = 64

// RestoreSession implements [socket.Adapter]: a client that has seen the given offset asks to continue after it. It can if
// exactly that entry is in the log; if this node has not reached the entry yet, RestoreSession waits for it. The server
// stores nothing of a session, so it restores no rooms or data. A client that cannot recover, or does not ask to, gets
// ids of its own.
func (n *namespace) RestoreSession(pid socket.PrivateSessionId, offset string) (*socket.Session, error) {
	if !n.follows() {
		return nil, nil
	}
	var found restoration
	made, asked, _ := strings.Cut(string(pid), " ") // see identify
	if offset != unnamed {
		if asked != "" {
			found = n.recover(socket.PrivateSessionId(asked), offset)
		}
		if told := n.hub.opts.Hooks.Recovered; told != nil && found.failed == nil {
			told(found.recovered)
		}
	}
	if pid = socket.PrivateSessionId(made); found.recovered {
		pid = socket.PrivateSessionId(asked)
	}
	sid := n.publicID(pid)
	n.restored.Store(sid, found)
	return &socket.Session{SessionToPersist: &socket.SessionToPersist{
		Sid: sid, Pid: pid, Rooms: types.NewSet[socket.Room](),
	}}, nil
}

// recover finds the place where a client continues, and claims its earlier id.
func (n *namespace) recover(pid socket.PrivateSessionId, offset string) restoration {
	seen, err := stream.ParseOffset(offset)
	if err != nil {
		return restoration{}
	}
	at, ok, err := n.binding.Replica.Recover(seen)
	return restoration{recovered: ok && n.claim(n.publicID(pid)), at: at, failed: err}
}

// start fixes where a socket begins in the log, and whether it continues where an earlier connection ended.
func (n *namespace) start(m *member, found restoration) {
	if found.recovered {
		m.start, m.recovered = found.at, time.Now()
		return
	}
	wanted := 0
	if auth, ok := m.socket.Handshake().Auth.(map[string]any); ok && n.binding.History != nil {
		wanted = n.binding.History(auth)
	}
	m.start = n.binding.Replica.Start(wanted)
}

// middleware admits a socket before the library answers its CONNECT.
func (n *namespace) middleware(s *socket.Socket, next func(*socket.ExtendedError)) { next(n.admit(s)) }

// admit makes a socket a member. If it refuses the socket, it returns the error for the client.
func (n *namespace) admit(s *socket.Socket) *socket.ExtendedError {
	defer n.restored.Delete(s.Id()) // the claim on the id holds until the socket is a member
	conn, ok := s.Conn().(session)
	if !ok {
		return socket.NewExtendedError("Unsupported transport", nil) // not a session of the edge
	}
	restorePayload(s.Handshake())
	loaded, _ := n.restored.Load(s.Id())
	found, _ := loaded.(restoration)
	if found.failed != nil {
		conn.Close(true) // the client comes back with its offset, and may recover then
		return socket.NewExtendedError("Recovery failed", nil)
	}
	m := &member{socket: s, conn: conn}
	if n.follows() {
		n.start(m, found)
	} else {
		m.alone, m.since = true, n.volatiles.now()
	}
	n.members.add(s.Id(), m)
	conn.Joined(n.nsp.Name(), m)
	// Added with the first socket, so that listeners added before the first connection run before this one: their packets
	// come before the log, and the turn lasts until they have returned.
	n.once.Do(func() { _ = n.nsp.On("connection", n.connection) })
	n.attach(m)
	return nil
}

// connection ends a CONNECT. If the session closed meanwhile, the library was told before it knew the socket, which would
// otherwise stay for ever.
func (n *namespace) connection(args ...any) {
	s, ok := args[0].(*socket.Socket)
	if !ok {
		return
	}
	conn, ok := s.Conn().(session)
	if !ok {
		return
	}
	defer conn.Turn(n.nsp.Name()).Done()
	if conn.ReadyState() != "open" {
		s.Disconnect(false)
		return
	}
	n.greet(s)
}

// greet greets a connected socket, which counts as a member from then on.
func (n *namespace) greet(s *socket.Socket) {
	m := n.members.get(s.Id())
	if m == nil || !m.greet(n.volatiles.now(), n.binding.Greeting) {
		return
	}
	n.headcount.add(1)
	if !m.recovered.IsZero() && n.hasOthers() {
		n.volatiles.move(s.Id())
	}
}

// attach gives a socket its client, and makes every packet release its turn: an event when it has been handled, a
// disconnection when it is complete.
func (n *namespace) attach(m *member) {
	if n.binding.Client != nil {
		m.client = n.binding.Client(m.socket, speaking(m.conn.Pass(n.nsp.Name())))
	}
	// A socket middleware runs in the goroutine that the library starts for the packet; an event that it handles itself
	// costs no second goroutine.
	m.socket.Use(func(event []any, next func(error)) { n.event(m, event, next) })
	_ = m.socket.On("disconnect", func(...any) { n.left(m) })
}

// left releases the turn of a disconnection. The delay blocks no goroutine.
func (n *namespace) left(m *member) {
	turn := m.conn.Turn(n.nsp.Name())
	stays, wait := m.conn.ReadyState() == "open", time.Duration(0)
	if m.client != nil {
		wait = m.client.Left(stays)
	}
	if !stays || wait <= 0 {
		turn.Done()
		return
	}
	m.conn.Parted(n.nsp.Name())
	time.AfterFunc(wait, turn.Done)
}

// event handles one event of a client.
func (n *namespace) event(m *member, event []any, next func(error)) {
	turn := m.conn.Turn(n.nsp.Name())
	if !m.socket.Connected() {
		// "disconnect" is on its way and releases this turn. Once it has, turn may be that of a later packet.
		return
	}
	defer turn.Done()
	if m.client == nil || !n.handle(m, event) {
		next(nil)
	}
}

// handle passes an event to the client. A panic loses the event, not the process.
func (n *namespace) handle(m *member, event []any) (known bool) {
	name, ok := event[0].(string)
	if !ok {
		return false // cannot happen: the edge refuses such packets
	}
	defer func() {
		if p := recover(); p != nil {
			known = true
			n.hub.panics.Add(1)
			n.hub.logger.Error("handler panicked", "namespace", n.nsp.Name(), "socket", m.socket.Id(), "event", name, "panic", p, "stack", string(debug.Stack()))
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
