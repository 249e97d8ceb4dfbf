package engineio

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/zishang520/engine.io/v2/types"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// newTurns is a server that hands packets to a channel and never ends a turn. Sessions join at CONNECT and leave at DISCONNECT.
func newTurns(t *testing.T, change ...func(*Options)) (*edge, <-chan string) {
	got := make(chan string, 100)
	return newEdge(t, func(s *Session, message io.Reader) {
		b, _ := io.ReadAll(message)
		switch wire.Kind(b[0]) {
		case wire.Connect:
			s.Joined(string(wire.NamespaceOf(b)), nil)
		case wire.Disconnect:
			s.Left(string(wire.NamespaceOf(b)))
		}
		got <- string(b)
	}, append(change, socketIO)...), got
}

// enter makes a session a member of a namespace, as if a CONNECT had been answered.
func (s *Session) enter(namespace string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lanes.open(namespace).joined = true
	return s
}

// isIdle reports whether no packet has the turn or waits for it.
func (s *Session) isIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.lanes.any((*lane).busy)
}

func (s *Session) isHeld() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reader.wait == forTurn
}

func TestP2_OnePacketAtATime(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t)
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	for _, text := range []string{"40", `42["a"]`, `42["b"]`, `430[]`, `431[]`, `42["c"]`, "41", "40"} {
		c.send(text)
	}
	for turn, want := range []string{`0{}`, `2["a"]`, `2["b"]`} {
		assert.Equal(t, "packet", assert.Receive(t, "packet", got), want)
		assert.Eventually(t, "the next one waits", s.isHeld)
		assert.Equal(t, "handed over", len(got), 0)
		assert.Equal(t, "turn", s.Turn("/").number, uint64(turn)+1)
		s.EndTurn(s.Turn("/").number - 1) // late
		s.EndTurn(s.Turn("/").number + 1) // of the future
		assert.Equal(t, "still held", s.isHeld(), true)
		s.Turn("/").Done()
		s.EndTurn(uint64(turn) + 1) // double
	}
	// Acknowledgements hold nothing.
	for _, want := range []string{`30[]`, `31[]`, `2["c"]`} {
		assert.Equal(t, "packet", assert.Receive(t, "packet", got), want)
	}
	assert.Eventually(t, "the next one waits", s.isHeld)
	s.EndTurn(6)
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), "1")
	assert.Eventually(t, "the next one waits", s.isHeld)
	s.EndTurn(7)
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), "0{}")
}

func TestP2_OneTurnForBothTransports(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t)
	p := newPoller(t, e)
	s := assert.Receive(t, "session", e.sessions)
	p.post("40")
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), "0{}")
	posted := make(chan int, 1)
	go func() {
		status, _ := p.post(`42["a"]` + "\x1e" + `42["b"]`)
		posted <- status
	}()
	assert.Eventually(t, "the POST is held", s.isHeld)
	c := probe(t, e, p.open.SID)
	c.send("5")
	c.send(`42["c"]`)
	assert.Eventually(t, "the upgrade", s.Upgraded)
	assert.Equal(t, "POST unanswered", len(posted), 0)
	for i, want := range []string{`2["a"]`, `2["b"]`, `2["c"]`} {
		s.EndTurn(uint64(i) + 1)
		assert.Equal(t, "packet", assert.Receive(t, "packet", got), want)
	}
	assert.Equal(t, "POST", assert.Receive(t, "POST", posted), 200)
}

func TestTurn_ConnectErrorReleases(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t)
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	c.send("40/x,")
	c.send("40/x")
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), "0/x,{}")
	assert.Eventually(t, "the next one waits", s.isHeld)
	s.Write(types.NewStringBufferString(`2["an event"]`), nil, nil)
	s.Write(types.NewStringBufferString(`4/y,{"message":"no"}`), nil, nil)
	s.Write(types.NewStringBufferString(`4{"message":"no"}`), nil, nil)
	assert.Equal(t, "still held", s.isHeld(), true)
	s.Write(types.NewStringBufferString(`4/x,{"message":"no"}`), nil, nil)
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), "0/x,{}")
	c.expect(`42["an event"]`, `44/y,{"message":"no"}`, `44{"message":"no"}`, `44/x,{"message":"no"}`)

	c.send(`42/x,["a"]`) // a CONNECT_ERROR ends a CONNECT's turn only
	s.EndTurn(2)
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), `2/x,["a"]`)
	s.Write(types.NewStringBufferString(`4/x,{"message":"no"}`), nil, nil)
	c.send("41/x,")
	assert.Eventually(t, "the next one waits", s.isHeld)
}

func TestTurn_TheEndReleases(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t)
	c, _ := openWS(t, e)
	c.send("40")
	c.send(`42["a"]`)
	p := newPoller(t, e)
	p.post("40")
	posted := make(chan int, 1)
	go func() {
		status, _ := p.post(`42["a"]`)
		posted <- status
	}()
	for range 2 {
		s := assert.Receive(t, "session", e.sessions)
		assert.Eventually(t, "held", s.isHeld)
		s.Close(false)
		s.EndTurn(1)
	}
	c.expectClose(wire.CodeNormal)
	assert.Equal(t, "POST", assert.Receive(t, "POST", posted), http.StatusOK) // the client learns of its end from a poll
	assert.Eventually(t, "forgotten", func() bool { return e.Connections() == 0 })
	assert.Equal(t, "handed over", len(got), 2)
}

func TestTurn_TheHandshakeIsKeptWhileConnecting(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t)
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	c.send("40")
	assert.Receive(t, "packet", got)
	r := s.Request()
	assert.Equal(t, "the same", s.Request() == r, true)
	s.EndTurn(1)
	assert.Equal(t, "another", s.Request() != r, true)
}

func TestEmptyConnectGetsAPayload(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t)
	for text, want := range map[string]string{
		"40": "0{}", "40/": "0{}", "40/,": "0{}", "40/x": "0/x,{}", "40/x,": "0/x,{}", `40{"a":1}`: `0{"a":1}`, `40/x,{"a":1}`: `0/x,{"a":1}`,
	} {
		c, _ := openWS(t, e)
		c.send(text)
		assert.Equal(t, text, assert.Receive(t, text, got), want)
	}
}

func TestRow1_PacketsThatEndTheLibrarysProcessAreRefused(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t)
	for _, text := range []string{
		"42", "4212", "450-", `451-["a",{"_placeholder":true,"num":0}]`, "437", "43", "4", "47", `44{}`, `42{}`, `42[]`, `42[true]`,
		`42["disconnect"]`, `42["a"]x`, "41x", "40x", "40[]", "4\u20ac",
	} {
		c, _ := openWS(t, e)
		c.send(text)
		c.expectClose(wire.CodePolicy)
	}
	c, _ := openWS(t, e)
	c.frame(wire.OpBinary, "unannounced")
	c.expectClose(wire.CodePolicy)
	assert.Equal(t, "handed over", len(got), 0)
}

func TestRow11_Attachments(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t, func(o *Options) { o.AllowBinary = true })
	open := func() (*wsClient, *Session) {
		c, _ := openWS(t, e)
		return c, assert.Receive(t, "session", e.sessions).enter("/")
	}
	event := func(n int) string {
		text := fmt.Sprintf(`45%d-["a"`, n)
		for i := range n {
			text += fmt.Sprintf(`,{"_placeholder":true,"num":%d}`, i)
		}
		return text + "]"
	}
	c, s := open()
	c.send(event(2))
	c.frame(wire.OpBinary, "\x01")
	c.frame(wire.OpBinary, "\x02")
	c.send(`42["next"]`)
	for _, want := range []string{event(2)[1:], "\x01", "\x02"} {
		assert.Equal(t, "packet", assert.Receive(t, "packet", got), want)
	}
	assert.Eventually(t, "held until the event is done", s.isHeld)
	s.EndTurn(1)
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), `2["next"]`)

	for _, after := range map[string]func(c *wsClient){
		"text instead":    func(c *wsClient) { c.send(`42["x"]`) },
		"connect instead": func(c *wsClient) { c.send("40") },
	} {
		c, _ := open()
		c.send(event(1))
		after(c)
		c.expectClose(wire.CodePolicy)
	}
	for _, text := range []string{event(11), event(0), `451-["a"]`, `452-["a",{"_placeholder":true,"num":0}]`} {
		c, _ := open()
		c.send(text)
		c.expectClose(wire.CodePolicy)
	}
}
