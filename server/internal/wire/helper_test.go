package wire

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

func noAllocs(t *testing.T, what string, fn func()) {
	t.Helper()
	if n := testing.AllocsPerRun(200, fn); n != 0 {
		t.Errorf("%s: %v allocations, want 0", what, n)
	}
}

var testMask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// clientFrame builds a masked frame; flags are the upper four bits of the first byte.
func clientFrame(flags byte, op Op, payload string) []byte {
	f := AppendHeader(nil, op, len(payload))
	f[0] = flags | byte(op)
	f[1] |= maskBit
	f = append(f, testMask[:]...)
	for i := range len(payload) {
		f = append(f, payload[i]^testMask[i&3])
	}
	return f
}

func closePayload(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

// seen is what a client's bytes came to.
type seen struct {
	Messages []textMessage
	Err      CloseError // zero: none
}

type textMessage struct {
	Op      Op
	Payload string
}

// readAll feeds the bytes in the given chunk sizes, then the rest, and stops at an error or a close frame.
func readAll(t testing.TB, limit int, stream []byte, sizes ...int) seen {
	t.Helper()
	r := NewReader(limit)
	var out seen
	stream = slices.Clone(stream)
	for len(stream) > 0 {
		size := len(stream)
		if len(sizes) > 0 {
			size, sizes = min(sizes[0], size), sizes[1:]
		}
		chunk := slices.Clone(stream[:size]) // as from a pooled buffer, gone afterwards
		stream = stream[size:]
		for p := chunk; len(p) > 0; {
			m, n, err := r.Next(p)
			if err != nil {
				var ce *CloseError
				if !errors.As(err, &ce) {
					t.Fatalf("error %T is no CloseError", err)
				}
				out.Err = *ce
				return out
			}
			if n <= 0 || n > len(p) || (m.Op == OpContinuation && n != len(p)) {
				t.Fatalf("consumed %d of %d bytes, message %v", n, len(p), m.Op)
			}
			p = p[n:]
			if m.Op == OpContinuation {
				continue
			}
			out.Messages = append(out.Messages, textMessage{m.Op, string(m.Payload)})
			if m.Op == OpClose {
				return out
			}
		}
		clear(chunk)
	}
	return out
}

// frameReasons lists the reason of every [CloseError] that this package returns.
func frameReasons() []string {
	reasons := make([]string, len(frameErrors))
	for i, e := range frameErrors {
		reasons[i] = e.Reason
	}
	return reasons
}

// packetReasons lists every [PacketError].
func packetReasons() []string {
	return []string{
		string(BadUTF8), string(BadKind), string(BinaryRefused), string(BadAttachments), string(BadNamespace),
		string(BadAckID), string(BadJSON), string(BadNumber), string(TooDeep), string(BadConnect), string(BadDisconnect),
		string(BadEvent), string(ReservedEvent), string(BadAck), string(BadPlaceholder),
	}
}

// payloadReasons lists every [PayloadError].
func payloadReasons() []string {
	return []string{
		string(ErrTooLarge), string(ErrTooMany), string(ErrEmptyPacket), string(ErrPacketType), string(ErrBase64),
		string(ErrPayloadText),
	}
}

// partial reports whether the reader holds a part of a frame or message, that is, whether the client still owes bytes.
func (r *Reader) partial() bool { return r.frame != nil || r.message != nil }

// payloadOf is the payload of a frame.
func payloadOf(frame []byte) []byte {
	_, payload, _ := Cut(frame)
	return payload
}
