package engineio

import (
	"net/http"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// The cases of this file are what the reference server accepts from unusual clients.

func TestEIO9_NumbersNameEvents(t *testing.T) {
	l := newLibrary(false)
	defer l.close()
	for _, event := range []string{`2[7,"x"]`, `2["7","x"]`, `2[7.0,"x"]`} {
		answer, err := l.play(t, []byte("40\x1e4"+event))
		assert.NoError(t, err, event)
		if !strings.Contains(answer, `42["7","x"]`) {
			t.Errorf("%s was answered %q", event, answer)
		}
	}
}

func TestEIO9_BinaryComesAsBase64ByWebSocketToo(t *testing.T) {
	t.Parallel()
	c, _ := openWS(t, newEdge(t, echo))
	c.send("bAQIDBA==")
	op, got, err := c.read()
	assert.NoError(t, err, "read")
	assert.Equal(t, "opcode", op, wire.OpBinary)
	assert.Equal(t, "echo", string(got), "\x01\x02\x03\x04")
}

func TestEIO9_AProbeMayComeTwiceOrNotAtAll(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for _, probes := range [][]string{{}, {"2probe", "2probe"}} {
		c := dial(t, e, eio+"websocket&sid="+newPoller(t, e).open.SID)
		for _, p := range probes {
			c.send(p)
			c.expect("3probe")
		}
		c.send("5")
		c.send("4here")
		c.expect("4here")
	}
}

// TestEIO7_SubprotocolOverHTTP: browsers fail a WebSocket whose answer ignores the subprotocol they offered.
func TestEIO7_SubprotocolOverHTTP(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for _, query := range []string{"", "&sid=" + newPoller(t, e).open.SID} {
		ask := func(offered string) *http.Response {
			return ask(t, http.MethodGet, e.url+eio+"websocket"+query, "Connection", "Upgrade", "Upgrade", "websocket",
				"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol", offered)
		}
		res := ask("chat.v1, chat.v2")
		assert.Equal(t, "status", res.StatusCode, http.StatusSwitchingProtocols)
		assert.Equal(t, "chosen", res.Header.Get("Sec-WebSocket-Protocol"), "chat.v1")
		for _, bad := range []string{"", "a,", "a b", "a,a"} {
			assert.Equal(t, "malformed "+bad, ask(bad).StatusCode, http.StatusBadRequest)
		}
	}
}

// TestEIO9_AProxyMaySayHTTP10: nginx speaks it when its configuration omits proxy_http_version.
func TestEIO9_AProxyMaySayHTTP10(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	c := &wsClient{t: t}
	assert.Equal(t, "status", c.dialAs(e, "HTTP/1.0", eio+"websocket", nil), http.StatusSwitchingProtocols)
	parseOpen(t, c.text())
	c.send("4here")
	c.expect("4here")
}
