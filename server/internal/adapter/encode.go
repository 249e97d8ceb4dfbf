package adapter

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/wire"
)

// The text around the arguments of an event of "/" that came out of the stream: Engine.IO message, Socket.IO event, and
// the offset as last argument.
const (
	beforeArgs   = `42`
	beforeOffset = `,"`
	afterOffset  = `"]`
)

// frameOverhead is the most that [appendEntry] adds to an event.
const frameOverhead = 128

// appendEntry appends the WebSocket frame of an entry: its arguments, the time stamp in place of the mark, and the offset
// as one more argument. It is false, and appends nothing, for what is no event.
func appendEntry(dst []byte, e stream.Entry) ([]byte, bool) {
	args := e.Event
	if !isArgs(args) {
		return dst, false
	}
	args = args[:len(args)-1] // the bracket comes behind the offset
	var digits [20]byte
	at := strconv.AppendUint(digits[:0], e.Offset.Ms, 10)
	var text [41]byte
	offset := e.Offset.Append(text[:0])

	size := len(beforeArgs) + len(args) + len(beforeOffset) + len(offset) + len(afterOffset)
	mark := bytes.IndexByte(args, chat.TimeMark)
	if mark >= 0 {
		size += len(at) - 1
	}
	dst = wire.AppendHeader(dst, wire.OpText, size)
	dst = append(dst, beforeArgs...)
	if mark >= 0 {
		dst = append(dst, args[:mark]...)
		dst = append(dst, at...)
		dst = append(dst, args[mark+1:]...)
	} else {
		dst = append(dst, args...)
	}
	dst = append(dst, beforeOffset...)
	dst = append(dst, offset...)
	return append(dst, afterOffset...), true
}

// isArgs reports whether b looks like the arguments of an event: a JSON array that begins with a string.
func isArgs(b []byte) bool {
	return len(b) >= len(`[""]`) && b[0] == '[' && b[1] == '"' && b[len(b)-1] == ']'
}

// appendText appends a text frame with an Engine.IO message.
func appendText(dst, packet []byte) []byte {
	dst = wire.AppendHeader(dst, wire.OpText, 1+len(packet))
	dst = append(dst, '4')
	return append(dst, packet...)
}

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
	if !bytes.HasPrefix(e.text, header) || !isArgs(e.text[len(header):]) {
		n.hub.log.Error("packet cannot be encoded", "namespace", p.Nsp, "type", p.Type.String())
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
	if !ok || e.packet.Id != nil || !n.hub.follows(n.nsp.Name()) {
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

// appendPresence appends the frame of a presence event, with an offset unless that is zero.
func appendPresence(dst []byte, online int, offset stream.Offset) []byte {
	text := make([]byte, 0, 96)
	text = append(text, `2["presence",{"online":`...)
	text = strconv.AppendInt(text, int64(online), 10)
	text = append(text, '}')
	if !offset.IsZero() {
		text = append(text, beforeOffset...)
		text = offset.Append(text)
		text = append(text, '"')
	}
	return appendText(dst, append(text, ']'))
}
