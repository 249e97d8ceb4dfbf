package adapter

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/wire"
)

const (
	busTopic = "socket.io"
	// inboxCalls and inboxBytes bound the queued requests of other nodes.
	inboxCalls = 1024
	inboxBytes = 8 << 20
	// complaintInterval is the shortest time between two log lines about the bus, whose failures come in bursts.
	complaintInterval = time.Second
)

// errTooLarge means that a message is larger than the bus carries.
var errTooLarge = errors.New("too large for the bus")

// everyone stands for all other nodes.
const everyone = ""

// tell sends a message to another node, or to all of them. Without a bus it does nothing.
func (h *Hub) tell(node string, m *message) error {
	if h.opts.Bus == nil {
		return nil
	}
	return h.transmit(m, func(payload []byte) error {
		if node == everyone {
			return h.opts.Bus.Publish(busTopic, payload)
		}
		return h.opts.Bus.Send(node, busTopic, payload)
	})
}

// publish sends a message to the other nodes that have sockets of the namespace: by the owner's way, or over the bus.
func (n *namespace) publish(m *message) {
	if n.binding.Publish == nil {
		_ = n.hub.tell(everyone, m)
		return
	}
	_ = n.hub.transmit(m, func(payload []byte) error { n.binding.Publish(payload); return nil })
}

// transmit encodes a message and sends it. It counts and logs a failure.
func (h *Hub) transmit(m *message, send func([]byte) error) error {
	payload, err := json.Marshal(m)
	switch {
	case err != nil:
	case len(payload) > bus.MaxPayload:
		err = fmt.Errorf("%d bytes: %w", len(payload), errTooLarge)
	default:
		err = send(payload)
	}
	if err != nil {
		err = fmt.Errorf("%s for other nodes: %w", m.Kind, err)
		h.busUnsent.Add(1)
		h.complain("message was not sent", err)
	}
	return err
}

// hasOthers reports whether there may be other nodes to which volatile broadcasts go.
func (n *namespace) hasOthers() bool { return n.binding.Publish != nil || n.hub.opts.Bus != nil }

// complain logs a failure of the bus or of a message on it, at most once in a complaintInterval.
func (h *Hub) complain(what string, err error) {
	now, last := time.Now().UnixNano(), h.complained.Load()
	if now-last > int64(complaintInterval) && h.complained.CompareAndSwap(last, now) {
		h.logger.Warn("cluster: "+what, "error", err)
	}
}

// receive takes a message of another node. Answers and volatile events are passed on at once. Requests are queued, so that
// one that takes long, or waits for an answer itself, does not delay answers.
func (h *Hub) receive(from string, payload []byte) {
	if h.life.Err() != nil {
		return
	}
	m, err := decodeMessage(payload)
	switch {
	case err != nil:
		h.dropMalformed(err)
	case m.Kind.isAnswer():
		h.requests.answer(from, m)
	default:
		h.passOn(from, m, len(payload))
	}
}

// Receive takes a message that another node has given to the [Binding.Publish] of a namespace. It does not block. It counts
// and drops a message that is malformed or belongs to another namespace.
func (h *Hub) Receive(namespace string, payload []byte) {
	if h.life.Err() != nil {
		return
	}
	m, err := decodeMessage(payload)
	if err == nil && (m.Nsp != namespace || !m.isVolatile() && m.Kind != kindMoved) {
		err = fmt.Errorf("%w: %s for %.80q came for %s", errMessage, m.Kind, m.Nsp, namespace)
	}
	if err != nil {
		h.dropMalformed(err)
		return
	}
	h.passOn(everyone, m, len(payload))
}

func (h *Hub) dropMalformed(err error) {
	h.busMalformed.Add(1)
	h.complain("message of another node makes no sense", err)
}

// passOn handles a message that is no answer.
func (h *Hub) passOn(from string, m *message, size int) {
	if m.isVolatile() {
		h.hear(m)
		return
	}
	if !h.inbox.do(size, func() { h.serve(from, m) }) {
		h.busUnheard.Add(1)
		h.complain("message of another node was dropped", errBacklog)
	}
}

// concerning starts a message about the sockets that the options select.
func (n *namespace) concerning(k kind, opts *socket.BroadcastOptions) *message {
	return &message{
		Kind: k, Nsp: n.nsp.Name(), Rooms: keys(opts.Rooms), Except: keys(opts.Except), Volatile: opts.Flags.Volatile,
	}
}

// tellOthers tells the other nodes what to do to their sockets. It counts and logs a failure, because the library's callers
// get no error.
func (n *namespace) tellOthers(m *message, opts *socket.BroadcastOptions) {
	if !n.concernsUsAlone(opts) {
		_ = n.hub.tell(everyone, m)
	}
}

// concernsUsAlone reports whether no other node needs the message. A socket's own room counts as local to its node, even if
// a socket of another node has joined the room of that name.
func (n *namespace) concernsUsAlone(opts *socket.BroadcastOptions) bool {
	if n.hub.opts.Bus == nil || opts.Flags.Local {
		return true
	}
	return n.isForOne(opts)
}

// isForOne reports whether the only room is the own room of a socket of this node.
func (n *namespace) isForOne(opts *socket.BroadcastOptions) bool {
	return opts.Rooms.Len() == 1 && n.members.get(socket.SocketId(opts.Rooms.Keys()[0])) != nil
}

// others is how many other nodes must answer.
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

// serve handles a request of another node. A namespace that is not open here has no sockets.
func (h *Hub) serve(node string, m *message) {
	if m.Kind == kindQuery {
		h.answerQuery(node, m)
		return
	}
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
		if len(to) > 0 { // most nodes have no socket in most rooms
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

// forgetMoved closes the connections of clients that have reconnected to another node. Such news is gathered for an interval,
// so a client may have come back to this node before it arrives.
func (n *namespace) forgetMoved(rooms []socket.Room) {
	for _, room := range rooms {
		m := n.members.get(socket.SocketId(room))
		if m != nil && time.Since(m.recovered) > 2*n.hub.opts.VolatileInterval {
			m.conn.Close(true)
		}
	}
}

var errNoEvent = errors.New("no event to emit to other servers")

// ServerSideEmit implements [socket.Adapter]: the listeners of the namespace on the other nodes get the event. If the last
// argument is a [socket.Ack], it is called once. Its arguments have one element for each node that answered: the []any that
// the node's listener gave to the callback. Its error is [ErrUnanswered] if a node did not answer within the hub's time-out.
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

// serverEvent queues an event of another node for the listeners of the namespace, in order of arrival.
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
