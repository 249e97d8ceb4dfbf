package app

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/journal"
	"scalable-chat/server/internal/test/redistest"
)

// hostileTexts are texts with which a stranger tries to write a line of a log, to control the terminal of its reader, or to fill it.
var hostileTexts = []string{
	"x\nlevel=ERROR msg=forged\r\n{\"msg\":\"forged\"}\n", "\x1b[2J\x00\x07\x7f", "\u2028msg=forged\u2029\u0085\u009b31m\u202e", `" msg="forged`,
	`","msg":"forged`, strings.Repeat("A", 10<<10), strings.Repeat("\u009b", 5<<10),
}

// longestLine is more than any line may have that strangers cause: few texts of [ops.MaxLogged] bytes, with escapes.
const longestLine = 16 << 10

// quoted is the text in JSON, as clients send it.
func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// forgeBySocket speaks the protocol with such a text in every place that has one.
func forgeBySocket(t *testing.T, a *App, text string) {
	t.Helper()
	in := quoted(text)
	token := tokenFor(t, "ada", time.Hour, `,"name":`+in+`,"rooms":{`+in+`:"write"}`)
	named := tokenFor(t, "x", time.Hour, `,"name":`+in)
	for _, packets := range [][]string{
		{`40{"username":` + in + `,"token":` + in + `,"pid":` + in + `,"offset":` + in + `}`},
		{"40/rooms/" + text + ",", "40/" + text + ",", "44" + text, text},
		{connecting("/", "token", token), connecting("/rooms/cats", "token", named)},
		{"40", `420[` + in + `,` + in + `]`, `421["event:message",{"message":` + in + `,"username":` + in + `,"id":` + in + `}]`},
		{"40", `421["event:message",{"message":` + in + `,"username":"` + "ada" + `"}]`, `422["typing",{"username":` + in + `,"typing":true}]`},
		{"40", `423["history",{"before":` + in + `,"around":` + in + `}]`, `424["token",{"token":` + in + `}]`, `425["` + text + `"]`},
		{"40/rooms/cats,", `42/rooms/cats,1["event:message",{"message":` + in + `,"username":"ada"}]`, `41/rooms/` + text + `,`},
	} {
		(secrets{}).try(t, a, packets...)
	}
}

// forgeByHTTP sends such a text in every part of a request, as it is and escaped.
func forgeByHTTP(t *testing.T, addr, text string) {
	t.Helper()
	escaped := url.PathEscape(text[:min(len(text), 2000)])
	body := `{"message":` + quoted(text) + `,` + quoted(text) + `:1}`
	post := "POST /api/v1/messages HTTP/1.1\r\nContent-Type: application/json\r\n"
	for _, head := range []string{
		text, "GET /" + text + " HTTP/1.1\r\n", "GET /" + escaped + " HTTP/1.1\r\n", "GET /?" + escaped + "=" + escaped + " HTTP/1.1\r\n",
		text + " / HTTP/1.1\r\n", "GET /socket.io/?EIO=4&transport=" + escaped + "&sid=" + escaped + " HTTP/1.1\r\n",
		"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nOrigin: " + text + "\r\nX-Forwarded-For: " + text + "\r\nUser-Agent: " + text + "\r\n",
		"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nX-Cluster-Ticket: " + text + "\r\nX-Cluster-Peer: " + text + "\r\n",
		"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nX-Cluster-Ticket: x\r\nX-Cluster-Peer: 1.2.3.4:" + text + "\r\n",
		"GET /api/v1/rooms/" + escaped + "/messages?limit=" + escaped + " HTTP/1.1\r\nX-Request-Id: " + text + "\r\n",
		"GET /api/v1/nodes HTTP/1.1\r\nAuthorization: Bearer " + text + "\r\nX-Request-Id: \u009b" + strings.Repeat("B", 8<<10) + "\r\n",
		post + "Idempotency-Key: " + text + "\r\nContent-Length: 2\r\n\r\n{}", post + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
		"PUT /log-level HTTP/1.1\r\nContent-Length: 5\r\n\r\n" + text, "PROXY TCP4 " + text + "\r\n", "\x16\x03\x01" + text,
	} {
		c, err := net.Dial("tcp", addr)
		assert.NoError(t, err)
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(c, head+"Host: 127.0.0.1\r\nConnection: close\r\n\r\n")
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	}
}

// TestP6_NoStrangerForgesALineOfALog: whatever is in names, rooms, events, tokens, addresses, headers and bodies, at level debug.
func TestP6_NoStrangerForgesALineOfALog(t *testing.T) {
	r := redistest.Start(t)
	for _, format := range []string{"text", "json"} {
		log := &journal.Journal{}
		a := startWith(t, defaultTimeouts, ops.NewLogger(slog.LevelDebug, format, log), "--auth=jwt,guest", "--auth-jwt-secret="+tokenSecret,
			"--redis-url="+r.URL(), "--stream-key="+format, "--api-keys="+apiKey, "--ops-addr=127.0.0.1:0", "--allowed-origins=https://chat.example")
		for _, text := range hostileTexts {
			forgeBySocket(t, a, text)
			forgeByHTTP(t, a.Addr(), text)
			forgeByHTTP(t, a.OpsAddr(), text)
		}
		for _, what := range []string{"event refused", "request refused", "client entered", "message accepted", "message stored", "a forwarded request was refused"} {
			assert.Equal(t, what+" is logged", log.Count(what) > 0, true)
		}
		harmlessLines(t, format, log.String())
	}
}

// harmlessLines checks that every line is one record, as long as it may be, with nothing in it that is no print.
func harmlessLines(t *testing.T, format, log string) {
	t.Helper()
	for text := range strings.Lines(log) {
		text, whole := strings.CutSuffix(text, "\n")
		var record struct{ Time, Level, Msg string }
		var err error
		if format == "json" {
			err = json.Unmarshal([]byte(text), &record)
		} else if !strings.HasPrefix(text, "time=2") {
			err = io.ErrUnexpectedEOF
		}
		bad := strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
		if err != nil || !whole || bad || record.Msg == "forged" || len(text) > longestLine {
			t.Errorf("%s: %d bytes, error %v: %.300q", format, len(text), err, text)
		}
	}
}
