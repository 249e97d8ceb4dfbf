package tlsport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	// handshakeBytes bounds what a client may send before its handshake is complete. The largest hello of a browser, with a
	// post-quantum key, has 2 KiB.
	handshakeBytes = 16 << 10
	// writeTimeout bounds the server's part of a handshake, which fits into the buffer of a new socket. It is also the longest
	// that a handshake waits for its turn to compute.
	writeTimeout = 10 * time.Second
)

var (
	errTooLong = errors.New("tls: the handshake of the client is too long")
	errBusy    = errors.New("tls: too many handshakes at one time")
)

// Listener makes the connections of another listener TLS. [Listener.Accept] does not wait for handshakes: the first Read of a
// connection does its handshake, within the deadline for that Read.
type Listener struct {
	net.Listener
	config *tls.Config
	turns  chan struct{} // holds a token for each handshake that computes
}

// Listen makes the connections of l TLS, with that certificate. At most half of the cores compute handshakes at one time, and at
// least one, so that a flood of new connections leaves room for those that are open.
func Listen(l net.Listener, c *Certificate) *Listener {
	return &Listener{Listener: l, config: c.config(), turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// Accept waits for the next connection, which is a [*Conn].
func (l *Listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	below := &socket{Conn: nc, turns: l.turns}
	return &Conn{Conn: tls.Server(below, l.config), below: below}, nil
}

// Conn is the server's side of a TLS connection. It hides its raw socket, so that nobody reads or writes past TLS. It is no
// *tls.Conn, so that [net/http] does not do the handshake itself.
type Conn struct {
	*tls.Conn
	below  *socket
	shake  sync.Once
	failed error
}

// Read reads what the client sent. The first Read does the handshake and fails if that fails. A Write must not come before it.
func (c *Conn) Read(p []byte) (int, error) {
	if c.shake.Do(c.handshake); c.failed != nil {
		return 0, c.failed
	}
	return c.Conn.Read(p)
}

func (c *Conn) handshake() {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout)) // an error means that it is closed
	c.below.shaking = true
	c.failed = c.Conn.Handshake()
	c.below.shaking = false
	c.below.yield()
	c.below.explain(c.failed)
	_ = c.SetWriteDeadline(time.Time{})
}

// SetWriteBuffer bounds what the kernel holds for a client that does not read, in bytes.
func (c *Conn) SetWriteBuffer(bytes int) error {
	if tcp, ok := c.below.Conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		return tcp.SetWriteBuffer(bytes)
	}
	return errors.ErrUnsupported
}

// socket is the connection under TLS. While a handshake waits for the client, it gives its turn to compute to another one.
type socket struct {
	net.Conn
	turns chan struct{}

	// Owned by the goroutine that does the handshake.
	shaking, mine bool
	received      int
}

// NetConn is the connection that was accepted.
func (s *socket) NetConn() net.Conn { return s.Conn }

// Read reads what TLS has to decrypt.
func (s *socket) Read(p []byte) (int, error) {
	if !s.shaking {
		return s.Conn.Read(p)
	}
	s.yield()
	n, err := s.Conn.Read(p)
	if s.received += n; s.received > handshakeBytes {
		return 0, errTooLong
	}
	if err == nil {
		err = s.take()
	}
	return n, err
}

func (s *socket) take() error {
	late := time.NewTimer(writeTimeout)
	defer late.Stop()
	select {
	case s.turns <- struct{}{}:
		s.mine = true
		return nil
	case <-late.C:
		return errBusy
	}
}

func (s *socket) yield() {
	if s.mine {
		s.mine = false
		<-s.turns
	}
}

// explain tells a client that spoke plain HTTP what is wrong.
func (s *socket) explain(failed error) {
	var header tls.RecordHeaderError
	if !errors.As(failed, &header) || header.Conn == nil {
		return
	}
	switch string(header.RecordHeader[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO":
		const text = "This port speaks TLS: use https:// or wss://.\n"
		_, _ = io.WriteString(s.Conn, strings.Join([]string{"HTTP/1.0 400 Bad Request", "Content-Type: text/plain", "", text}, "\r\n"))
	}
}
