package wire

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// Kind is the type of a Socket.IO packet, as it stands on the wire.
type Kind byte

// The types of Socket.IO v5.
const (
	Connect      Kind = '0'
	Disconnect   Kind = '1'
	Event        Kind = '2'
	Ack          Kind = '3'
	ConnectError Kind = '4'
	BinaryEvent  Kind = '5'
	BinaryAck    Kind = '6'
)

// Bounds of a Socket.IO packet beyond its size.
const (
	// MaxAttachments bounds the binary messages that one packet may announce.
	MaxAttachments = 10
	// MaxNamespace bounds the name of a namespace, in bytes.
	MaxNamespace = 256
	// MaxDepth bounds how deeply arrays and objects may be nested; the array of an event counts.
	MaxDepth = 32
	// MaxValues is the default bound on the JSON values of a packet; see [Limits]. A decoder needs up to 160 bytes for each
	// byte of JSON, so a bound on bytes alone is not enough.
	MaxValues = 256

	maxIDDigits = 20 // those of the largest uint64
)

// Limits say what [ParsePacket] accepts beyond the shape of a packet. The zero Limits are those of a server that takes
// neither attachments nor large structures.
type Limits struct {
	// Binary allows packets with attachments.
	Binary bool
	// Values is how many JSON values a packet may have: every string, number, literal, array and object counts, nested
	// ones too, keys do not. 0 means [MaxValues].
	Values int
}

// Header is what [ParsePacket] finds in a packet. Its slices are parts of the packet.
type Header struct {
	// Namespace is nil for the main one, "/".
	Namespace []byte
	// Payload is the JSON text, empty if there is none.
	Payload []byte
	// AckID is valid only with HasAck.
	AckID uint64
	// Attachments is the number of binary messages that belong to the packet and follow it, 0 to [MaxAttachments].
	Attachments int
	Kind        Kind
	// HasAck means that an event asks for an ack, or that AckID names the event that is acknowledged.
	HasAck bool
}

// PacketError is the reason why a Socket.IO packet was refused.
type PacketError string

// The closed catalogue of reasons.
const (
	BadUTF8        PacketError = "bad utf-8"
	BadKind        PacketError = "bad type"
	BinaryRefused  PacketError = "binary refused"
	BadAttachments PacketError = "bad attachments"
	BadNamespace   PacketError = "bad namespace"
	BadAckID       PacketError = "bad ack id"
	BadJSON        PacketError = "bad json"
	BadNumber      PacketError = "bad number"
	TooDeep        PacketError = "too deep"
	TooManyValues  PacketError = "too many values"
	BadConnect     PacketError = "bad connect"
	BadDisconnect  PacketError = "bad disconnect"
	BadEvent       PacketError = "bad event"
	ReservedEvent  PacketError = "reserved event"
	BadAck         PacketError = "bad ack"
	BadPlaceholder PacketError = "bad placeholder"

	valid PacketError = "" // within this package: nothing is wrong
)

// Error implements error.
func (e PacketError) Error() string { return string(e) }

// ParsePacket checks a packet from a client, the text of an Engine.IO message:
//
//	<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
//
// The Socket.IO library decodes an accepted packet without an error and handles it without a panic, after [NameText]. ParsePacket
// is stricter than the library and the reference server where those accept what no client sends: bytes after the JSON, an ack
// id where none belongs, an announcement of zero attachments (after which the library refuses the next packet), and
// attachments that are not used exactly once each.
//
// The error is a [PacketError]. Nothing is allocated for a packet that is accepted.
func ParsePacket(data []byte, limits Limits) (Header, error) {
	if !utf8.Valid(data) {
		return Header{}, BadUTF8
	}
	h, err := parseFront(data, limits.Binary)
	if err == valid {
		err = checkPayload(h, limits.Values)
	}
	if err != valid {
		return Header{}, err
	}
	return h, nil
}

// parseFront reads everything before the JSON.
func parseFront(data []byte, binary bool) (Header, PacketError) {
	if len(data) == 0 {
		return Header{}, BadKind
	}
	h := Header{Kind: Kind(data[0])}
	rest, err := data[1:], valid
	switch h.Kind {
	case Connect, Disconnect, Event, Ack:
	case BinaryEvent, BinaryAck:
		if !binary {
			return Header{}, BinaryRefused
		}
		if h.Attachments, rest, err = cutAttachments(rest); err != valid {
			return Header{}, err
		}
	default: // a CONNECT_ERROR is for servers to send
		return Header{}, BadKind
	}
	if h.Namespace, rest, err = cutNamespace(rest); err != valid {
		return Header{}, err
	}
	h.AckID, h.HasAck, h.Payload, err = cutID(rest)
	return h, err
}

// cutAttachments reads "<n>-".
func cutAttachments(p []byte) (int, []byte, PacketError) {
	n, i := 0, 0
	for i < len(p) && isDigit(p[i]) && n <= MaxAttachments {
		n = n*10 + int(p[i]-'0')
		i++
	}
	if n == 0 || n > MaxAttachments || i == len(p) || p[i] != '-' {
		return 0, nil, BadAttachments
	}
	return n, p[i+1:], valid
}

// cutNamespace reads "/<name>,", or "/<name>" at the end of the packet.
func cutNamespace(p []byte) (name, rest []byte, err PacketError) {
	if len(p) == 0 || p[0] != '/' {
		return nil, p, valid
	}
	name, rest, _ = bytes.Cut(p, []byte{','})
	if len(name) > MaxNamespace {
		return nil, nil, BadNamespace
	}
	for _, c := range name {
		if c < ' ' || c == 0x7f {
			return nil, nil, BadNamespace
		}
	}
	if len(name) == 1 {
		name = nil
	}
	return name, rest, valid
}

// NamespaceOf returns the name of the namespace of a packet without attachments that the library has encoded.
func NamespaceOf(packet []byte) []byte {
	name, _, _ := cutNamespace(packet[min(1, len(packet)):])
	if name == nil {
		return mainNamespace
	}
	return name
}

var mainNamespace = []byte{'/'}

// cutID reads the digits at the start of p.
func cutID(p []byte) (id uint64, has bool, rest []byte, err PacketError) {
	i := 0
	for i < len(p) && isDigit(p[i]) {
		d := uint64(p[i] - '0')
		if i == maxIDDigits || id > (math.MaxUint64-d)/10 {
			return 0, false, nil, BadAckID
		}
		id = id*10 + d
		i++
	}
	return id, i > 0, p[i:], valid
}

// checkPayload checks what depends on the kind of the packet, then all of the JSON.
func checkPayload(h Header, values int) PacketError {
	first := firstByte(h.Payload)
	switch h.Kind {
	case Connect:
		if len(h.Payload) > 0 && first != '{' {
			return BadConnect
		}
	case Disconnect:
		if len(h.Payload) > 0 {
			return BadDisconnect
		}
	case Event, BinaryEvent:
		if first != '[' {
			return BadEvent
		}
	case Ack, BinaryAck:
		if first != '[' || !h.HasAck {
			return BadAck
		}
	}
	if h.HasAck && (h.Kind == Connect || h.Kind == Disconnect) {
		return BadAckID
	}
	if len(h.Payload) == 0 {
		return valid
	}
	if values == 0 {
		values = MaxValues
	}
	s := scanner{text: h.Payload, room: values, attachments: h.Attachments}
	if err := s.document(); err != valid {
		return err
	}
	if h.Kind == Event || h.Kind == BinaryEvent {
		return checkName(h.Payload)
	}
	return valid
}

// checkName checks the first element of an array that is known to be valid JSON: the name of an event.
func checkName(array []byte) PacketError {
	s := scanner{text: array}
	switch c := s.firstElement(); {
	case c == '-' || isDigit(c): // see NameText
		return valid
	case c != '"':
		return BadEvent
	}
	name, _ := s.str()
	if isReserved(name) {
		return ReservedEvent
	}
	return valid
}

// isReserved reports whether a name, as written between its quotes, has a meaning of its own in the library, the reference server
// or an event emitter. The reference server refuses all of them from a client, the library the first four. A client must not
// be able to call a handler for "disconnect".
func isReserved(name []byte) bool {
	switch string(name) {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	if bytes.IndexByte(name, '\\') < 0 {
		return false
	}
	return spells(name, "connect") || spells(name, "connect_error") || spells(name, "disconnect") ||
		spells(name, "disconnecting") || spells(name, "newListener") || spells(name, "removeListener")
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
