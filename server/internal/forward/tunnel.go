package forward

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/rawconn"
)

const (
	tunnelBufferBytes = 32 << 10
	// answerBytes bounds the owner's answer to an upgrade.
	answerBytes = 64 << 10
	// tunnelSendBuffer bounds what the kernel holds for a side that does not read.
	tunnelSendBuffer = 64 << 10
)

// tunnelBuffers are borrowed while bytes move; an idle tunnel holds none.
var tunnelBuffers = sync.Pool{New: func() any { return new([tunnelBufferBytes]byte) }}

// isWebSocket reports whether r asks for an upgrade to WebSocket.
func isWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && hasToken(r.Header["Upgrade"], "websocket") &&
		hasToken(r.Header["Connection"], "upgrade")
}

func hasToken(values []string, token string) bool {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(textproto.TrimString(part), token) {
				return true
			}
		}
	}
	return false
}

// upgrade asks the owner for the WebSocket and, if it agrees, joins the two connections and returns true; the tunnel
// then runs by itself, so that the request's memory is released. It returns an error if nothing was answered yet.
func (f *Forwarder) upgrade(w http.ResponseWriter, r *http.Request, route Route) (tunnelled bool, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), f.timings.handshake)
	defer cancel()
	owner, err := f.dialer.DialContext(ctx, "tcp", route.Address)
	if err != nil {
		return false, err
	}
	unwatch := context.AfterFunc(ctx, func() { _ = owner.Close() })
	defer func() {
		unwatch()
		if !tunnelled {
			_ = owner.Close()
		}
	}()
	resp, fromOwner, err := f.askOwner(owner, r, route)
	if err != nil {
		return false, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		f.refusedBy(route, resp.Header)
		pass(w, resp)
		return false, nil
	}
	client, fromClient, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false, fmt.Errorf("upgrade: %w", err)
	}
	if !unwatch() {
		_ = client.Close()
		return false, nil // timed out or cancelled: the owner's side is closed
	}
	t := &tunnel{forwarder: f, client: client, owner: owner}
	if !f.admit(t) {
		t.close()
		return false, nil
	}
	if err := t.begin(resp, fromOwner, fromClient.Reader); err != nil {
		t.close()
	}
	go t.run()
	return true, nil
}

// askOwner sends the upgrade and reads the answer. What the owner sent behind the answer stays in fromOwner, from which
// nothing else is read.
func (f *Forwarder) askOwner(owner net.Conn, r *http.Request, route Route) (resp *http.Response, fromOwner *bufio.Reader, err error) {
	out := f.upgradeRequest(r, route)
	if err := out.Write(owner); err != nil {
		return nil, nil, fmt.Errorf("upgrade request: %w", err)
	}
	fromOwner = bufio.NewReader(io.LimitReader(owner, answerBytes))
	resp, err = http.ReadResponse(fromOwner, out)
	if err != nil {
		return nil, nil, fmt.Errorf("upgrade response: %w", err)
	}
	return resp, fromOwner, nil
}

// upgradeRequest returns r as the owner must see it.
func (f *Forwarder) upgradeRequest(r *http.Request, route Route) *http.Request {
	header := r.Header.Clone()
	header.Set("Connection", "Upgrade")
	header.Set("Upgrade", "websocket")
	if _, ok := header["User-Agent"]; !ok {
		header.Set("User-Agent", "") // or the library adds its own
	}
	mark(header, r, route)
	return &http.Request{
		Method: http.MethodGet, URL: f.target(r, route), Host: r.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// pass passes on an answer that does not switch protocols; its connection is not used again.
func pass(w http.ResponseWriter, resp *http.Response) {
	defer resp.Body.Close()
	for name, values := range resp.Header {
		switch name {
		case "Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Content-Length":
		default:
			w.Header()[name] = values
		}
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// tunnel is one forwarded WebSocket: two connections whose bytes are copied to each other.
type tunnel struct {
	forwarder     *Forwarder
	client, owner net.Conn
}

// admit registers the tunnel, and returns false if the forwarder is closed.
func (f *Forwarder) admit(t *tunnel) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.tunnels[t] = struct{}{}
	f.tunnelled.Add(1)
	f.running.Add(1)
	return true
}

func (f *Forwarder) remove(t *tunnel) {
	f.mu.Lock()
	delete(f.tunnels, t)
	f.mu.Unlock()
	f.tunnelled.Add(-1)
	f.active.Add(-1)
	f.running.Done()
}

// begin completes the handshake with the client and passes on the bytes that either side sent early.
func (t *tunnel) begin(resp *http.Response, fromOwner, fromClient *bufio.Reader) error {
	for _, conn := range []net.Conn{t.client, t.owner} {
		if tcp, ok := conn.(interface{ SetWriteBuffer(int) error }); ok {
			_ = tcp.SetWriteBuffer(tunnelSendBuffer)
		}
	}
	var head strings.Builder
	head.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = resp.Header.Write(&head)
	head.WriteString("\r\n")
	early, _ := fromOwner.Peek(fromOwner.Buffered())
	head.Write(early)
	if err := t.write(t.client, []byte(head.String())); err != nil {
		return err
	}
	early, _ = fromClient.Peek(fromClient.Buffered())
	return t.write(t.owner, early)
}

// run copies both ways until both directions have ended.
func (t *tunnel) run() {
	defer t.forwarder.remove(t)
	var other sync.WaitGroup
	other.Go(func() { t.pump(t.client, t.owner) })
	t.pump(t.owner, t.client)
	other.Wait()
	t.close()
}

func (t *tunnel) close() {
	_ = t.client.Close()
	_ = t.owner.Close()
}

// pump copies from src to dst until src has ended; then the other direction has a little time to end as well. An error
// ends both directions at once.
func (t *tunnel) pump(dst, src net.Conn) {
	if err := t.copy(dst, src); err != nil {
		t.close()
		return
	}
	half, ok := dst.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		t.close()
		return
	}
	end := time.Now().Add(t.forwarder.timings.linger)
	_ = dst.SetReadDeadline(end)
	_ = src.SetWriteDeadline(end)
}

// copy returns nil at the end of src.
func (t *tunnel) copy(dst, src net.Conn) error {
	from := newSource(src)
	for {
		buf, n, err := from.borrow()
		var writeErr error
		if n > 0 {
			writeErr = t.write(dst, buf[:n])
		}
		if buf != nil {
			tunnelBuffers.Put(buf)
		}
		switch {
		case writeErr != nil:
			return writeErr
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// write writes all of p. It fails when no byte was taken for the stall time, so a slow reader is served at its own speed
// and a dead one is given up.
func (t *tunnel) write(dst net.Conn, p []byte) error {
	for len(p) > 0 {
		_ = dst.SetWriteDeadline(time.Now().Add(t.forwarder.timings.stall))
		n, err := dst.Write(p)
		p = p[n:]
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
	}
	return nil
}

// source reads a connection into borrowed buffers.
type source struct {
	conn net.Conn
	raw  syscall.RawConn // nil if the connection has no file descriptor (TLS)
}

func newSource(conn net.Conn) source {
	return source{conn: conn, raw: rawconn.Of(conn)}
}

// borrow waits for bytes and reads them into a buffer of the pool, which the caller gives back unless it is nil. With a
// file descriptor the buffer is taken only for the moment of reading. The read itself decides whether to wait: testing
// first and reading later could miss the wake-up.
func (s source) borrow() (buf *[tunnelBufferBytes]byte, n int, err error) {
	if s.raw == nil {
		buf = tunnelBuffers.Get().(*[tunnelBufferBytes]byte)
		n, err = s.conn.Read(buf[:])
		return buf, n, err
	}
	waitErr := s.raw.Read(func(fd uintptr) bool {
		buf = tunnelBuffers.Get().(*[tunnelBufferBytes]byte)
		n, err = rawconn.Read(fd, buf[:])
		if !errors.Is(err, rawconn.ErrWouldBlock) {
			return true
		}
		tunnelBuffers.Put(buf)
		buf = nil
		return false
	})
	if waitErr != nil {
		return buf, 0, waitErr
	}
	return buf, n, err
}

// Shutdown refuses new tunnels, closes the others, spread evenly over the given time so that not all clients connect
// elsewhere at once, and waits for their goroutines; when ctx ends it closes what is left at once. Requests that are
// being forwarded are the HTTP server's to end.
func (f *Forwarder) Shutdown(ctx context.Context, spread time.Duration) {
	f.mu.Lock()
	f.closed = true
	tunnels := slices.Collect(maps.Keys(f.tunnels))
	f.mu.Unlock()
	for _, t := range tunnels {
		t.close()
		_ = pace.Sleep(ctx, spread/time.Duration(len(tunnels)))
	}
	f.running.Wait()
	f.transport.CloseIdleConnections()
}
