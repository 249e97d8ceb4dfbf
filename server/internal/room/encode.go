package room

import (
	"bytes"
	"strconv"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/wire"
)

// The text around the arguments of a recorded event: Engine.IO message, Socket.IO event, and the offset as last argument.
const (
	beforeArgs   = `42`
	beforeOffset = `,"`
	afterOffset  = `"]`
)

var (
	_ replica.Encode = Encode
	_ replica.Decode = Decode
)

// Encode appends the WebSocket frame of an entry: its arguments, with the time stamp in place of [chat.TimeMark], and the
// offset as one more argument. It is false, and appends nothing, for an entry that is not an event.
func Encode(dst []byte, e stream.Entry) ([]byte, bool) {
	args := e.Event
	if !wire.IsEventArgs(args) {
		return dst, false
	}
	args = args[:len(args)-1] // the bracket follows the offset
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

// Decode returns the arguments of the event in a frame of [Encode]: with the time stamp, and with the offset at the end.
func Decode(frame []byte) []byte {
	_, payload, _ := wire.Cut(frame)
	return payload[len(beforeArgs):]
}

// appendPresence appends the frame of a presence event, with the offset unless it is zero.
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
	return wire.AppendMessage(dst, append(text, ']'))
}
