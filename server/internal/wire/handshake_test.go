package wire

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// The example of RFC 6455, section 1.3.
func TestAcceptKey(t *testing.T) {
	assert.Equal(t, "accept", AcceptKey("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
}

// upgrades are changes to a valid handshake, each with the status of its refusal, or 0 if it stays valid.
var upgrades = []struct {
	name   string
	change func(*http.Request)
	status int
}{
	{"good", func(*http.Request) {}, 0},
	{"lists and case", func(r *http.Request) {
		r.Header["Connection"] = []string{"keep-alive, UPGRADE"}
		r.Header["Upgrade"] = []string{"h2c", "foo, WebSocket"}
	}, 0},
	{"post", func(r *http.Request) { r.Method = http.MethodPost }, 400},
	{"http/1.0", func(r *http.Request) { r.ProtoMinor = 0 }, 0}, // nginx says so unless it is told otherwise
	{"http/2", func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 2, 0 }, 400},
	{"no host", func(r *http.Request) { r.Host = "" }, 400},
	{"no upgrade", func(r *http.Request) { r.Header.Del("Upgrade") }, 426},
	{"other upgrade", func(r *http.Request) { r.Header.Set("Upgrade", "websocket2") }, 426},
	{"no connection", func(r *http.Request) { r.Header.Set("Connection", "close") }, 400},
	{"no version", func(r *http.Request) { r.Header.Del("Sec-WebSocket-Version") }, 426},
	{"old version", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") }, 426},
	{"no key", func(r *http.Request) { r.Header.Del("Sec-WebSocket-Key") }, 400},
	{"two keys", func(r *http.Request) { r.Header.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }, 400},
	{"short key", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "c2hvcnQ=") }, 400},
	{"long key", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZSE=") }, 400},
	{"subprotocols", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Protocol", "chat.v1, x") }, 0},
	{"bad subprotocols", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Protocol", "chat v1") }, 400},
	{"no base64", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "************************") }, 400},
}

func TestCheckUpgrade(t *testing.T) {
	for _, c := range upgrades {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=websocket", nil)
			r.Header.Set("Upgrade", "websocket")
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Sec-WebSocket-Version", ProtocolVersion)
			r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
			c.change(r)
			err, status := CheckUpgrade(r), 0
			var he *HandshakeError
			if errors.As(err, &he) {
				status = he.Status
			}
			assert.Equal(t, "status", status, c.status)
			assert.Equal(t, "error", err != nil, c.status != 0)
		})
	}
}

func TestEIO7_TheFirstSubprotocolIsChosen(t *testing.T) {
	for _, c := range []struct {
		offered []string
		first   string
		ok      bool
	}{
		{nil, "", true},
		{[]string{"chat.v1"}, "chat.v1", true},
		{[]string{"chat.v1, chat.v2"}, "chat.v1", true},
		{[]string{"chat.v1 ,\tchat.v2"}, "chat.v1", true},
		{[]string{"b", "a"}, "b", true}, // lines of a list are one list
		{[]string{"!#$%&'*+-.^_`|~0aZ"}, "!#$%&'*+-.^_`|~0aZ", true},
		{[]string{""}, "", false},
		{[]string{"a,"}, "", false},
		{[]string{",a"}, "", false},
		{[]string{"a,,b"}, "", false},
		{[]string{"a b"}, "", false},
		{[]string{"a;b"}, "", false},
		{[]string{"a/b"}, "", false},
		{[]string{"caf\u00e9"}, "", false},
		{[]string{"a, b, a"}, "", false},
		{[]string{"a", "a"}, "", false},
	} {
		h := http.Header{}
		if c.offered != nil {
			h["Sec-Websocket-Protocol"] = c.offered
		}
		first, ok := Subprotocol(h)
		assert.Equal(t, strings.Join(c.offered, "|"), ok, c.ok)
		assert.Equal(t, strings.Join(c.offered, "|"), first, c.first)
	}
}
