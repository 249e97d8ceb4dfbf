package engineio

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestRFC6455_Violations(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	unmasked := wire.AppendFrame(nil, wire.OpText, []byte("4a"))
	for _, c := range []struct {
		name string
		raw  []byte
		code wire.Code
	}{
		{"unmasked", unmasked, wire.CodeProtocol},
		{"RSV1 without extension", masked(0xC1, []byte("4a")), wire.CodeProtocol},
		{"RSV2", masked(0xA1, []byte("4a")), wire.CodeProtocol},
		{"RSV3 on a ping", masked(0x99, nil), wire.CodeProtocol},
		{"unknown opcode", masked(0x83, []byte("4a")), wire.CodeProtocol},
		{"unknown control opcode", masked(0x8B, nil), wire.CodeProtocol},
		{"fragmented ping", masked(byte(wire.OpPing), nil), wire.CodeProtocol},
		{"long ping", masked(0x89, make([]byte, 126)), wire.CodeProtocol},
		{"continuation of nothing", masked(0x80, []byte("4a")), wire.CodeProtocol},
		{"message within message", append(masked(0x01, []byte("4")), maskedText("4a")...), wire.CodeProtocol},
		{"close of one byte", masked(0x88, []byte{3}), wire.CodeProtocol},
		{"close with a reserved code", masked(0x88, []byte{3, 0xED}), wire.CodeProtocol},
		{"close with a bad reason", masked(0x88, []byte{3, 0xE8, 0xFF}), wire.CodeBadPayload},
		{"bad UTF-8", maskedText("4\xff"), wire.CodeBadPayload},
		{"bad UTF-8 over fragments", append(masked(0x01, []byte("4\xe2\x82")), masked(0x80, []byte("x"))...), wire.CodeBadPayload},
		{"length with the top bit", []byte{0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, wire.CodeProtocol},
		{"announced over the limit", []byte{0x81, 0xFF, 0, 0, 0, 0, 0x7f, 0, 0, 0, 1, 2, 3, 4}, wire.CodeTooBig},
	} {
		t.Run(c.name, func(t *testing.T) {
			ws, _ := openWS(t, e)
			ws.write(c.raw)
			ws.expectClose(c.code)
		})
	}
	assert.Eventually(t, "all are forgotten", func() bool { return e.Connections() == 0 })
	assert.Eventually(t, "counted", func() bool { return e.closedBy("bad frame") == 16 })
}

func TestRFC6455_FragmentsAndControlFramesBetween(t *testing.T) {
	t.Parallel()
	c, _ := openWS(t, newEdge(t, echo))
	c.write(masked(0x01, []byte("4\xe2")))
	c.frame(wire.OpPing, "between")
	c.write(masked(0x00, []byte("\x82")))
	c.write(masked(0x80, []byte("\xac")))
	op, payload, err := c.read()
	assert.NoError(t, err, "read")
	assert.Equal(t, "pong", op, wire.OpPong)
	assert.Equal(t, "pong", string(payload), "between")
	c.expect("4\u20ac")
	c.frame(wire.OpPong, "unasked")
	c.send("4on")
	c.expect("4on")
}

func TestRFC6455_BytesOfAnySize(t *testing.T) {
	t.Parallel()
	c, _ := openWS(t, newEdge(t, echo))
	for _, b := range append(maskedText("4slowly"), maskedText("4and on")...) {
		c.write([]byte{b})
	}
	c.expect("4slowly", "4and on")

	var all []byte
	for i := range 1000 {
		all = append(all, maskedText(fmt.Sprintf("4%d", i))...)
	}
	c.write(all)
	for i := range 1000 {
		c.expect(fmt.Sprintf("4%d", i))
	}
}

func TestRFC6455_BytesAfterTheRequest(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	c := dial(t, e, eio+"websocket", append(maskedText("4early"), maskedText("4bird")[:3]...)...)
	parseOpen(t, c.text())
	c.expect("4early")
	c.write(maskedText("4bird")[3:])
	c.expect("4bird")

	p := newPoller(t, e)
	c = dial(t, e, eio+"websocket&sid="+p.open.SID, append(append(maskedText("2probe"), maskedText("5")...), maskedText("4a")...)...)
	c.expect("3probe", "4a")
}

func TestRFC6455_CloseIsEchoed(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for payload, code := range map[string]wire.Code{
		"": wire.CodeNoStatus, "\x03\xe8": wire.CodeNormal, "\x03\xe9bye": wire.CodeGoingAway, "\x0f\xa0own": 4000,
	} {
		c, _ := openWS(t, e)
		c.send("4before")
		c.frame(wire.OpClose, payload)
		c.expect("4before")
		c.expectClose(code)
	}
	assert.Eventually(t, "counted", func() bool { return e.closedBy("client close") == 4 })
}

func TestRFC6455_TheServerClosesTheConnection(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	c, _ := openWS(t, e)
	c.frame(wire.OpClose, "")
	_, _, err := c.read()
	assert.NoError(t, err, "echo")
	_, err = c.r.ReadByte()
	assert.Equal(t, "end of the connection", fmt.Sprint(err), "EOF")
	// The client keeps its end open: the server does not wait for it forever.
	assert.Eventually(t, "forgotten", func() bool { return e.Connections() == 0 })
}

func TestRFC6455_NothingFollowsTheCloseFrame(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for range 20 {
		c, _ := openWS(t, e)
		s := assert.Receive(t, "session", e.sessions)
		s.Follow(e.log.Head(), nil)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for range 3000 { // too few to make the client a slow consumer
				if isClosed(stop) {
					return
				}
				e.publish("log")
			}
		}()
		assert.Eventually(t, "deliveries", func() bool { return e.sweepers.Stats().Deliveries > 0 })
		s.Close(false)
		assert.Equal(t, "late frame", s.SendFrame(messageFrame("late")), false)
		assert.Equal(t, "late volatile", s.SendVolatile(messageFrame("late")), false)
		s.Follow(e.log.Head(), messageFrame("late"))
		c.expectClose(wire.CodeNormal)
		close(stop)
		<-stopped
	}
}

// kickLong is long enough for the messages before a kick to need more than one poll.
var kickLong = strings.Repeat("x", 1000)

// kickAfterMessages queues 300 messages and ends the session.
func kickAfterMessages(s *Session) {
	for i := range 300 {
		s.SendFrame(messageFrame(fmt.Sprint(i, kickLong)))
	}
	s.Close(false)
}

func TestKick_EarlierWritesReachTheClient(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for round := range 10 {
		c, _ := openWS(t, e)
		s := assert.Receive(t, "session", e.sessions)
		go kickAfterMessages(s)
		if round%2 == 0 {
			c.write(maskedText("4unread by the handler")) // would turn a careless close into a reset
		}
		for i := range 300 {
			want := "4" + fmt.Sprint(i, kickLong)
			got := c.text()
			if got == "4unread by the handler" {
				got = c.text()
			}
			assert.Equal(t, "message", got, want)
		}
		c.expectClose(wire.CodeNormal)
	}
}

func TestKick_EarlierWritesReachAClientThatPolls(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for round := range 10 {
		p := newPoller(t, e)
		s := assert.Receive(t, "session", e.sessions)
		var first <-chan answer
		if round%2 == 0 {
			first = p.getting(e)
		}
		kickAfterMessages(s)
		var got []string
		for len(got) == 0 || got[len(got)-1] != "1" {
			var a answer
			if first != nil {
				a, first = assert.Receive(t, "poll", first), nil
			} else {
				a.status, a.body = p.get()
			}
			assert.Equal(t, "status", a.status, http.StatusOK)
			got = append(got, packets(a.body)...)
		}
		assert.Equal(t, "packets", len(got), 301)
		for i, packet := range got[:300] {
			assert.Equal(t, "message", packet, "4"+fmt.Sprint(i, kickLong))
		}
		status, _ := p.get()
		assert.Equal(t, "poll after the last", status, http.StatusBadRequest)
	}
}
