package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

// Op is the opcode of a WebSocket frame.
type Op byte

// The opcodes of RFC 6455. [Reader] never hands out a continuation: it joins fragments.
const (
	OpContinuation Op = 0x0
	OpText         Op = 0x1
	OpBinary       Op = 0x2
	OpClose        Op = 0x8
	OpPing         Op = 0x9
	OpPong         Op = 0xA
)

// Control reports whether o belongs to a control frame: never fragmented, at most [MaxControl] bytes of payload.
func (o Op) Control() bool { return o&0x8 != 0 }

func (o Op) known() bool { return o <= OpBinary || (o >= OpClose && o <= OpPong) }

// MaxControl is the largest payload of a control frame, in bytes.
const MaxControl = 125

const (
	finBit  = 0x80
	rsvBits = 0x70
	opBits  = 0x0F
	maskBit = 0x80
	lenBits = 0x7F
	len16   = 126 // a 16-bit length follows
	len64   = 127 // a 64-bit length follows
)

// HeaderLen is the number of bytes that [AppendHeader] writes for a payload of n bytes: 2, 4 or 10.
func HeaderLen(n int) int {
	switch {
	case n < len16:
		return 2
	case n <= 0xFFFF:
		return 4
	default:
		return 10
	}
}

// AppendHeader appends the header of an unfragmented, unmasked server frame with n bytes of payload. The caller
// appends or writes the payload, and keeps control frames within [MaxControl].
func AppendHeader(dst []byte, op Op, n int) []byte {
	dst = append(dst, finBit|byte(op))
	switch HeaderLen(n) {
	case 2:
		return append(dst, byte(n))
	case 4:
		return binary.BigEndian.AppendUint16(append(dst, len16), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, len64), uint64(n))
	}
}

// AppendFrame appends one whole server frame.
func AppendFrame(dst []byte, op Op, payload []byte) []byte {
	return append(AppendHeader(dst, op, len(payload)), payload...)
}

// AppendClose appends a close frame. Code 0 and codes that may not travel ([Code.Valid]) give an empty close frame; the
// reason is cut at a character border so that the frame stays legal.
func AppendClose(dst []byte, code Code, reason string) []byte {
	if !code.Valid() {
		return AppendHeader(dst, OpClose, 0)
	}
	reason = cut(reason, MaxControl-2)
	dst = AppendHeader(dst, OpClose, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// FrameLen is the length, header and payload, of the unmasked server frame that p begins with. p may end within the
// payload. It panics unless p begins with the whole header of such a frame.
func FrameLen(p []byte) int {
	h, size := parseHeader(p)
	if size == 0 || h.masked {
		panic("wire: not a server frame")
	}
	return size + int(h.length)
}

// Cut takes the first of several whole, unmasked server frames, as [AppendFrame] writes them: its opcode, its payload, and
// the frames after it, without copying. It panics unless frames begins with such a frame.
func Cut(frames []byte) (op Op, payload, rest []byte) {
	end := FrameLen(frames)
	h, size := parseHeader(frames)
	return h.op, frames[size:end], frames[end:]
}

// header is the parsed head of a frame.
type header struct {
	length uint64
	mask   [4]byte
	op     Op
	fin    bool
	rsv    bool
	masked bool
}

// maxHeader is the longest header: two bytes, a 64-bit length, a mask.
const maxHeader = 14

// parseHeader reads the header at the start of p and its size. Size 0 means that p ends within the header. It checks
// nothing.
func parseHeader(p []byte) (h header, size int) {
	if len(p) < 2 {
		return header{}, 0
	}
	short := p[1] & lenBits
	h = header{
		length: uint64(short),
		op:     Op(p[0] & opBits),
		fin:    p[0]&finBit != 0,
		rsv:    p[0]&rsvBits != 0,
		masked: p[1]&maskBit != 0,
	}
	size = 2
	switch short {
	case len16:
		size = 4
	case len64:
		size = 10
	}
	end := size
	if h.masked {
		end += len(h.mask)
	}
	if len(p) < end {
		return header{}, 0
	}
	switch short {
	case len16:
		h.length = uint64(binary.BigEndian.Uint16(p[2:]))
	case len64:
		h.length = binary.BigEndian.Uint64(p[2:])
	}
	if h.masked {
		copy(h.mask[:], p[size:])
	}
	return h, end
}

// unmask applies the mask to p, whose first byte is the first byte of a frame's payload.
func unmask(p []byte, mask [4]byte) {
	key := uint64(binary.LittleEndian.Uint32(mask[:]))
	key |= key << 32
	for len(p) >= 32 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^key)
		binary.LittleEndian.PutUint64(p[8:], binary.LittleEndian.Uint64(p[8:])^key)
		binary.LittleEndian.PutUint64(p[16:], binary.LittleEndian.Uint64(p[16:])^key)
		binary.LittleEndian.PutUint64(p[24:], binary.LittleEndian.Uint64(p[24:])^key)
		p = p[32:]
	}
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^key)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= mask[i&3]
	}
}
