package engineio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestP6_PollingBodyOverTheLimit(t *testing.T) {
	e := newEdge(t, echo, func(o *Options) { o.MaxBody = 100_000 })
	for name, body := range map[string]io.Reader{
		"declared": strings.NewReader(strings.Repeat("x", 100_001)),
		"chunked":  io.MultiReader(strings.NewReader(strings.Repeat("x", 200_000))), // of a type without a known length
	} {
		p := newPoller(t, e)
		status, answer := fetch(t, p.client, http.MethodPost, p.url, body)
		assert.Equal(t, name, status, http.StatusRequestEntityTooLarge)
		assert.Equal(t, name, answer, `{"code":9,"message":"Payload too large"}`)
		status, _ = p.get()
		assert.Equal(t, name+": session", status, http.StatusBadRequest)
	}
	assert.Eventually(t, "counted", func() bool { return e.closedBy("too large") == 2 })
}

func TestP6_LIM2_PacketOverTheLimit(t *testing.T) {
	e := newEdge(t, echo, func(o *Options) { o.MaxPayload = 10_000 })
	fits, over := strings.Repeat("x", 10_000), strings.Repeat("x", 10_001)

	p := newPoller(t, e)
	status, _ := p.post("4" + fits + "\x1e4" + fits) // the limit is for each packet
	assert.Equal(t, "fits", status, http.StatusOK)
	status, _ = p.post("4a\x1e4" + over)
	assert.Equal(t, "over", status, http.StatusRequestEntityTooLarge)

	c, _ := openWS(t, e)
	c.send("4" + fits)
	c.expect("4" + fits)
	c.send("4" + over)
	c.expectClose(wire.CodeTooBig)

	c, _ = openWS(t, e)
	c.frame(wire.OpBinary, fits)
	if op, _, err := c.read(); op != wire.OpBinary || err != nil {
		t.Fatalf("binary: %v %v", op, err)
	}
	c.frame(wire.OpBinary, over)
	c.expectClose(wire.CodeTooBig)

	c, _ = openWS(t, e) // summed over the fragments
	c.write(masked(byte(wire.OpText), []byte("4"+fits)))
	c.write(masked(0x80, []byte("xx")))
	c.expectClose(wire.CodeTooBig)
	assert.Eventually(t, "counted", func() bool { return e.closedBy("too large") == 4 })
}

func TestP6_ConnectionsInAll(t *testing.T) {
	e := newEdge(t, echo, func(o *Options) { o.MaxConnections = 2 })
	p := newPoller(t, e)
	c, _ := openWS(t, e)
	for _, transport := range []string{"polling", "websocket"} {
		res := ask(t, http.MethodGet, e.url+eio+transport, "Connection", "Upgrade", "Upgrade", "websocket",
			"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
		assert.Equal(t, transport, res.StatusCode, http.StatusServiceUnavailable)
		assert.Equal(t, transport, res.Header.Get("Retry-After"), "5")
	}
	assert.Equal(t, "counted", e.refusedBy("Too many connections"), 2)
	assert.Equal(t, "connections", e.ClientsCount(), 2)

	c.send("1")
	c.expectClose(wire.CodeNormal)
	assert.Eventually(t, "a free place", func() bool { return e.Connections() == 1 })
	openWS(t, e)
	assert.Equal(t, "poller", p.open.SID != "", true)
}

func TestP6_ConnectionsFromOneAddress(t *testing.T) {
	e := newEdge(t, echo, func(o *Options) {
		o.MaxPerAddress = 1
		o.Proxies = Proxies{netip.MustParsePrefix("127.0.0.0/8")}
	})
	open := func(address string) *http.Response {
		return ask(t, http.MethodGet, e.url+eio+"polling", "X-Forwarded-For", "8.8.8.8, "+address)
	}
	assert.Equal(t, "first", open("1.2.3.4").StatusCode, http.StatusOK)
	res := open("1.2.3.4")
	assert.Equal(t, "second", res.StatusCode, http.StatusTooManyRequests)
	assert.Equal(t, "second", res.Header.Get("Retry-After"), "5")
	assert.Equal(t, "readable", res.Header.Get("Access-Control-Expose-Headers"), "Retry-After")
	assert.Equal(t, "another", open("1.2.3.5").StatusCode, http.StatusOK)
	assert.Equal(t, "counted", e.refusedBy("Too many connections from your address"), 1)

	assert.Equal(t, "IPv6", open("2001:db8:0:1::1").StatusCode, http.StatusOK)
	assert.Equal(t, "same network", open("2001:db8:0:1:2:3:4:5").StatusCode, http.StatusTooManyRequests)
	assert.Equal(t, "another network", open("2001:db8:0:2::1").StatusCode, http.StatusOK)

	assert.Equal(t, "IPv4 in IPv6", open("::ffff:1.2.3.5").StatusCode, http.StatusTooManyRequests)

	s := assert.Receive(t, "session", e.sessions)
	assert.Equal(t, "address", s.RemoteAddress(), "1.2.3.4")
	assert.Equal(t, "network", s.Network(), netip.MustParsePrefix("1.2.3.4/32"))
	s.Close(true)
	assert.Eventually(t, "forgotten", func() bool { return e.Connections() == 3 })
	assert.Equal(t, "again", open("1.2.3.4").StatusCode, http.StatusOK)
}

// The server counts what the kernel reports in the same way, whatever form it has.
func TestP6_IPv4InIPv6IsTheSameAddress(t *testing.T) {
	withClock(t, Options{MaxPerAddress: 1}, func(c *clocked) {
		assert.Equal(t, "first", c.admit(c.newSession("1.2.3.4", handshake{})) == nil, true)
		assert.Equal(t, "the same", c.admit(c.newSession("::ffff:1.2.3.4", handshake{})), &refuseAddress)
		for id := range c.sessions {
			c.forget(c.session(id))
		}
		assert.Equal(t, "none is left", len(c.addresses), 0)
	})
}

func TestDrain(t *testing.T) {
	e := newEdge(t, echo)
	p := newPoller(t, e)
	c, _ := openWS(t, e)
	idle := newPoller(t, e)
	poll := p.getting(e)

	e.Refuse()
	res := ask(t, http.MethodGet, e.url+eio+"polling")
	assert.Equal(t, "new session", res.StatusCode, http.StatusServiceUnavailable)
	assert.Equal(t, "new session", res.Header.Get("Retry-After"), "5")
	c.send("4still here")
	c.expect("4still here")
	assert.Receive(t, "session", e.sessions).SendFrame(messageFrame("last"))
	assert.Equal(t, "poll", assert.Receive(t, "poll", poll), answer{http.StatusOK, "4last"})
	poll = p.getting(e)

	done := make(chan error, 1)
	go func() { done <- e.Shutdown(context.Background(), 200*time.Millisecond) }()
	c.expectClose(wire.CodeRestart)
	assert.Equal(t, "poll", assert.Receive(t, "poll", poll), answer{http.StatusOK, "1"})
	assert.NoError(t, assert.Receive(t, "end of the drain", done), "shutdown")
	assert.Equal(t, "connections", e.Connections(), 0)
	status, _ := idle.get()
	assert.Equal(t, "idle poller", status, http.StatusBadRequest)
	assert.Eventually(t, "counted", func() bool { return e.closedBy("server shutting down") == 3 })
	assert.NoError(t, e.Shutdown(context.Background(), 0), "second shutdown")
}

// Without a record that outlives the node, what was acked before the end must arrive before it.
func TestP3_DrainGivesWhatCameBefore(t *testing.T) {
	t.Parallel()
	for round := range 20 {
		e := newEdge(t, echo)
		c, _ := openWS(t, e)
		p := newPoller(t, e)
		for range 2 {
			assert.Receive(t, "session", e.sessions).Follow(e.log.Head(), nil)
		}
		var poll <-chan answer
		if round%2 == 0 {
			poll = p.getting(e)
		}
		const frames = 20
		long := strings.Repeat("x", 100+round%2*5000) // what a socket takes at once, or more than one poll carries
		for n := range frames {
			e.publish(fmt.Sprint(n, long))
		}
		done := make(chan error, 1)
		go func() { done <- e.Shutdown(context.Background(), 0) }()
		if round%2 == 0 {
			for n := range frames {
				c.expect("4" + fmt.Sprint(n, long))
			}
		}
		c.expectClose(wire.CodeRestart)
		var got []string
		for len(got) == 0 || got[len(got)-1] != "1" {
			var a answer
			if poll != nil {
				a, poll = assert.Receive(t, "poll", poll), nil
			} else {
				a.status, a.body = p.get()
			}
			if a.status == http.StatusBadRequest && len(got) == frames { // it received everything before the end
				break
			}
			assert.Equal(t, "status", a.status, http.StatusOK)
			got = append(got, packets(a.body)...)
		}
		for n := range frames {
			assert.Equal(t, "packet", got[n], "4"+fmt.Sprint(n, long))
		}
		assert.NoError(t, assert.Receive(t, "end of the drain", done), "shutdown")
	}
}

// When a POST of a stock client fails, the client also drops its poll, and with it what it has not fetched yet.
func TestP3_DrainDoesNotFailAPost(t *testing.T) {
	t.Parallel()
	handling, release := make(chan struct{}), make(chan struct{})
	e := newEdge(t, func(*Session, io.Reader) {
		handling <- struct{}{}
		<-release
	}, socketIO)
	p := newPoller(t, e)
	assert.Receive(t, "session", e.sessions).enter("/").Follow(e.log.Head(), nil)
	posted := make(chan int, 1)
	go func() {
		status, _ := p.post(`42["a"]` + "\x1e" + `42["b"]`)
		posted <- status
	}()
	assert.Receive(t, "the first packet", handling)
	e.publish("acked")
	done := make(chan error, 1)
	go func() { done <- e.Shutdown(context.Background(), 0) }()
	assert.Eventually(t, "the end", func() bool { return e.closedBy("server shutting down") == 1 })
	close(release)
	assert.Equal(t, "POST in flight", assert.Receive(t, "POST", posted), http.StatusOK)
	status, _ := p.post("3")
	assert.Equal(t, "POST after the end", status, http.StatusOK)
	status, body := p.get()
	assert.Equal(t, "poll", answer{status, body}, answer{http.StatusOK, "4acked"})
	assert.NoError(t, assert.Receive(t, "end of the drain", done), "shutdown")
	status, _ = p.post("3")
	assert.Equal(t, "POST of a session that is gone", status, http.StatusBadRequest)
}

func TestDrain_IsBounded(t *testing.T) {
	block := make(chan struct{})
	e := newEdge(t, func(*Session, io.Reader) { <-block })
	c, _ := openWS(t, e)
	c.send("4a")
	s := assert.Receive(t, "session", e.sessions)
	assert.Eventually(t, "a handler that hangs", func() bool { return s.Turn("/").number == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	assert.Equal(t, "error", errors.Is(e.Shutdown(ctx, 0), context.DeadlineExceeded), true)
	close(block)
}

func TestHandshake_IsKeptSmall(t *testing.T) {
	e := newEdge(t, echo)
	ask(t, http.MethodGet, e.url+eio+"polling&token=x", "User-Agent", "test", "Cookie", "secret")
	s := assert.Receive(t, "session", e.sessions)
	r := s.Request()
	assert.Equal(t, "query", r.Query().Peek("token"), "x")
	assert.Equal(t, "no header is", len(r.Headers().All()), 0)
	assert.Equal(t, "address", r.Request().RemoteAddr, "127.0.0.1")
	assert.Equal(t, "context is made for the moment", s.Request() != r, true)

	ask(t, http.MethodGet, e.url+eio+"polling&token="+strings.Repeat("x", keptURI))
	assert.Equal(t, "of a long one the path is", assert.Receive(t, "session", e.sessions).Request().Request().RequestURI, "/socket.io/")
}
