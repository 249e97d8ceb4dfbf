package engineio

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// This file checks the behaviours that the public test suite of the Engine.IO protocol checks, with its settings.

func TestEIO_PollingHandshake(t *testing.T) {
	t.Parallel()
	p := newPoller(t, newEdge(t, echo, quick))
	assert.Equal(t, "upgrades", strings.Join(p.open.Upgrades, ","), "websocket")
	assert.Equal(t, "interval", p.open.PingInterval, 300)
	assert.Equal(t, "timeout", p.open.PingTimeout, 200)
	assert.Equal(t, "payload", p.open.MaxPayload, 1_000_000)
}

func TestEIO_WebSocketHandshake(t *testing.T) {
	t.Parallel()
	_, open := openWS(t, newEdge(t, echo, quick))
	assert.Equal(t, "upgrades", len(open.Upgrades), 0)
	assert.Equal(t, "empty, not null", open.Upgrades != nil, true)
	assert.Equal(t, "interval", open.PingInterval, 300)
	assert.Equal(t, "timeout", open.PingTimeout, 200)
	assert.Equal(t, "payload", open.MaxPayload, 1_000_000)
}

func TestEIO_PollingMessages(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for _, body := range []string{
		"4hello", "4", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA==", "b", "4\u20ac\x1eb/w==\x1e4" + strings.Repeat("x", 60_000),
	} {
		p := newPoller(t, e)
		status, answer := p.post(body)
		assert.Equal(t, "status", status, http.StatusOK)
		assert.Equal(t, "answer", answer, "ok")
		status, answer = p.get()
		assert.Equal(t, "status", status, http.StatusOK)
		assert.Equal(t, "echo", answer, body)
	}
}

func TestEIO_PollAnswersWhenThereIsSomething(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	poll := p.getting(e)
	status, _ := p.post("4late")
	assert.Equal(t, "status", status, http.StatusOK)
	assert.Equal(t, "poll", assert.Receive(t, "poll", poll), answer{http.StatusOK, "4late"})
}

func TestEIO_WebSocketMessages(t *testing.T) {
	t.Parallel()
	c, _ := openWS(t, newEdge(t, echo))
	c.send("4hello")
	c.expect("4hello")
	for _, n := range []int{0, 4, 125, 126, 65_535, 65_536} {
		want := bytes.Repeat([]byte{0xfe}, n)
		c.frame(wire.OpBinary, string(want))
		op, got, err := c.read()
		assert.NoError(t, err, "read")
		assert.Equal(t, "opcode", op, wire.OpBinary)
		assert.Equal(t, "echo", bytes.Equal(got, want), true)
	}
}

func TestLIM3_MalformedPayloadClosesTheSession(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for _, body := range []string{"abc", "", "4a\x1e", "\x1e4a", "bAQID=", "4\xff", "7", "2", "2probe"} {
		p := newPoller(t, e)
		status, _ := p.post(body)
		assert.Equal(t, "POST "+body, status, http.StatusBadRequest)
		status, _ = p.get()
		assert.Equal(t, "poll after "+body, status, http.StatusBadRequest)
	}
	for _, text := range []string{"abc", "", "7", "2", "2probe"} {
		c, _ := openWS(t, e)
		c.send(text)
		c.expectClose(wire.CodePolicy)
	}
	assert.Eventually(t, "all are counted", func() bool { return e.closedBy("bad packet") == 14 })
}

func TestEIO_PacketsWithoutMeaningAreIgnored(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	c, _ := openWS(t, e)
	for _, text := range []string{"0", "3", "3probe", "5", "6", "4here"} {
		c.send(text)
	}
	c.expect("4here")
}

func TestEIO_TwoPollsCloseTheSession(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	first := p.getting(e)
	status, _ := p.get()
	assert.Equal(t, "second", status, http.StatusBadRequest)
	assert.Equal(t, "first", assert.Receive(t, "first", first), answer{http.StatusOK, "1"})
	status, _ = p.get()
	assert.Equal(t, "later", status, http.StatusBadRequest)
	assert.Eventually(t, "counted", func() bool { return e.closedBy("overlapping requests") == 1 })
}

func TestEIO_TwoPostsCloseTheSession(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	body := newSlowBody("4a", "4b")
	first := make(chan int, 1)
	go func() {
		status, _ := fetch(t, p.client, http.MethodPost, p.url, body)
		first <- status
	}()
	s := e.session(p.open.SID)
	assert.Eventually(t, "a POST that is read", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.posting })
	status, _ := p.post("4c")
	assert.Equal(t, "second", status, http.StatusBadRequest)
	body.finish()
	assert.Equal(t, "first", assert.Receive(t, "first", first), http.StatusBadRequest)
	status, _ = p.get()
	assert.Equal(t, "poll", status, http.StatusBadRequest)
}

func TestEIO_PollingHeartbeat(t *testing.T) {
	t.Parallel()
	p := newPoller(t, newEdge(t, echo, quick))
	start := time.Now()
	for range 3 {
		status, body := p.get()
		assert.Equal(t, "status", status, http.StatusOK)
		assert.Equal(t, "ping", body, "2")
		status, _ = p.post("3")
		assert.Equal(t, "pong", status, http.StatusOK)
	}
	if took := time.Since(start); took < 850*time.Millisecond {
		t.Errorf("three pings within %v", took)
	}
}

// punctual bounds, on a busy machine, what TestHeartbeat_IsPunctual measures exactly; without the short times it would be exceeded.
const punctual = 10 * time.Second

func TestEIO_PollingPingTimeout(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo, quick)
	p := newPoller(t, e)
	start := time.Now()
	assert.Eventually(t, "the end", func() bool { return e.closedBy("ping timeout") == 1 })
	if took := time.Since(start); took < 450*time.Millisecond || took > punctual {
		t.Errorf("closed after %v", took)
	}
	status, _ := p.get()
	assert.Equal(t, "poll", status, http.StatusBadRequest)
}

func TestEIO_OpenPollPingTimeout(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo, quick)
	p := newPoller(t, e)
	_, body := p.get()
	assert.Equal(t, "ping", body, "2")
	start := time.Now()
	status, body := p.get()
	assert.Equal(t, "status", status, http.StatusOK)
	assert.Equal(t, "poll", body, "1")
	if took := time.Since(start); took < 150*time.Millisecond || took > punctual {
		t.Errorf("closed %v after the ping", took)
	}
}

func TestEIO_WebSocketHeartbeat(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo, quick)
	c, _ := openWS(t, e)
	for range 3 {
		c.expect("2")
		c.send("3")
	}
	c.expect("2")
	start := time.Now()
	c.expectClose(wire.CodeGoingAway)
	if took := time.Since(start); took < 150*time.Millisecond || took > punctual {
		t.Errorf("closed %v after the ping", took)
	}
	assert.Eventually(t, "counted", func() bool { return e.closedBy("ping timeout") == 1 })
}

func TestEIO_CloseByPolling(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	poll := p.getting(e)
	status, body := p.post("1")
	assert.Equal(t, "status", status, http.StatusOK)
	assert.Equal(t, "answer", body, "ok")
	assert.Equal(t, "poll", assert.Receive(t, "poll", poll), answer{http.StatusOK, "6"})
	status, _ = p.get()
	assert.Equal(t, "poll after it", status, http.StatusBadRequest)
	status, _ = p.post("4a")
	assert.Equal(t, "POST after it", status, http.StatusBadRequest)
	assert.Eventually(t, "counted", func() bool { return e.closedBy("client close") == 1 })
}

func TestEIO_CloseByWebSocket(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	c, _ := openWS(t, e)
	c.send("1")
	c.expectClose(wire.CodeNormal)
	assert.Eventually(t, "forgotten", func() bool { return e.Connections() == 0 })
}

func TestEIO_Upgrade(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	poll := p.getting(e)
	c := probe(t, e, p.open.SID)
	assert.Equal(t, "open poll", assert.Receive(t, "poll", poll), answer{http.StatusOK, "6"})
	_, body := p.get()
	assert.Equal(t, "poll while upgrading", body, "6")
	s := e.session(p.open.SID)
	assert.Equal(t, "upgrading", s.Upgrading(), true)
	c.send("5")
	c.send("4hello")
	c.expect("4hello")
	assert.Equal(t, "upgraded", s.Upgraded() && !s.Upgrading(), true)
	assert.Equal(t, "transport", s.Transport().Name(), "websocket")

	status, _ := p.get()
	assert.Equal(t, "poll after the upgrade", status, http.StatusBadRequest)
	status, _ = p.post("4a")
	assert.Equal(t, "POST after the upgrade", status, http.StatusBadRequest)
	dial(t, e, eio+"websocket&sid="+p.open.SID).expectEnd()
	c.send("4again")
	c.expect("4again")
}

func TestEIO_SecondWebSocketIsClosed(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	c, open := openWS(t, e) // opened over WebSocket
	dial(t, e, eio+"websocket&sid="+open.SID).expectEnd()
	status, _ := fetch(t, httpClient(t), http.MethodGet, e.url+eio+"polling&sid="+open.SID, nil)
	assert.Equal(t, "poll", status, http.StatusBadRequest)
	c.send("4a")
	c.expect("4a")

	p := newPoller(t, e) // upgrading
	c = probe(t, e, p.open.SID)
	dial(t, e, eio+"websocket&sid="+p.open.SID).expectEnd()
	c.send("5")
	c.send("4b")
	c.expect("4b")
}

func TestEIO_BadRequests(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	sid := "&sid=" + p.open.SID
	for _, c := range []struct {
		method, query string
		status        int
		body          string
	}{
		{"GET", "", 400, `{"code":0,"message":"Transport unknown"}`},
		{"GET", "?EIO=4", 400, `{"code":0,"message":"Transport unknown"}`},
		{"GET", "?EIO=4&transport=abc", 400, `{"code":0,"message":"Transport unknown"}`},
		{"GET", "?EIO=4&transport=polling&j=0", 400, `{"code":0,"message":"Transport unknown"}`},
		{"GET", "?EIO=4&transport=webtransport", 400, `{"code":0,"message":"Transport unknown"}`},
		{"GET", "?EIO=4&transport=polling&sid=abc", 400, `{"code":1,"message":"Session ID unknown"}`},
		{"POST", "?EIO=4&transport=polling&sid=abc", 400, `{"code":1,"message":"Session ID unknown"}`},
		{"POST", "?EIO=4&transport=polling", 400, `{"code":2,"message":"Bad handshake method"}`},
		{"PUT", "?EIO=4&transport=polling", 400, `{"code":2,"message":"Bad handshake method"}`},
		{"POST", "?EIO=4&transport=websocket", 400, `{"code":2,"message":"Bad handshake method"}`},
		{"PUT", "?EIO=4&transport=polling" + sid, 400, `{"code":3,"message":"Bad request"}`},
		{"DELETE", "?EIO=4&transport=polling" + sid, 400, `{"code":3,"message":"Bad request"}`},
		{"GET", "?EIO=4&transport=websocket", 400, `{"code":3,"message":"Bad request"}`},
		{"GET", "?EIO=4&transport=websocket" + sid, 400, `{"code":3,"message":"Bad request"}`},
		{"GET", "?transport=polling", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"GET", "?EIO=abc&transport=polling", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"GET", "?EIO=3&transport=polling", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"GET", "?EIO=3&transport=websocket", 400, `{"code":5,"message":"Unsupported protocol version"}`},
	} {
		status, body := fetch(t, p.client, c.method, e.url+c.query, nil)
		assert.Equal(t, c.method+" "+c.query+" status", status, c.status)
		assert.Equal(t, c.method+" "+c.query, body, c.body)
	}
	for _, query := range []string{"?EIO=abc&transport=websocket", "?EIO=4", eio + "abc", eio + "websocket&sid=abc"} {
		c := &wsClient{t: t}
		assert.Equal(t, "WebSocket "+query, c.dial(e, query, nil), http.StatusBadRequest)
	}
	status, _ := p.post("4still here")
	assert.Equal(t, "the session does not suffer", status, http.StatusOK)
	p.get()
	for reason := range e.refused {
		assert.Equal(t, "known reason "+reason, slices.Contains(RefusalReasons(), reason), true)
	}
}
