package wire

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// Code is a WebSocket close code (RFC 6455, section 7.4).
type Code uint16

// The close codes that the edge uses or meets.
const (
	CodeNormal     Code = 1000
	CodeGoingAway  Code = 1001
	CodeProtocol   Code = 1002
	CodeNoStatus   Code = 1005 // never on the wire: the close frame was empty
	CodeBadPayload Code = 1007
	CodePolicy     Code = 1008
	CodeTooBig     Code = 1009
	CodeInternal   Code = 1011
	CodeRestart    Code = 1012
)

// Valid reports whether c may travel in a close frame: a registered code that is not reserved for local use, or one of
// the ranges for libraries and applications.
func (c Code) Valid() bool {
	return (c >= 1000 && c <= 1003) || (c >= 1007 && c <= 1014) || (c >= 3000 && c <= 4999)
}

// CloseError says why a WebSocket has to be closed, and with which code.
type CloseError struct {
	Code   Code
	Reason string
}

// Error implements error.
func (e *CloseError) Error() string { return fmt.Sprintf("websocket %d: %s", e.Code, e.Reason) }

var (
	errReserved    = &CloseError{CodeProtocol, "reserved bits"}
	errOpcode      = &CloseError{CodeProtocol, "unknown opcode"}
	errUnmasked    = &CloseError{CodeProtocol, "unmasked frame"}
	errControl     = &CloseError{CodeProtocol, "bad control frame"}
	errOrphan      = &CloseError{CodeProtocol, "continuation without start"}
	errInterrupted = &CloseError{CodeProtocol, "message within message"}
	errLength      = &CloseError{CodeProtocol, "bad length"}
	errClose       = &CloseError{CodeProtocol, "bad close frame"}
	errCloseText   = &CloseError{CodeBadPayload, "bad utf-8 in close frame"}
	errText        = &CloseError{CodeBadPayload, "bad utf-8"}
	errTooBig      = &CloseError{CodeTooBig, "message too big"}

	frameErrors = [...]*CloseError{
		errReserved, errOpcode, errUnmasked, errControl, errOrphan, errInterrupted, errLength, errClose, errCloseText,
		errText, errTooBig,
	}
)

// ParseClose reads the payload of a close frame. An empty one gives [CodeNoStatus]. The reason is a part of payload.
// [Reader] has checked every close frame that it hands out, so for those the error is nil.
func ParseClose(payload []byte) (code Code, reason []byte, err error) {
	if len(payload) == 0 {
		return CodeNoStatus, nil, nil
	}
	if len(payload) == 1 {
		return 0, nil, errClose
	}
	code, reason = Code(binary.BigEndian.Uint16(payload)), payload[2:]
	if !code.Valid() {
		return 0, nil, errClose
	}
	if !utf8.Valid(reason) {
		return 0, nil, errCloseText
	}
	return code, reason, nil
}
