package adapter

import (
	"time"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/engine.io/v2/utils"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
)

// The order of a CONNECT, all of it while its turn lasts:
//
//	RestoreSession, if the client names a place   the cursor behind it is looked up
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
// but what the client itself remembers, so rooms and data are not restored.
func (n *namespace) RestoreSession(pid socket.PrivateSessionId, offset string) (*socket.Session, error) {
	h := n.hub
	if !h.follows(n.nsp.Name()) {
		return nil, nil
	}
	at, ok := fanout.Cursor{}, false
	if seen, err := stream.ParseOffset(offset); err == nil && len(pid) > 0 && len(pid) <= maxPrivateID {
		at, ok = h.after(seen)
	}
	if h.opts.Hooks.Recovered != nil {
		h.opts.Hooks.Recovered(ok)
	}
	if !ok {
		return nil, nil
	}
	id, err := utils.Base64Id().GenerateId()
	if err != nil {
		return nil, err
	}
	sid := socket.SocketId(id)
	h.restored.Store(sid, at)
	return &socket.Session{SessionToPersist: &socket.SessionToPersist{
		Sid: sid, Pid: pid, Rooms: types.NewSet[socket.Room](),
	}}, nil
}

// after finds the place behind an offset, and waits a while for the log to reach it. It looks now and then instead of
// being woken by every entry: any number of clients may claim to have seen what is yet to come.
func (h *Hub) after(seen stream.Offset) (fanout.Cursor, bool) {
	for waited := time.Duration(0); waited < recoverWait && h.isAhead(seen); waited += recoverLook {
		if sleep(h.life, recoverLook) != nil {
			break
		}
	}
	h.starts.RLock()
	defer h.starts.RUnlock()
	return h.opts.Log.After(seen)
}

// isAhead reports whether an offset is beyond what this node has.
func (h *Hub) isAhead(seen stream.Offset) bool {
	h.starts.RLock()
	defer h.starts.RUnlock()
	return h.opts.Log.Head().Offset().Compare(seen) < 0
}

// startOf is where a socket that is about to be connected begins.
func (h *Hub) startOf(s *socket.Socket) fanout.Cursor {
	if at, ok := h.restored.LoadAndDelete(s.Id()); ok {
		return at.(fanout.Cursor)
	}
	wanted := 0
	if auth, ok := s.Handshake().Auth.(map[string]any); ok && h.opts.History != nil {
		wanted = h.opts.History(auth)
	}
	h.starts.RLock()
	defer h.starts.RUnlock()
	return h.opts.Log.Back(wanted)
}

// middleware admits a socket before the library answers its CONNECT.
func (n *namespace) middleware(s *socket.Socket, next func(*socket.ExtendedError)) {
	if !n.admit(s) {
		next(socket.NewExtendedError("Unsupported transport", nil))
		return
	}
	next(nil)
}

// admit makes a member of a socket. It is false if the connection is not one of the edge's.
func (n *namespace) admit(s *socket.Socket) bool {
	conn, ok := s.Conn().(session)
	if !ok {
		return false
	}
	m := &member{socket: s, conn: conn}
	if n.hub.follows(n.nsp.Name()) {
		m.start = n.hub.startOf(s)
	} else {
		m.alone, m.since = true, n.volatiles.now()
	}
	n.members.add(s.Id(), m)
	// Added with the first socket, so that the listeners that were added before anybody could connect run before ours:
	// what they emit comes before the log, and the turn lasts until they have returned.
	n.once.Do(func() { _ = n.nsp.On("connection", n.connection) })
	n.attach(m)
	return true
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
	defer conn.Done(conn.Turn())
	if conn.ReadyState() != "open" {
		s.Disconnect(false)
		return
	}
	m := n.members.get(s.Id())
	if m == nil || !n.hub.follows(n.nsp.Name()) {
		return
	}
	m.follow(n.volatiles.now(), func(at fanout.Cursor) []byte {
		online := 0
		if n.hub.opts.Online != nil {
			online = n.hub.opts.Online()
		}
		return appendPresence(nil, online, at.Offset())
	})
}
