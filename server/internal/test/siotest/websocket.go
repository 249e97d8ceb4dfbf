package siotest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"

	"scalable-chat/server/internal/wire"
)

// webSocket is the client's end. One goroutine reads; any may call write.
type webSocket struct {
	nc     net.Conn
	reader *bufio.Reader
	stop   func() bool

	mu  sync.Mutex
	buf []byte
}

// dial opens a WebSocket, for an existing session unless sid is empty. It is closed when the session ends.
func (s *session) dial(sid string) (*webSocket, error) {
	u, err := url.Parse(s.url)
	if err != nil {
		return nil, err
	}
	u.Path, u.RawQuery = "/socket.io/", "EIO=4&transport=websocket"
	if sid != "" {
		u.RawQuery += "&sid=" + sid
	}
	var dialer interface {
		DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	} = &net.Dialer{}
	if s.tls != nil {
		dialer = &tls.Dialer{Config: s.tls}
	}
	nc, err := dialer.DialContext(s.ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	ws := &webSocket{nc: nc, reader: bufio.NewReader(nc)}
	ws.stop = context.AfterFunc(s.ctx, func() { _ = nc.Close() })
	if err := ws.handshake(u); err != nil {
		ws.close()
		return nil, err
	}
	return ws, nil
}

func (w *webSocket) close() {
	w.stop()
	_ = w.nc.Close()
}

func (w *webSocket) handshake(u *url.URL) error {
	var nonce [16]byte
	for i := range nonce {
		nonce[i] = byte(rand.Uint32())
	}
	key := base64.StdEncoding.EncodeToString(nonce[:])
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {wire.ProtocolVersion}, "Sec-Websocket-Key": {key},
	}}
	if err := r.Write(w.nc); err != nil {
		return err
	}
	answer, err := http.ReadResponse(w.reader, r)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(answer.Body, 120))
		return fmt.Errorf("WebSocket was answered %d %q", answer.StatusCode, body)
	}
	if got := answer.Header.Get("Sec-Websocket-Accept"); got != wire.AcceptKey(key) {
		return fmt.Errorf("wrong Sec-WebSocket-Accept %q", got)
	}
	return nil
}

// write sends each packet as a text frame, all in one write.
func (w *webSocket) write(packets ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = w.buf[:0]
	for _, p := range packets {
		w.buf = appendMasked(w.buf, wire.OpText, []byte(p))
	}
	_, err := w.nc.Write(w.buf)
	return err
}

// appendMasked appends one whole frame of a client.
func appendMasked(dst []byte, op wire.Op, payload []byte) []byte {
	start := len(dst)
	dst = wire.AppendHeader(dst, op, len(payload))
	dst[start+1] |= 0x80
	var mask [4]byte
	binary.LittleEndian.PutUint32(mask[:], rand.Uint32())
	dst = append(dst, mask[:]...)
	for i, b := range payload {
		dst = append(dst, b^mask[i%4])
	}
	return dst
}

// read returns the next text message; it answers WebSocket pings itself.
func (w *webSocket) read() ([]byte, error) {
	for {
		op, payload, err := w.frame()
		if err != nil {
			return nil, err
		}
		switch op {
		case wire.OpText:
			return payload, nil
		case wire.OpPing:
			w.mu.Lock()
			_, err = w.nc.Write(appendMasked(nil, wire.OpPong, payload))
			w.mu.Unlock()
		case wire.OpClose:
			code, reason, _ := wire.ParseClose(payload)
			err = fmt.Errorf("WebSocket closed by the server: %d %s", code, reason)
		case wire.OpPong:
		default:
			err = fmt.Errorf("unexpected frame %#x", op)
		}
		if err != nil {
			return nil, err
		}
	}
}

// frame reads one frame; a server has no reason to fragment or to mask.
func (w *webSocket) frame() (wire.Op, []byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(w.reader, head[:]); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1])
	var long [8]byte
	var err error
	switch size {
	case 126:
		_, err = io.ReadFull(w.reader, long[6:])
		size = binary.BigEndian.Uint64(long[:])
	case 127:
		_, err = io.ReadFull(w.reader, long[:])
		size = binary.BigEndian.Uint64(long[:])
	}
	if err == nil && (head[0]&0xF0 != 0x80 || head[1]&0x80 != 0 || size > maxAnswer) {
		err = errors.New("fragmented, masked, extended or huge frame")
	}
	if err != nil {
		return 0, nil, err
	}
	payload := make([]byte, size)
	_, err = io.ReadFull(w.reader, payload)
	return wire.Op(head[0] & 0x0F), payload, err
}
