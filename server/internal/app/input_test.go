package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/siotest"
)

// TestBadPacketsEndTheirSessionAlone sends, each on its own connection, packets that end the process of the bare library
// and packets that no client sends.
func TestBadPacketsEndTheirSessionAlone(t *testing.T) {
	a := start(t, "--ops-addr=127.0.0.1:0")
	control := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	for name, packet := range map[string]string{
		"event without payload":       "42",
		"ack id without payload":      "4212",
		"event that is no array":      `42{"a":1}`,
		"empty event":                 "42[]",
		"event without name":          "42[null]",
		"reserved event":              `42["disconnect"]`,
		"reserved event, escaped":     `42["\u0064isconnecting"]`,
		"truncated JSON":              `42["a"`,
		"text behind the JSON":        `42["a"] ` + "x",
		"deep JSON":                   `42["a",` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "]",
		"number out of range":         `42["a",1e999]`,
		"ack without payload":         "431",
		"ack without id":              "43[]",
		"connect error":               `44{"message":"x"}`,
		"binary event":                `451-["a",{"_placeholder":true,"num":0}]`,
		"binary event, nothing":       "450-",
		"binary ack":                  `461-1[{"_placeholder":true,"num":0}]`,
		"very many attachments":       `4599999-["a"]`,
		"unknown Socket.IO type":      "49",
		"unknown Engine.IO type":      "9",
		"empty message":               "4",
		"second connect":              "40",
		"ack id too long":             `42` + strings.Repeat("9", 30) + `["a"]`,
		"namespace that is not there": `42/nowhere,["a"]`,
		"invalid UTF-8":               "42[\"\xff\"]",
		"client that pings":           "2",
		"packet over the limit":       `42["a","` + strings.Repeat("x", 70_000) + `"]`,
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := join(t, a, "")
			assert.NoError(t, r.write(packet))
			for {
				if _, err := r.read(); err != nil {
					break
				}
			}
			say(t, control, "still here")
		})
	}
	assert.Equal(t, "connects of the other client", control.State().Connects, 1)
	assert.Equal(t, "panics", a.scrape(t, "chat_handler_panics_total"), "0")
	assert.Equal(t, "uncatalogued closes", a.scrape(t, `chat_closes_total{reason="other"}`), "0")
}

// TestGarbageOfEveryKind plays random, mostly legal packets on many connections at once.
func TestGarbageOfEveryKind(t *testing.T) {
	rnd := seeded(t)
	a := start(t, "--ops-addr=127.0.0.1:0")
	control := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
	pieces := []string{
		"40", "41", "42", "43", "44", "45", "46", "3", "2", "1", "6", "/x,", "1-", "0", "17", "{}", "[]", `["event:message"]`,
		`["event:message",{"message":"m","username":"u"}]`, `["event:message",{"message":1}]`, `["history",{}]`, `["typing",{"username":"u","typing":true}]`,
		`["x",null]`, `{"pid":"p","offset":"1-1"}`, `{"history":1e99}`, `{"history":-1}`, `{"pid":{},"offset":[]}`, "\x1e", "b", " ",
	}
	seeds := make([]uint64, 400)
	for i := range seeds {
		seeds[i] = rnd.Uint64()
	}
	inLanes(len(seeds), 16, func(i int) {
		mine := rand.New(rand.NewPCG(seeds[i], 0))
		r, err := dial(a.Addr())
		if err != nil {
			t.Error(err)
			return
		}
		defer r.close()
		if mine.IntN(4) > 0 {
			_ = r.write("40")
		}
		for range mine.IntN(20) {
			packet := ""
			for range 1 + mine.IntN(3) {
				packet += pieces[mine.IntN(len(pieces))]
			}
			if r.write(packet) != nil {
				return
			}
		}
	})
	say(t, control, "still here")
	assert.Equal(t, "connects of the other client", control.State().Connects, 1)
	assert.Equal(t, "panics", a.scrape(t, "chat_handler_panics_total"), "0")
	assert.Eventually(t, "sockets and sessions are gone", func() bool { return a.edge.Connections() == 1 })
}

// TestACK3_ERR3_RefusedEventsAreAnswered has one row for each code that a client can cause.
func TestACK3_ERR3_RefusedEventsAreAnswered(t *testing.T) {
	a := start(t, "--ops-addr=127.0.0.1:0", "--max-message-chars=10")
	c := open(t, a.url(), siotest.Options{Transport: siotest.Polling})
	for _, row := range []struct {
		args []any
		code string
	}{
		{nil, "invalid"},
		{[]any{"text"}, "invalid"},
		{[]any{map[string]any{"message": 1, "username": "u"}}, "invalid"},
		{[]any{map[string]any{"message": "m", "username": "a\tb"}}, "invalid"},
		{[]any{map[string]any{"message": " \n", "username": "u"}}, "empty"},
		{[]any{map[string]any{"message": "12345678901", "username": "u"}}, "too_long"},
	} {
		answer, err := c.Call(t.Context(), "event:message", row.args...)
		assert.NoError(t, err)
		var got struct{ Status, Code, Message string }
		assert.NoError(t, json.Unmarshal(answer, &got))
		if got.Status != "error" || got.Code != row.code || got.Message == "" {
			t.Errorf("%v: %s", row.args, answer)
		}
	}
	assert.Equal(t, "connects", c.State().Connects, 1)
	assert.Equal(t, "counted", a.scrape(t, `chat_events_total{event="event:message",outcome="invalid"}`), "4")
	assert.Equal(t, "published", a.scrape(t, "chat_messages_total"), "0")
}

func TestLIM6_ASessionWithoutCONNECTIsClosed(t *testing.T) {
	a := start(t, "--connect-timeout=50ms")
	r, err := dial(a.Addr())
	assert.NoError(t, err)
	defer r.close()
	if p, err := r.read(); err == nil {
		t.Errorf("got %q", p)
	}
	assert.Eventually(t, "the session is gone", func() bool { return a.edge.Connections() == 0 })
}

func TestHeadersAreBounded(t *testing.T) {
	a := start(t)
	nc, err := net.Dial("tcp", a.Addr())
	assert.NoError(t, err)
	defer nc.Close()
	assert.NoError(t, nc.SetDeadline(time.Now().Add(patience)))
	go func() {
		_, _ = fmt.Fprintf(nc, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("x", 10*headerBytes))
	}()
	answer := make([]byte, 12)
	_, err = io.ReadFull(nc, answer)
	assert.NoError(t, err)
	assert.Equal(t, "answer", string(answer), fmt.Sprintf("HTTP/1.1 %d", http.StatusRequestHeaderFieldsTooLarge))
	assert.Equal(t, "time-out of headers", a.public.server.ReadHeaderTimeout, defaultTimeouts.header)
}

// TestRequestsAreReadStrictly: nobody hides a request in another one from a proxy that reads them in another way.
func TestRequestsAreReadStrictly(t *testing.T) {
	a := start(t)
	const post, host = "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n", "Host: test\r\n"
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"two lengths":              {post + host + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", http.StatusBadRequest},
		"a list of lengths":        {post + host + "Content-Length: 4, 4\r\n\r\nabcd", http.StatusBadRequest},
		"a length with a sign":     {post + host + "Content-Length: +4\r\n\r\nabcd", http.StatusBadRequest},
		"an unknown coding":        {post + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", http.StatusNotImplemented},
		"two codings":              {post + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", http.StatusNotImplemented},
		"a coding twice":           {post + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", http.StatusNotImplemented},
		"a space before the colon": {post + host + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", http.StatusBadRequest},
		"a carriage return":        {post + "Host: test\rX: y\r\n\r\n", http.StatusBadRequest},
		"a zero byte":              {post + host + "X: a\x00b\r\n\r\n", http.StatusBadRequest},
		"two hosts":                {post + host + host + "\r\n", http.StatusBadRequest},
		"no host":                  {post + "\r\n", http.StatusBadRequest},
		"HTTP/0.9":                 {"GET /livez\r\n\r\n", http.StatusBadRequest},
		"HTTP/2":                   {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", http.StatusBadRequest},
		"an unknown expectation":   {post + host + "Expect: 200-ok\r\nContent-Length: 1\r\n\r\na", http.StatusExpectationFailed},
	} {
		answers := string(readAll(t, request(t, a.Addr(), c.text+"GET /livez HTTP/1.1\r\n"+host+"\r\n")))
		assert.Equal(t, name, strings.HasPrefix(answers, fmt.Sprintf("HTTP/1.1 %d ", c.want)), true)
		assert.Equal(t, name+": answers, and then the end", strings.Count(answers, "HTTP/1.1 "), 1)
	}
}

// readAll reads until the node closes the connection.
func readAll(t *testing.T, nc net.Conn) []byte {
	t.Helper()
	text, err := io.ReadAll(nc)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
	return text
}
