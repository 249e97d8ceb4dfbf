package adapter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/wire"
)

// kind is the kind of a message between nodes.
type kind string

const (
	kindEmit       kind = "emit"       // a packet for sockets
	kindTogether   kind = "together"   // several of them, all volatile
	kindAsk        kind = "ask"        // one that every client answers
	kindJoin       kind = "join"       // sockets join rooms
	kindLeave      kind = "leave"      // sockets leave rooms
	kindDisconnect kind = "disconnect" // sockets are disconnected
	kindMoved      kind = "moved"      // sockets have moved to the sender's node
	kindFetch      kind = "fetch"      // which sockets are there?
	kindServer     kind = "server"     // an event for the listeners of the namespace
	kindQuery      kind = "query"      // what has the owner to say of the namespace?

	kindAsked   kind = "asked"   // how many clients were asked; comes before their answers
	kindAck     kind = "ack"     // the answer of one of them
	kindSockets kind = "sockets" // some of the sockets
	kindReply   kind = "reply"   // the answer of a listener, or of the owner
)

func (k kind) isAnswer() bool {
	return k == kindAsked || k == kindAck || k == kindSockets || k == kindReply
}

// message is a message between hubs, as JSON.
type message struct {
	Kind kind   `json:"k"`
	Nsp  string `json:"n,omitempty"`
	ID   uint64 `json:"i,omitempty"` // of the request, in it and in its answers; zero: the sender wants no answer

	// The selected sockets; no rooms: all.
	Rooms  []socket.Room `json:"r,omitempty"`
	Except []socket.Room `json:"x,omitempty"`

	Args     json.RawMessage `json:"a,omitempty"` // of an event or an answer: an array
	Binary   [][]byte        `json:"b,omitempty"` // attachments
	Volatile bool            `json:"v,omitempty"`
	Together []*message      `json:"t,omitempty"`
	Window   int64           `json:"w,omitempty"` // how long the sender waits for answers, in milliseconds
	Change   []socket.Room   `json:"c,omitempty"` // to join or leave; the own rooms of moved sockets
	Close    bool            `json:"d,omitempty"` // the connection too

	Clients int               `json:"m,omitempty"`
	Sockets []json.RawMessage `json:"s,omitempty"`
	Part    int               `json:"p,omitempty"` // index of this message in a multi-part answer, from zero
	Last    bool              `json:"l,omitempty"`
}

// isVolatile reports whether the message is one volatile broadcast, or several.
func (m *message) isVolatile() bool {
	return m.Kind == kindTogether || m.Kind == kindEmit && m.Volatile
}

var errMessage = errors.New("malformed message")

// decodeMessage decodes a message of another node. The result is complete for its kind.
func decodeMessage(payload []byte) (*message, error) {
	if len(payload) > bus.MaxPayload {
		return nil, errTooLarge
	}
	m := &message{}
	if err := json.Unmarshal(payload, m); err != nil {
		return nil, fmt.Errorf("%w: %w", errMessage, err)
	}
	ok := true
	switch m.Kind {
	case kindEmit, kindServer:
		ok = wire.IsEventArgs(m.Args)
	case kindTogether:
		ok = !slices.ContainsFunc(m.Together, func(one *message) bool {
			return one == nil || one.Kind != kindEmit || !wire.IsEventArgs(one.Args)
		})
	case kindAsk:
		ok = wire.IsEventArgs(m.Args) && m.ID != 0
	case kindAck, kindReply:
		ok = isArray(m.Args) && m.ID != 0
	case kindFetch, kindSockets, kindQuery:
		ok = m.ID != 0
	case kindAsked:
		ok = m.ID != 0 && m.Clients >= 0
	case kindJoin, kindLeave, kindDisconnect, kindMoved:
	default:
		ok = false
	}
	if !ok {
		return nil, fmt.Errorf("%w: kind %.20q", errMessage, m.Kind)
	}
	return m, nil
}

func isArray(b []byte) bool { return len(b) > 0 && b[0] == '[' }

// window is how long the sender waits for answers.
func (m *message) window() time.Duration {
	return time.Duration(min(max(m.Window, 0), maxWindow.Milliseconds())) * time.Millisecond
}

// values are the arguments as the JSON decoder makes them.
func (m *message) values() []any {
	var values []any
	_ = json.Unmarshal(m.Args, &values) // was part of valid JSON, and an array
	return values
}

// event is the message's packet, for the sockets of a namespace.
func (m *message) event(nsp string, id *uint64) encoded {
	p := &parser.Packet{Type: parser.EVENT, Nsp: nsp, Id: id, Data: m.values()}
	if len(m.Binary) > 0 {
		n := uint64(len(m.Binary))
		p.Type, p.Attachments = parser.BINARY_EVENT, &n
	}
	text := appendHeader(make([]byte, 0, len(m.Args)+len(nsp)+32), p)
	start := len(text)
	text = append(text, m.Args...)
	e := encoded{packet: p, text: text, args: text[start:], buffers: []types.BufferInterface{types.NewStringBuffer(text)}}
	for _, b := range m.Binary {
		e.buffers = append(e.buffers, types.NewBytesBuffer(b))
	}
	return e
}

// appendHeader appends the part of a packet before its arguments.
func appendHeader(dst []byte, p *parser.Packet) []byte {
	dst = append(dst, byte(p.Type))
	if p.Attachments != nil {
		dst = append(strconv.AppendUint(dst, *p.Attachments, 10), '-')
	}
	if p.Nsp != "" && p.Nsp != "/" {
		dst = append(append(dst, p.Nsp...), ',')
	}
	if p.Id != nil {
		dst = strconv.AppendUint(dst, *p.Id, 10)
	}
	return dst
}

// errBinary refuses attachments in messages for other servers: only packets for clients may have them.
var errBinary = errors.New("binary data cannot be sent to other servers")

// marshalArgs makes the array of arguments that other nodes get.
func marshalArgs(args []any) (json.RawMessage, error) {
	if parser.HasBinary(args) {
		return nil, errBinary
	}
	b, err := json.Marshal(args)
	if err == nil && bytes.Equal(b, []byte("null")) {
		b = []byte("[]")
	}
	return b, err
}

// encoded is a packet encoded once, to be sent to each socket.
type encoded struct {
	packet  *parser.Packet
	text    []byte                  // of the packet, without attachments
	args    []byte                  // the end of text: the array of arguments
	buffers []types.BufferInterface // text and attachments
}

// encode encodes the packet once for all sockets. It is false for data that JSON cannot carry: the library's encoder leaves
// such data out, and no client accepts a packet without data.
func (n *namespace) encode(original *parser.Packet) (encoded, bool) {
	p := *original // the encoder puts placeholders into a packet that the caller may send to other namespaces, too
	p.Nsp = n.nsp.Name()
	e := encoded{packet: &p, buffers: n.nsp.Server().Encoder().Encode(&p)}
	if text, ok := e.buffers[0].(*types.StringBuffer); ok {
		e.text = text.Bytes()
	}
	header := appendHeader(make([]byte, 0, 64), &p)
	if !bytes.HasPrefix(e.text, header) || !wire.IsEventArgs(e.text[len(header):]) {
		n.hub.logger.Error("packet cannot be encoded", "namespace", p.Nsp, "type", p.Type.String())
		return encoded{}, false
	}
	e.args = e.text[len(header):]
	return e, true
}

// sealed makes a packet safe for clients that can recover: such a client takes a string in the last place of any event for
// an offset, even the event's name if there is no argument. So sealed appends null; a packet with an id needs none, because
// the client appends its callback.
func (n *namespace) sealed(e encoded) encoded {
	before, ok := bytes.CutSuffix(e.text, []byte(`]`))
	ok = ok && bytes.HasSuffix(bytes.TrimRight(before, " \t\r\n"), []byte(`"`))
	if !ok || e.packet.Id != nil || !n.follows() {
		return e
	}
	e.text = slices.Concat(before, []byte(`,null]`))
	e.buffers = slices.Clone(e.buffers)
	e.buffers[0] = types.NewStringBuffer(e.text)
	return e
}

// plain reports whether the packet is text alone.
func (e encoded) plain() bool { return len(e.buffers) == 1 }

// attachments are the binary parts.
func (e encoded) attachments() [][]byte {
	var all [][]byte
	for _, b := range e.buffers[1:] {
		all = append(all, b.Bytes())
	}
	return all
}
