package adapter

import (
	"sync"
	"sync/atomic"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/wire"
)

// namespace is the adapter of one namespace.
type namespace struct {
	events.EventEmitter // create-room, join-room, leave-room, delete-room, as in Socket.IO

	hub     *Hub
	nsp     socket.Namespace
	binding Binding
	members *members
	once    sync.Once // adds the connection listener

	discarded atomic.Bool // by [Hub.Discard]
	headcount headcount

	restored sync.Map // socket.SocketId -> restoration: from RestoreSession to the admission of that socket

	listeners *serial // of events that other nodes emit
	volatiles *volatiles
}

var (
	_ socket.Adapter = (*namespace)(nil)
	_ Namespace      = handle{}
)

func newNamespace(h *Hub, nsp socket.Namespace) *namespace {
	n := &namespace{EventEmitter: events.New(), hub: h, nsp: nsp, members: newMembers()}
	n.listeners = newSerial(h, "listener of a server-side event", inboxCalls, inboxBytes)
	n.volatiles = &volatiles{nsp: n}
	if h.opts.Bind != nil {
		n.binding = h.opts.Bind(handle{n})
		n.headcount.changed = n.binding.Members
	}
	nsp.Use(n.middleware)
	return n
}

// The library's form of inheritance, which this adapter does not use.

func (n *namespace) Prototype(socket.Adapter)   {}
func (n *namespace) Proto() socket.Adapter      { return n }
func (n *namespace) Construct(socket.Namespace) {}
func (n *namespace) Init()                      {}

// Nsp implements [socket.Adapter].
func (n *namespace) Nsp() socket.Namespace { return n.nsp }

// Close implements [socket.Adapter]: the library no longer uses the namespace.
func (n *namespace) Close() { n.hub.namespaces.CompareAndDelete(n.nsp.Name(), n) }

// PersistSession implements [socket.Adapter]. It stores nothing: the client keeps what it needs to recover.
func (n *namespace) PersistSession(*socket.SessionToPersist) {}

// Rooms returns a copy.
func (n *namespace) Rooms() *types.Map[socket.Room, *types.Set[socket.SocketId]] {
	rooms, _ := n.members.snapshot()
	return rooms
}

// Sids returns a copy.
func (n *namespace) Sids() *types.Map[socket.SocketId, *types.Set[socket.Room]] {
	_, sids := n.members.snapshot()
	return sids
}

// SocketRooms returns a copy, nil for a socket that this node does not have.
func (n *namespace) SocketRooms(id socket.SocketId) *types.Set[socket.Room] {
	return n.members.roomsOf(id)
}

// AddAll implements [socket.Adapter]. A socket first joins the room of its own id, before the answer to its CONNECT. The
// namespaces that the library makes for a pattern drop their adapter's middlewares, so AddAll may have to admit a socket,
// too late for a CONNECT_ERROR.
func (n *namespace) AddAll(id socket.SocketId, rooms *types.Set[socket.Room]) {
	if n.members.get(id) == nil && rooms.Has(roomOf(id)) {
		if s, ok := n.nsp.Sockets().Load(id); ok {
			if refused := n.admit(s); refused != nil {
				s.Conn().Close(true)
				return
			}
		}
	}
	n.announce(id, n.members.join(id, rooms.Keys()))
}

// Del implements [socket.Adapter].
func (n *namespace) Del(id socket.SocketId, room socket.Room) {
	n.announce(id, n.members.leave(id, room))
}

// DelAll implements [socket.Adapter]: the socket is gone, or was never admitted.
func (n *namespace) DelAll(id socket.SocketId) {
	m, changes := n.members.remove(id)
	if m == nil {
		return
	}
	if m.leave(n.log()) {
		n.headcount.add(-1)
	}
	m.conn.Left(n.nsp.Name())
	n.announce(id, changes)
}

func (n *namespace) announce(id socket.SocketId, changes []change) {
	for _, c := range changes {
		switch c.event {
		case "join-room", "leave-room":
			n.Emit(events.EventName(c.event), c.room, id)
		default:
			n.Emit(events.EventName(c.event), c.room)
		}
	}
}

// match returns the sockets of this node that the options select.
func (n *namespace) match(opts *socket.BroadcastOptions) []*member {
	return n.members.match(keys(opts.Rooms), keys(opts.Except))
}

func keys(set *types.Set[socket.Room]) []socket.Room {
	if set == nil || set.Len() == 0 {
		return nil
	}
	return set.Keys()
}

// Broadcast implements [socket.Adapter]. With connection state recovery the library sends every Socket.Emit through here,
// too, addressed to the socket's own room: a packet to a socket of this node goes to no other node.
func (n *namespace) Broadcast(packet *parser.Packet, opts *socket.BroadcastOptions) {
	opts = complete(opts)
	e, ok := n.encode(packet)
	if !ok {
		return
	}
	if n.durable(e, opts) {
		n.store(e.args)
		return
	}
	if opts.Flags.Volatile && packet.Id == nil && !n.isForOne(opts) {
		n.broadcastVolatile(e, opts)
		return
	}
	to := n.match(opts)
	if packet.Id != nil {
		n.answerOnce(*packet.Id, to)
		n.deliver(e, opts.Flags.Volatile, to)
		return
	}
	n.deliver(e, opts.Flags.Volatile, to)
	n.tellOthers(n.emission(e, opts), opts)
}

// broadcastVolatile queues a packet to be sent together with other volatile ones.
func (n *namespace) broadcastVolatile(e encoded, opts *socket.BroadcastOptions) {
	one := notice{packet: e.packet, frames: n.sealed(e).frames(), rooms: keys(opts.Rooms), except: keys(opts.Except)}
	if !opts.Flags.Local && n.hasOthers() {
		one.message = n.emission(e, opts)
	}
	n.volatiles.add(one)
}

// emission is a packet for the sockets of other nodes.
func (n *namespace) emission(e encoded, opts *socket.BroadcastOptions) *message {
	m := n.concerning(kindEmit, opts)
	m.Args, m.Binary = e.args, e.attachments()
	return m
}

// durable reports whether a packet is for everyone and belongs in the record.
func (n *namespace) durable(e encoded, opts *socket.BroadcastOptions) bool {
	return n.follows() && e.plain() && e.packet.Type == parser.EVENT && e.packet.Id == nil &&
		!opts.Flags.Volatile && !opts.Flags.Local && opts.Rooms.Len() == 0 && opts.Except.Len() == 0
}

// follows reports whether the sockets of the namespace follow a log.
func (n *namespace) follows() bool { return n.binding.Replica != nil }

// log is what the sockets follow, nil if nothing.
func (n *namespace) log() *fanout.Log {
	if !n.follows() {
		return nil
	}
	return n.binding.Replica.Log()
}

// store appends a broadcast of the library's own Emit, which returns no error to its caller.
func (n *namespace) store(args []byte) {
	lost := func(err error) {
		n.hub.unsent.Add(1)
		n.hub.logger.Error("broadcast was not stored", "namespace", n.nsp.Name(), "error", err)
	}
	err := n.binding.Replica.Append(n.hub.life, "", args, func(_ stream.Offset, err error) {
		if err != nil {
			lost(err)
		}
	})
	if err != nil {
		lost(err)
	}
}

// handle is a namespace as its owner sees it.
type handle struct{ n *namespace }

// Name implements [Namespace].
func (h handle) Name() string { return h.n.nsp.Name() }

// SendVolatile implements [Namespace].
func (h handle) SendVolatile(frames []byte) {
	for _, m := range h.n.members.greeted() {
		m.conn.SendVolatile(frames)
	}
}

// EmitVolatile implements [Namespace]. It uses the namespace's own emitter: the event takes the path of any volatile one.
func (h handle) EmitVolatile(except socket.SocketId, event string, args ...any) error {
	return h.n.nsp.Except(roomOf(except)).Volatile().Emit(event, args...)
}

// complete replaces nil fields by empty ones.
func complete(opts *socket.BroadcastOptions) *socket.BroadcastOptions {
	full := socket.BroadcastOptions{}
	if opts != nil {
		full = *opts
	}
	if full.Rooms == nil {
		full.Rooms = types.NewSet[socket.Room]()
	}
	if full.Except == nil {
		full.Except = types.NewSet[socket.Room]()
	}
	if full.Flags == nil {
		full.Flags = &socket.BroadcastFlags{}
	}
	return &full
}

// deliver sends a packet to sockets of this node; a volatile one to those that have been greeted.
func (n *namespace) deliver(e encoded, volatile bool, to []*member) {
	if len(to) == 0 {
		return
	}
	e = n.sealed(e)
	var frame []byte
	if e.plain() {
		frame = wire.AppendMessage(nil, e.text)
	}
	follows := n.follows()
	for _, m := range to {
		if volatile && follows && !m.isGreeted() {
			continue // the joining offset comes before any packet of others
		}
		if notify := m.socket.NotifyOutgoingListeners(); notify != nil {
			notify(e.packet)
		}
		switch {
		case frame == nil:
			m.socket.Client().WriteToEngine(e.buffers, &socket.WriteOptions{Volatile: volatile})
		case volatile:
			m.conn.SendVolatile(frame)
		default:
			m.conn.SendFrame(frame)
		}
	}
}

// Sockets implements [socket.Adapter], for this node.
func (n *namespace) Sockets(rooms *types.Set[socket.Room]) *types.Set[socket.SocketId] {
	ids := types.NewSet[socket.SocketId]()
	for _, m := range n.members.match(keys(rooms), nil) {
		ids.Add(m.socket.Id())
	}
	return ids
}

// AddSockets implements [socket.Adapter].
func (n *namespace) AddSockets(opts *socket.BroadcastOptions, rooms []socket.Room) {
	n.onAll(kindJoin, opts, func(m *message) { m.Change = rooms })
}

// DelSockets implements [socket.Adapter].
func (n *namespace) DelSockets(opts *socket.BroadcastOptions, rooms []socket.Room) {
	n.onAll(kindLeave, opts, func(m *message) { m.Change = rooms })
}

// DisconnectSockets implements [socket.Adapter].
func (n *namespace) DisconnectSockets(opts *socket.BroadcastOptions, status bool) {
	n.onAll(kindDisconnect, opts, func(m *message) { m.Close = status })
}

// onAll makes every node change its sockets. It tells the others first: afterwards this node would look elsewhere for a
// disconnected one.
func (n *namespace) onAll(k kind, opts *socket.BroadcastOptions, set func(*message)) {
	opts = complete(opts)
	m := n.concerning(k, opts)
	set(m)
	n.tellOthers(m, opts)
	n.change(m, n.match(opts))
}

// change applies the message to sockets of this node. This calls listeners; a panic in one does not affect the next socket.
func (n *namespace) change(m *message, to []*member) {
	for _, member := range to {
		s := member.socket
		n.hub.protect("listener", func() {
			switch m.Kind {
			case kindJoin:
				s.Join(m.Change...)
			case kindLeave:
				for _, room := range m.Change {
					s.Leave(room)
				}
			default:
				s.Disconnect(m.Close)
			}
		})
	}
}
