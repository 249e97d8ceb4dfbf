package app

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// raw is a WebSocket that sends what the test says, and connects to no namespace by itself.
type raw struct {
	net net.Conn
	in  *bufio.Reader
}

var errClosed = errors.New("close frame")

// dial opens a session and reads its open packet.
func dial(addr string) (*raw, error) {
	r, err := dialAt(addr, "")
	if err != nil {
		return nil, err
	}
	if open, err := r.read(); err != nil || !strings.HasPrefix(open, "0{") {
		r.close()
		return nil, fmt.Errorf("open packet %q: %w", open, err)
	}
	return r, nil
}

// dialAt opens a WebSocket with additions to its query, and with header fields.
func dialAt(addr, query string, fields ...string) (*raw, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return dialOver(nc, query, fields...)
}

// dialOver does the same over a connection, which it owns from now on.
func dialOver(nc net.Conn, query string, fields ...string) (*raw, error) {
	_ = nc.SetDeadline(time.Now().Add(patience))
	r := &raw{net: nc, in: bufio.NewReaderSize(nc, 512)}
	if err := r.handshake(query, fields); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return r, nil
}

func (r *raw) handshake(query string, fields []string) error {
	_, err := io.WriteString(r.net, "GET /socket.io/?EIO=4&transport=websocket"+query+" HTTP/1.1\r\nHost: test\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"+
		strings.Join(append(fields, ""), "\r\n")+"\r\n")
	if err != nil {
		return err
	}
	answer, err := http.ReadResponse(r.in, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return errors.New(answer.Status)
	}
	return nil
}

// frame is a masked client frame; the mask is zero, so that the payload is readable.
func frame(op byte, payload string) []byte {
	b := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, 0, 0, 0, 0)
	return append(b, payload...)
}

// write sends text messages in one segment.
func (r *raw) write(packets ...string) error {
	var b []byte
	for _, p := range packets {
		b = append(b, frame(1, p)...)
	}
	_, err := r.net.Write(b)
	return err
}

// read returns the next message; pings are answered.
func (r *raw) read() (string, error) {
	for {
		var head [2]byte
		if _, err := io.ReadFull(r.in, head[:]); err != nil {
			return "", err
		}
		n := int(head[1])
		switch n {
		case 126:
			var more [2]byte
			if _, err := io.ReadFull(r.in, more[:]); err != nil {
				return "", err
			}
			n = int(binary.BigEndian.Uint16(more[:]))
		case 127:
			var more [8]byte
			if _, err := io.ReadFull(r.in, more[:]); err != nil {
				return "", err
			}
			n = int(binary.BigEndian.Uint64(more[:]))
		}
		payload := make([]byte, n)
		if _, err := io.ReadFull(r.in, payload); err != nil {
			return "", err
		}
		switch {
		case head[0]&15 == 8:
			return string(payload), errClosed
		case string(payload) == "2":
			if err := r.write("3"); err != nil {
				return "", err
			}
		default:
			return string(payload), nil
		}
	}
}

func (r *raw) close() { _ = r.net.Close() }

// greeting is what a client learns on connecting.
type greeting struct{ Sid, Pid, Offset string }

// connect connects to the main namespace and reads the greeting.
func (r *raw) connect(auth string) (g greeting, err error) {
	if err = r.write("40" + auth); err != nil {
		return g, err
	}
	answer, err := r.read()
	if err != nil {
		return g, err
	}
	if err = json.Unmarshal([]byte(strings.TrimPrefix(answer, "40")), &g); err != nil {
		return g, fmt.Errorf("answer to CONNECT %q: %w", answer, err)
	}
	presence, err := r.read() // PRE-1: nothing else comes before it
	if err != nil {
		return g, err
	}
	err = json.Unmarshal([]byte(strings.TrimPrefix(presence, "42")), &[]any{nil, nil, &g.Offset})
	if err != nil || g.Offset == "" {
		return g, fmt.Errorf("joining offset %q: %w", presence, err)
	}
	return g, nil
}

// join is a raw client that is connected.
func join(t *testing.T, a *App, auth string) (*raw, greeting) {
	t.Helper()
	r, err := dial(a.Addr())
	assert.NoError(t, err)
	t.Cleanup(r.close)
	g, err := r.connect(auth)
	assert.NoError(t, err)
	return r, g
}

// message reads up to the next message event and returns its text and its offset.
func (r *raw) message() (text, offset string, err error) {
	for {
		p, err := r.read()
		if err != nil {
			return "", "", err
		}
		if strings.HasPrefix(p, `42["message"`) {
			var m struct{ Message string }
			err = json.Unmarshal([]byte(p[2:]), &[]any{nil, &m, &offset})
			return m.Message, offset, err
		}
	}
}
