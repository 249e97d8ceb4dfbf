package bus

import (
	"encoding/binary"
	"errors"

	"scalable-chat/server/internal/nodeid"
)

const (
	envelopeVersion = 1
	envelopeHeader  = 1 + nodeid.Len + 8 + 1
	maxTopicBytes   = 255
)

var errEnvelope = errors.New("malformed envelope")

// envelope is what crosses the bus: a payload, for whom it is within the node, and which message of which node it is.
type envelope struct {
	from    string // node id
	seq     uint64 // grows with each message of that node
	topic   string
	payload []byte
}

// encode lays out: version, node id (8 bytes), sequence number (8 bytes, big endian), length of the topic (1 byte),
// topic, payload.
func (e envelope) encode() []byte {
	b := make([]byte, 0, envelopeHeader+len(e.topic)+len(e.payload))
	b = append(b, envelopeVersion)
	b = append(b, e.from...)
	b = binary.BigEndian.AppendUint64(b, e.seq)
	b = append(b, byte(len(e.topic)))
	b = append(b, e.topic...)
	return append(b, e.payload...)
}

// decodeEnvelope is the inverse of encode; anything else is an error.
func decodeEnvelope(data string) (envelope, error) {
	if len(data) < envelopeHeader || data[0] != envelopeVersion {
		return envelope{}, errEnvelope
	}
	from, rest := data[1:1+nodeid.Len], data[1+nodeid.Len:]
	seq, rest := binary.BigEndian.Uint64([]byte(rest[:8])), rest[8:]
	length, rest := int(rest[0]), rest[1:]
	if !nodeid.Valid(from) || length == 0 || len(rest) < length {
		return envelope{}, errEnvelope
	}
	return envelope{from: from, seq: seq, topic: rest[:length], payload: []byte(rest[length:])}, nil
}
