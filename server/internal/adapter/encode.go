package adapter

import (
	"bytes"
	"slices"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"

	"scalable-chat/server/internal/wire"
)

// encoded is a packet as it goes to sockets one by one.
type encoded struct {
	packet  *parser.Packet
	text    []byte                  // of the packet, without attachments
	args    []byte                  // the end of text: the array of arguments
	buffers []types.BufferInterface // all of it
}

// encode reads the packet once for all sockets. It is false for data that JSON cannot carry: the library's encoder leaves
// such data out, and a packet without data is one that no client accepts.
func (n *namespace) encode(original *parser.Packet) (encoded, bool) {
	p := *original // the encoder puts placeholders into what may be sent to other namespaces, too
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

// sealed is a packet as clients of the namespace may get it: a client that can recover takes the last argument of any event
// for an offset, if it is a string, and the event's name if there is no argument. So null follows; what has an id ends in
// the callback that the client adds.
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
