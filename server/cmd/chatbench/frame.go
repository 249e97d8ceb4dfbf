package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The WebSocket opcodes that chatbench handles.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// maxFrame bounds what a server may send in one frame.
const maxFrame = 1 << 20

var errFrameSize = errors.New("frame over 1 MiB")

// appendFrame appends p as one client frame. The mask is zero, which is legal and leaves the bytes unchanged.
func appendFrame(dst []byte, op byte, p []byte) []byte {
	dst = append(dst, 0x80|op)
	switch {
	case len(p) < 126:
		dst = append(dst, 0x80|byte(len(p)))
	case len(p) < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(len(p)))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(len(p)))
	}
	dst = append(dst, 0, 0, 0, 0)
	return append(dst, p...)
}

// cutFrame splits the first whole server frame off b. A size of 0 means that more bytes are needed.
func cutFrame(b []byte) (op byte, payload []byte, size int, err error) {
	if len(b) < 2 {
		return 0, nil, 0, nil
	}
	head, length := 2, uint64(b[1]&0x7f)
	switch length {
	case 126:
		head = 4
	case 127:
		head = 10
	}
	if len(b) < head {
		return 0, nil, 0, nil
	}
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		length = binary.BigEndian.Uint64(b[2:])
	}
	if length > maxFrame {
		return 0, nil, 0, errFrameSize
	}
	size = head + int(length)
	if len(b) < size {
		return 0, nil, 0, nil
	}
	return b[0] & 0x0f, b[head:size], size, nil
}

// closeError says why a server closed a WebSocket, from the payload of its close frame.
func closeError(payload []byte) error {
	if len(payload) < 2 {
		return errors.New("closed by the server")
	}
	return fmt.Errorf("closed by the server: %d %s", binary.BigEndian.Uint16(payload), payload[2:])
}
