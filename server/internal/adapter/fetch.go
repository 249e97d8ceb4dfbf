package adapter

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/bus"
)

// details describe a socket of another node.
type details struct {
	SID    socket.SocketId   `json:"i"`
	Shake  *socket.Handshake `json:"h,omitempty"`
	In     []socket.Room     `json:"r,omitempty"`
	Custom any               `json:"d,omitempty"`
}

var _ socket.SocketDetails = (*details)(nil)

// Id implements [socket.SocketDetails].
func (d *details) Id() socket.SocketId { return d.SID } //nolint:revive // the library's spelling

// Handshake implements [socket.SocketDetails]. It is never nil.
func (d *details) Handshake() *socket.Handshake { return d.Shake }

// Rooms implements [socket.SocketDetails].
func (d *details) Rooms() *types.Set[socket.Room] { return types.NewSet(d.In...) }

// Data is the data that the socket's node attached to it, after a trip through JSON; nil if JSON cannot carry it.
func (d *details) Data() any { return d.Custom }

// FetchSockets implements [socket.Adapter]. It calls the callback once, in a goroutine of its own if it has to ask other
// nodes. If some of them do not answer within the time-out (the flag's, or the hub's), the callback gets the sockets of the
// others, and [ErrUnanswered].
func (n *namespace) FetchSockets(opts *socket.BroadcastOptions) func(func([]socket.SocketDetails, error)) {
	opts = complete(opts)
	return func(callback func([]socket.SocketDetails, error)) {
		found := []socket.SocketDetails{}
		for _, m := range n.match(opts) {
			found = append(found, m.socket)
		}
		others := n.others(opts)
		if others == 0 {
			callback(found, nil)
			return
		}
		timeout := n.hub.opts.Timeout
		if opts.Flags.Timeout != nil {
			timeout = *opts.Flags.Timeout
		}
		err := n.hub.gather(n.concerning(kindFetch, opts), &gathering{
			expected: others,
			accepts:  kindSockets,
			take: func(m *message) (ok bool) {
				found, ok = m.appendDetails(found)
				return ok
			},
			done: func(err error) { callback(distinct(found), err) },
		}, timeout)
		if err != nil {
			callback(found, err)
		}
	}
}

// distinct removes duplicate sockets: a client may have reconnected to one node before another knows that it left.
func distinct(found []socket.SocketDetails) []socket.SocketDetails {
	seen := make(map[socket.SocketId]struct{}, len(found))
	return slices.DeleteFunc(found, func(s socket.SocketDetails) bool {
		_, twice := seen[s.Id()]
		seen[s.Id()] = struct{}{}
		return twice
	})
}

func (m *message) appendDetails(found []socket.SocketDetails) ([]socket.SocketDetails, bool) {
	for _, text := range m.Sockets {
		d := &details{}
		if json.Unmarshal(text, d) != nil || d.SID == "" {
			return found, false
		}
		if d.Shake == nil {
			d.Shake = &socket.Handshake{}
		}
		found = append(found, d)
	}
	return found, true
}

// partSize is how many bytes of details fit into one message; the rest of the payload is for the envelope.
const partSize = bus.MaxPayload - 1024

// answerFetch sends the details of sockets to the node that asked, in as many messages as necessary.
func (n *namespace) answerFetch(node string, id uint64, to []*member) {
	part := &message{Kind: kindSockets, ID: id}
	size := 0
	for _, m := range to {
		text := n.detailsOf(m)
		if text == nil {
			continue
		}
		if size+len(text) >= partSize {
			if n.hub.tell(node, part) != nil {
				return // the rest is useless without this part
			}
			part = &message{Kind: kindSockets, ID: id, Part: part.Part + 1}
			size = 0
		}
		part.Sockets = append(part.Sockets, text)
		size += len(text) + 1
	}
	part.Last = true
	_ = n.hub.tell(node, part)
}

// detailsOf encodes the details of a socket, and leaves out what JSON or the bus cannot carry.
func (n *namespace) detailsOf(m *member) json.RawMessage {
	s := m.socket
	d := details{SID: s.Id(), Shake: s.Handshake(), In: s.Rooms().Keys(), Custom: s.Data()}
	for _, cut := range []func(){func() {}, func() { d.Custom = nil }, func() { d.Shake = nil }, func() { d.In = nil }} {
		cut()
		var text []byte
		var err error
		n.hub.protect("encoding the data of a socket", func() { text, err = json.Marshal(&d) })
		if 0 < len(text) && len(text) < partSize {
			return text
		}
		if err == nil {
			err = errTooLarge
		}
		n.hub.complain("not all of a socket can be shown to other nodes", fmt.Errorf("%s: %w", s.Id(), err))
	}
	return nil
}
