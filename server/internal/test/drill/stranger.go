//go:build linux

package drill

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/gobwas/ws"
)

// stranger is a WebSocket that does what an attacker wants. It answers no heartbeat.
type stranger struct {
	net.Conn
	in *bufio.Reader
}

// dial connects from an address of the loopback network that is not the crowd's. The kernel buffers little of what it does not
// read, and forgets the connection at once when it is closed.
func (a *attack) dial() (net.Conn, error) {
	dialer := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.2:0")),
		Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) })
		},
	}
	nc, err := dialer.DialContext(a.ctx, "tcp", a.addr)
	if err != nil {
		return nil, err
	}
	_ = nc.(*net.TCPConn).SetLinger(0)
	_ = nc.SetDeadline(time.Now().Add(patience))
	return nc, nil
}

const upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

// frame is one text message as a client sends it.
func frame(text string) []byte {
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(text))))
}

// join connects a stranger to a namespace, given as in a CONNECT packet, and waits for the answer.
func (a *attack) join(namespace string) (*stranger, error) {
	nc, err := a.dial()
	if err != nil {
		return nil, err
	}
	s := &stranger{nc, bufio.NewReaderSize(nc, 1<<10)}
	if err := s.connect(namespace); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return s, nil
}

func (s *stranger) connect(namespace string) error {
	if _, err := io.WriteString(s, upgrade+string(frame("40"+namespace))); err != nil {
		return err
	}
	answer, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return errors.New(answer.Status)
	}
	return s.await("40" + namespace + `{"sid"`)
}

// await reads up to the message that begins so.
func (s *stranger) await(start string) error {
	for {
		f, err := ws.ReadFrame(s.in)
		switch {
		case err != nil:
			return err
		case f.Header.OpCode == ws.OpClose:
			return io.EOF
		case strings.HasPrefix(string(f.Payload), start):
			return nil
		}
	}
}

// send sends a text message so many times, in as few segments as TCP needs.
func (s *stranger) send(text string, times int) error {
	_, err := io.WriteString(s, strings.Repeat(string(frame(text)), times))
	return err
}

// drain reads until the node closes the connection.
func (s *stranger) drain() { _, _ = io.Copy(io.Discard, s.in) }
