package adapter

import (
	"errors"
	"sync/atomic"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/wire"
)

// concerning begins a message about the sockets that the options mean.
func (n *namespace) concerning(k kind, opts *socket.BroadcastOptions) *message {
	return &message{
		Kind: k, Nsp: n.nsp.Name(), Rooms: keys(opts.Rooms), Except: keys(opts.Except), Volatile: opts.Flags.Volatile,
	}
}

// tellOthers tells the other nodes what to do to their sockets. The library's callers are told nothing: a failure
// is counted and logged.
func (n *namespace) tellOthers(m *message, opts *socket.BroadcastOptions) {
	if !n.concernsUsAlone(opts) {
		_ = n.hub.tell(everyone, m)
	}
}

// concernsUsAlone reports whether no other node has to know. A socket's own room is where that socket is, even if the
// socket of another node has joined a room of that name.
func (n *namespace) concernsUsAlone(opts *socket.BroadcastOptions) bool {
	if n.hub.opts.Bus == nil || opts.Flags.Local {
		return true
	}
	return n.isForOne(opts)
}

// isForOne reports whether the room is the own one of a socket of this node.
func (n *namespace) isForOne(opts *socket.BroadcastOptions) bool {
	return opts.Rooms.Len() == 1 && n.members.get(socket.SocketId(opts.Rooms.Keys()[0])) != nil
}

// others is how many other nodes have to answer.
func (n *namespace) others(opts *socket.BroadcastOptions) int {
	if n.concernsUsAlone(opts) {
		return 0
	}
	return n.hub.nodes() - 1
}

// ServerCount implements [socket.Adapter].
func (n *namespace) ServerCount() int64 { return int64(n.hub.nodes()) }

// nodes is how many live nodes there are, this one included.
func (h *Hub) nodes() int {
	if h.opts.Nodes == nil {
		return 1
	}
	return max(h.opts.Nodes(), 1)
}

// serve does what another node wants. A namespace that nobody has opened here has no sockets.
func (h *Hub) serve(node string, m *message) {
	if n := h.namespaceOf(m.Nsp); n != nil {
		n.serve(node, m)
		return
	}
	switch m.Kind {
	case kindAsk:
		_ = h.tell(node, &message{Kind: kindAsked, ID: m.ID})
	case kindFetch:
		_ = h.tell(node, &message{Kind: kindSockets, ID: m.ID, Last: true})
	default:
	}
}

func (n *namespace) serve(node string, m *message) {
	switch m.Kind {
	case kindServer:
		n.serverEvent(node, m)
		return
	case kindMoved:
		n.forgetMoved(m.Change)
		return
	default:
	}
	to := n.members.match(m.Rooms, m.Except)
	switch m.Kind {
	case kindEmit:
		if len(to) > 0 { // most nodes have nobody in most rooms
			n.deliver(m.event(n.nsp.Name(), nil), m.Volatile, to)
		}
	case kindAsk:
		n.answerAsk(node, m, to)
	case kindJoin, kindLeave, kindDisconnect:
		n.change(m, to)
	case kindFetch:
		n.answerFetch(node, m.ID, to)
	default:
	}
}

// forgetMoved closes the connections of clients that have come back to another node.
func (n *namespace) forgetMoved(rooms []socket.Room) {
	for _, room := range rooms {
		if m := n.members.get(socket.SocketId(room)); m != nil {
			m.conn.Close(true)
		}
	}
}

var errNoEvent = errors.New("no event to emit to other servers")

// ServerSideEmit implements [socket.Adapter]: the listeners of the namespace on the other nodes get the event. If the last
// argument is a [socket.Ack], it is called once, with one element for each node that answered, which is the []any that its
// listener gave to the callback; and with [ErrUnanswered] if some did not within the hub's time-out.
func (n *namespace) ServerSideEmit(args []any) error {
	if len(args) == 0 {
		return errNoEvent
	}
	ack, withAck := args[len(args)-1].(socket.Ack)
	if withAck {
		args = args[:len(args)-1]
	}
	text, err := marshalArgs(args)
	if err != nil {
		return err
	}
	if !wire.IsEventArgs(text) {
		return errNoEvent
	}
	m := &message{Kind: kindServer, Nsp: n.nsp.Name(), Args: text}
	if !withAck {
		return n.hub.tell(everyone, m)
	}
	others := int(n.ServerCount()) - 1
	if n.hub.opts.Bus == nil || others == 0 {
		ack([]any{}, nil)
		return nil
	}
	answers := []any{}
	return n.hub.gather(m, &gathering{
		expected: others,
		accepts:  kindReply,
		take: func(m *message) bool {
			answers = append(answers, m.values())
			return true
		},
		done: func(err error) { ack(answers, err) },
	}, n.hub.opts.Timeout)
}

// serverEvent hands an event of another node to the listeners of the namespace, behind those that came before.
func (n *namespace) serverEvent(node string, m *message) {
	args := m.values()
	if name, ok := args[0].(string); !ok || socket.NAMESPACE_RESERVED_EVENTS.Has(name) {
		n.hub.busMalformed.Add(1)
		return
	}
	if m.ID != 0 {
		var once atomic.Bool
		args = append(args, socket.Ack(func(values []any, _ error) {
			if once.CompareAndSwap(false, true) {
				n.hub.reply(node, kindReply, m.ID, values)
			}
		}))
	}
	if !n.listeners.do(len(m.Args), func() { n.nsp.OnServerSideEmit(args) }) {
		n.hub.busUnheard.Add(1)
		n.hub.complain("server-side event was dropped", errBacklog)
	}
}
