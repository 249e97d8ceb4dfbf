package room

import (
	"bytes"
	"strconv"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/wire"
)

// The text around the offset, which is the last argument of an event.
const (
	beforeOffset = `,"`
	afterOffset  = `"]`
)

var _ replica.Decode = Decode

// prefix is the text before the arguments of an event in a namespace, without the type of the Engine.IO packet.
func prefix(namespace string) string {
	if namespace == "/" {
		return "2"
	}
	return "2" + namespace + ","
}

// Encoder makes the encoder of a namespace's entries. It appends the WebSocket frame of an entry: its arguments, with the
// time stamp in place of [chat.TimeMark], and the offset as one more argument. It is false, and appends nothing, for an
// entry that is not an event.
func Encoder(namespace string) replica.Encode {
	before := "4" + prefix(namespace)
	return func(dst []byte, e stream.Entry) ([]byte, bool) { return appendEntry(dst, before, e) }
}

func appendEntry(dst []byte, before string, e stream.Entry) ([]byte, bool) {
	args := e.Event
	if !wire.IsEventArgs(args) {
		return dst, false
	}
	args = args[:len(args)-1] // the bracket follows the offset
	var digits [20]byte
	at := strconv.AppendUint(digits[:0], e.Offset.Ms, 10)
	var text [41]byte
	offset := e.Offset.Append(text[:0])

	size := len(before) + len(args) + len(beforeOffset) + len(offset) + len(afterOffset)
	mark := bytes.IndexByte(args, chat.TimeMark)
	if mark >= 0 {
		size += len(at) - 1
	}
	dst = wire.AppendHeader(dst, wire.OpText, size)
	dst = append(dst, before...)
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

// Decode returns the arguments of the event in a frame of an [Encoder]: with the time stamp, and with the offset at the end.
func Decode(frame []byte) []byte {
	_, payload, _ := wire.Cut(frame)
	return payload[bytes.IndexByte(payload, '['):] // no namespace of a room has a bracket
}

// appendPresence appends the frame of a presence event in a namespace, with the offset unless it is zero.
func appendPresence(dst []byte, namespace string, online int, offset stream.Offset) []byte {
	text := append(make([]byte, 0, 192), prefix(namespace)...)
	text = append(text, `["presence",{"online":`...)
	text = strconv.AppendInt(text, int64(online), 10)
	text = append(text, '}')
	if !offset.IsZero() {
		text = append(text, beforeOffset...)
		text = offset.Append(text)
		text = append(text, '"')
	}
	return wire.AppendMessage(dst, append(text, ']'))
}
