package engineio

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zishang520/engine.io/v2/types"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// slowBody gives its first part at once, and the second when the test says so.
type slowBody struct {
	io.Reader
	gate chan struct{}
	once sync.Once
}

func newSlowBody(first, second string) *slowBody {
	b := &slowBody{gate: make(chan struct{})}
	b.Reader = io.MultiReader(strings.NewReader(first), gated{b.gate}, strings.NewReader(second))
	return b
}

func (b *slowBody) finish() { b.once.Do(func() { close(b.gate) }) }

type gated struct{ gate chan struct{} }

func (g gated) Read([]byte) (int, error) {
	<-g.gate
	return 0, io.EOF
}

func quickBodies(o *Options) { o.BodyTimeout = 100 * time.Millisecond }

// raw sends bytes of HTTP over a connection of its own.
func raw(t *testing.T, e *edge, text string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", e.addr)
	assert.NoError(t, err, "dial")
	t.Cleanup(func() { _ = nc.Close() })
	assert.NoError(t, nc.SetDeadline(time.Now().Add(patience)), "deadline")
	_, err = io.WriteString(nc, text)
	assert.NoError(t, err, "write")
	return nc
}

func TestP6_ABodyThatNeverComes(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo, quickBodies)
	p := newPoller(t, e)
	path := "/socket.io/" + eio + "polling&sid=" + p.open.SID
	nc := raw(t, e, "POST "+path+" HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n4a")
	answer, err := io.ReadAll(nc)
	assert.NoError(t, err, "the connection ends")
	assert.Equal(t, "answer", strings.HasPrefix(string(answer), "HTTP/1.1 400 "), true)
	assert.Eventually(t, "counted", func() bool { return e.closedBy("transport error") == 1 })

	// The server does not wait for the body of a request that it refuses anyway, or that should have none.
	other := newPoller(t, e)
	for _, request := range []string{
		"POST /socket.io/?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n4a",
		"POST /socket.io/?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n4a\r\n",
		"OPTIONS /socket.io/ HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n",
		"PUT /socket.io/?EIO=4&transport=polling&sid=" + other.open.SID + " HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n",
	} {
		_, err = io.ReadAll(raw(t, e, request))
		assert.NoError(t, err, "the connection ends")
	}
}

func TestP6_AnAbortedPostIsCounted(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	nc := raw(t, e, "POST /socket.io/"+eio+"polling&sid="+p.open.SID+" HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n4a")
	s := e.session(p.open.SID)
	assert.Eventually(t, "a POST that is read", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.posting })
	assert.NoError(t, nc.Close(), "close")
	assert.Eventually(t, "counted", func() bool { return e.closedBy("transport error") == 1 })
}

func TestPoll_TheNextWaitsUntilTheLastIsAnswered(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	s := assert.Receive(t, "session", e.sessions)
	answered := &poll{done: make(chan struct{}), answered: true}
	s.mu.Lock()
	s.poll = answered
	s.mu.Unlock()
	s.SendFrame(messageFrame("a"))

	second := make(chan answer, 1)
	go func() {
		status, body := p.get()
		second <- answer{status, body}
	}()
	assert.Eventually(t, "the second", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.poll != answered })
	assert.Equal(t, "unanswered", len(second), 0)
	s.closePoll(answered)
	assert.Equal(t, "second", assert.Receive(t, "second", second), answer{http.StatusOK, "4a"})
}

// Row 2 of the library's defects: this ended its process or gave one client's packets to another.
func TestRow2_AbortedPolls(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	client := httpClient(t)
	client.Timeout = 0
	const sessions = 300
	for range sessions {
		status, body := fetch(t, client, http.MethodGet, e.url+eio+"polling", nil)
		assert.Equal(t, "status", status, http.StatusOK)
		ctx, abort := context.WithCancel(context.Background())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+eio+"polling&sid="+parseOpen(t, body).SID, nil)
		assert.NoError(t, err, "request")
		done := make(chan struct{})
		go func() {
			defer close(done)
			if res, err := client.Do(r); err == nil {
				_ = res.Body.Close()
			}
		}()
		s := assert.Receive(t, "session", e.sessions)
		assert.Eventually(t, "an open poll", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.poll != nil })
		go s.SendFrame(messageFrame("races with the abort"))
		go abort()
		<-done
		s.Close(true)
	}
	assert.Eventually(t, "all are forgotten", func() bool { return e.Connections() == 0 })
	p := newPoller(t, e)
	p.post("4fine")
	_, body := p.get()
	assert.Equal(t, "others", body, "4fine")
}

func TestPoll_AnAbortEndsTheSession(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	nc := raw(t, e, "GET /socket.io/"+eio+"polling&sid="+p.open.SID+" HTTP/1.1\r\nHost: test\r\n\r\n")
	s := assert.Receive(t, "session", e.sessions)
	assert.Eventually(t, "an open poll", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.poll != nil })
	assert.NoError(t, nc.Close(), "abort")
	assert.Eventually(t, "forgotten", func() bool { return e.Connections() == 0 })
	assert.Eventually(t, "counted", func() bool { return e.closedBy("transport close") == 1 })
}

// TestP6_TheRestOfAFrameIsNotWaitedForForEver: a client in the middle of a frame, or of its header, cannot answer a ping.
func TestP6_TheRestOfAFrameIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo, quick)
	whole := maskedText("4" + strings.Repeat("x", 1000))
	for _, n := range []int{1, 2, 5, 500, len(whole) - 1} {
		c, _ := openWS(t, e)
		c.write(whole[:n])
		c.expectEnd()
	}
	assert.Eventually(t, "counted", func() bool { return e.closedBy("ping timeout") == 5 })
}

// TestP6_NothingIsDecompressed: no extension is agreed on, whatever a client offers, and a body is taken as it is.
func TestP6_NothingIsDecompressed(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	answer := ask(t, http.MethodGet, e.url+eio+"websocket", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
		"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame")
	assert.Equal(t, "upgraded", answer.StatusCode, http.StatusSwitchingProtocols)
	assert.Equal(t, "extensions", answer.Header.Get("Sec-WebSocket-Extensions"), "")
	for n, encoding := range []string{"gzip", "deflate", "br", "zstd"} {
		p := newPoller(t, e)
		r, err := http.NewRequest(http.MethodPost, p.url, bytes.NewReader(gzipped(t, "4hello")))
		assert.NoError(t, err, "request")
		r.Header.Set("Content-Encoding", encoding)
		res, err := p.client.Do(r)
		assert.NoError(t, err, encoding)
		_ = res.Body.Close()
		assert.Equal(t, encoding, res.StatusCode, http.StatusBadRequest)
		assert.Eventually(t, "its session is closed", func() bool { return e.closedBy("bad packet") == n+1 })
	}
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	assert.NoError(t, errors.Join(err, w.Close()), "gzip")
	return b.Bytes()
}

// TestLIM9_SundriesArePaced: packets that are not events cost work, too.
func TestLIM9_SundriesArePaced(t *testing.T) {
	for name, send := range map[string]func(*Session) error{
		"acks":             func(s *Session) error { return s.receive(wire.Packet{Type: wire.PacketMessage, Data: []byte("31[]")}) },
		"pings":            func(s *Session) error { return s.pongFrame(nil) },
		"refused CONNECTs": func(s *Session) error { return s.receive(wire.Packet{Type: wire.PacketMessage, Data: []byte("0/x,")}) },
	} {
		withClock(t, Options{}, func(c *clocked) {
			s := c.open()
			_ = s.On("data", func(args ...any) {
				if text, _ := io.ReadAll(args[0].(io.Reader)); string(text) == "0/x,{}" {
					s.Write(types.NewStringBufferString(`4/x,{"message":"Invalid namespace"}`), nil, nil)
				}
			})
			const seconds = 10
			began := time.Now()
			for range sundriesBurst {
				assert.NoError(t, send(s), name)
			}
			assert.Equal(t, name+" at once", time.Since(began), 0)
			for range seconds*sundriesRate + 1 {
				assert.NoError(t, send(s), name)
			}
			pass(t, time.Minute, s.isIdle)
			assert.Equal(t, name+" in time", time.Since(began).Round(10*time.Millisecond), seconds*time.Second)
		})
	}
}

// TestP6_LargeBodiesShareARoom: a body that finds no room waits; small bodies need none.
func TestP6_LargeBodiesShareARoom(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	large, small, client := newPoller(t, e), newPoller(t, e), httpClient(t)
	all := e.bodies.hold(nil)
	waited, err := all.grow(t.Context(), bodiesRoom)
	assert.NoError(t, err, "all of it is taken")
	assert.Equal(t, "all of it is taken at once", waited, false)
	answered := make(chan int, 2)
	go func() {
		status, _ := large.post("4" + strings.Repeat("x", smallBody))
		answered <- status
	}()
	chunked := newPoller(t, e)
	go func() {
		status, _ := fetch(t, client, http.MethodPost, e.url+eio+"polling&sid="+chunked.open.SID, io.MultiReader(strings.NewReader("4of unknown size"+strings.Repeat("x", smallBody))))
		answered <- status
	}()
	status, _ := small.post("4" + strings.Repeat("x", smallBody-1))
	assert.Equal(t, "small body", status, http.StatusOK)
	assert.Equal(t, "large bodies answered", len(answered), 0)
	all.shrink(0)
	for range 2 {
		assert.Equal(t, "large body", assert.Receive(t, "answer", answered), http.StatusOK)
	}
	assert.Eventually(t, "all of it is free", func() bool { return e.bodies.unused() == bodiesRoom })
}

// TestP6_APostEndsWithItsClient: the turns of its packets may take long.
func TestP6_APostEndsWithItsClient(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t)
	p := newPoller(t, e)
	s := assert.Receive(t, "session", e.sessions)
	body := "40\x1e" + `42["a"]`
	nc := raw(t, e, fmt.Sprintf("POST /socket.io/%spolling&sid=%s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s", eio, p.open.SID, len(body), body))
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), "0{}")
	assert.Eventually(t, "the next one waits", s.isHeld)
	assert.NoError(t, nc.Close(), "abort")
	assert.Eventually(t, "forgotten", func() bool { return e.Connections() == 0 })
	assert.Equal(t, "reason", e.closedBy("transport close"), 1)
	assert.Equal(t, "handed over", len(got), 0)
}

func TestGarbage(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo, quickBodies)
	for _, text := range []string{
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET / HTTP/0.9\r\n\r\n", "GET /socket.io/?%zz&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /socket.io/?EIO=4&transport=websocket HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		nc := raw(t, e, text)
		assert.NoError(t, nc.(*net.TCPConn).CloseWrite(), "half close")
		_, _ = io.ReadAll(nc)
	}
	assert.Equal(t, "sessions", e.Connections(), 0)
	for range 20 {
		c, _ := openWS(t, e)
		_, _ = c.nc.Write(make([]byte, 1000))
		c.expectEnd()
	}
	assert.Eventually(t, "all are forgotten", func() bool { return e.Connections() == 0 })
}

// A connection without a raw socket, as with TLS.
func TestOpaqueConnection(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err, "listen")
	hs := &http.Server{Handler: e.Server}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(opaqueListener{ln}) }()
	t.Cleanup(func() { _ = hs.Close(); <-served })
	direct := e.addr
	e.addr = ln.Addr().String()
	defer func() { e.addr = direct }()

	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	s.Follow(e.log.Head(), nil)
	for i := range 100 {
		c.send(fmt.Sprint("4", i))
		c.expect(fmt.Sprint("4", i))
	}
	e.publish("from the log")
	c.expect("4from the log")
	s.SendFrame(messageFrame("last"))
	s.Close(false)
	c.expect("4last")
	c.expectClose(wire.CodeNormal)
}

type opaqueListener struct{ net.Listener }

type opaqueConn struct{ net.Conn }

func (c opaqueConn) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }

func (l opaqueListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	return opaqueConn{nc}, err
}

func TestAPanicEndsItsSessionOnly(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(_ *Session, message io.Reader) {
		if b, _ := io.ReadAll(message); string(b) == "panic" {
			panic("test")
		}
	})
	for _, event := range []string{"data", "close"} {
		c, _ := openWS(t, e)
		s := assert.Receive(t, "session", e.sessions)
		if event == "close" {
			_ = s.On("close", func(...any) { panic("test") })
			s.Close(false)
		} else {
			c.send("4panic")
		}
		c.expectEnd()
		assert.Eventually(t, "forgotten", func() bool { return e.Connections() == 0 })
	}
	p := newPoller(t, e)
	status, _ := p.post("4panic")
	assert.Equal(t, "POST", status, http.StatusBadRequest)
	assert.Eventually(t, "forgotten", func() bool { return e.Connections() == 0 })
	assert.Eventually(t, "counted", func() bool { return e.closedBy("internal error") == 2 })
	openWS(t, e)
}
