package wire

import (
	"bytes"
	"encoding/base64"
	"io"
	"unicode/utf8"
)

// The types of Engine.IO packets, as they stand on the wire.
const (
	PacketOpen    = '0'
	PacketClose   = '1'
	PacketPing    = '2'
	PacketPong    = '3'
	PacketMessage = '4'
	PacketUpgrade = '5'
	PacketNoop    = '6'
)

// Packet is one Engine.IO packet.
type Packet struct {
	// Type is one of the Packet constants; a binary packet is always a [PacketMessage].
	Type byte
	// Binary tells a binary message from text.
	Binary bool
	// Data is what follows the type; text is valid UTF-8.
	Data []byte
}

// PayloadError is the reason why a body or packet was refused.
type PayloadError string

// The closed catalogue of reasons.
const (
	// ErrTooLarge: the body exceeds its limit. Answered with HTTP 413.
	ErrTooLarge PayloadError = "body too large"
	// ErrTooMany: more than [MaxPackets] packets in one payload.
	ErrTooMany PayloadError = "too many packets"
	// ErrEmptyPacket: an empty payload, or nothing between two separators.
	ErrEmptyPacket PayloadError = "empty packet"
	// ErrPacketType: the first character is no packet type.
	ErrPacketType PayloadError = "unknown packet type"
	// ErrBase64: what follows a b is not padded standard base64.
	ErrBase64 PayloadError = "bad base64"
	// ErrPayloadText: the payload is not UTF-8.
	ErrPayloadText PayloadError = "bad utf-8 in payload"
)

// Error implements error.
func (e PayloadError) Error() string { return string(e) }

const (
	// MaxPackets bounds the packets of one payload.
	MaxPackets = 1 << 16

	separator    = 0x1e
	binaryMarker = 'b'
	readStep     = 512 // bytes that ReadBody makes room for at least
	maxIdleReads = 100 // reads in a row that give nothing and no error
)

// ReadBody appends the whole of body to dst, which may be borrowed, and returns it. A body of more than limit bytes
// gives [ErrTooLarge]: at once if declared (the Content-Length, or -1) says so, otherwise after at most limit+1 bytes.
// Memory grows with what arrives, not with what is declared. On an error the bytes read so far are returned too, so
// that a borrowed buffer can be given back.
func ReadBody(dst []byte, body io.Reader, declared int64, limit int) ([]byte, error) {
	if declared > int64(limit) {
		return dst, ErrTooLarge
	}
	start, idle := len(dst), 0
	for idle < maxIdleReads {
		if len(dst) == cap(dst) {
			dst = append(dst, make([]byte, readStep)...)[:len(dst)]
		}
		room := dst[len(dst):min(cap(dst), start+limit+1)]
		n, err := body.Read(room)
		dst = dst[:len(dst)+n]
		switch {
		case len(dst)-start > limit:
			return dst, ErrTooLarge
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, err
		case n > 0:
			idle = 0
		default:
			idle++
		}
	}
	return dst, io.ErrNoProgress
}

// DecodePayload splits the body of a polling request and hands its packets to fn, one at a time and in order. The data
// of text packets is a part of body; that of binary packets is a slice of its own. Decoding stops at the first error of
// fn, which is returned as it is, and at the first malformed packet, with a [PayloadError]; the packets before it have
// been handed over by then.
func DecodePayload(body []byte, fn func(Packet) error) error {
	if !utf8.Valid(body) {
		return ErrPayloadText
	}
	for range MaxPackets {
		p, rest, more, err := CutPacket(body)
		if err != nil {
			return err
		}
		if err := fn(p); err != nil {
			return err
		}
		if !more {
			return nil
		}
		body = rest
	}
	return ErrTooMany
}

// CutPacket decodes the first packet of a payload and returns what follows it, if there is more. It checks no UTF-8, and
// does not bound the number of packets, as [DecodePayload] does.
func CutPacket(payload []byte) (p Packet, rest []byte, more bool, err error) {
	one, rest, more := bytes.Cut(payload, []byte{separator})
	p, err = DecodeText(one)
	return p, rest, more, err
}

// decodeBase64 decodes the text form of a binary message, without its marker.
func decodeBase64(src []byte) (Packet, error) {
	if bytes.ContainsAny(src, "\r\n") { // the decoder would skip them
		return Packet{}, ErrBase64
	}
	data := make([]byte, base64.StdEncoding.DecodedLen(len(src)))
	n, err := base64.StdEncoding.Strict().Decode(data, src)
	if err != nil {
		return Packet{}, ErrBase64
	}
	return Packet{Type: PacketMessage, Binary: true, Data: data[:n]}, nil
}

// DecodeText decodes the text form of one packet, as it stands in a polling payload and fills a WebSocket text message: a
// type and data, which are a part of p, or a binary message in base64, of which the data is a slice of its own. (A client
// with forceBase64 sends that by WebSocket, too.) It checks no UTF-8: [Reader] and [DecodePayload] have.
func DecodeText(p []byte) (Packet, error) {
	switch {
	case len(p) == 0:
		return Packet{}, ErrEmptyPacket
	case p[0] == binaryMarker:
		return decodeBase64(p[1:])
	case p[0] < PacketOpen || p[0] > PacketNoop:
		return Packet{}, ErrPacketType
	}
	return Packet{Type: p[0], Data: p[1:]}, nil
}

// AppendPacket appends the polling form of p to dst, after a separator unless dst is empty, so that repeated
// calls build a payload.
func AppendPacket(dst []byte, p Packet) []byte {
	if len(dst) > 0 {
		dst = append(dst, separator)
	}
	if p.Binary {
		return base64.StdEncoding.AppendEncode(append(dst, binaryMarker), p.Data)
	}
	return append(append(dst, p.Type), p.Data...)
}
