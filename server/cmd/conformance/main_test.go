package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs the command and returns the URL that it serves.
func start(t *testing.T, path string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	addr, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- run(ctx, append([]string{"--port", "0"}, args...), io.Discard, func(a string) { addr <- a })
	}()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case a := <-addr:
		return "http://127.0.0.1:" + a[strings.LastIndexByte(a, ':')+1:] + path + "?EIO=4&transport=polling"
	case err := <-ended:
		t.Fatal(err)
		return ""
	}
}

// polling is a session over long polling.
type polling struct {
	t       *testing.T
	url     string
	packets []string
}

func open(t *testing.T, url string) *polling {
	t.Helper()
	p := &polling{t: t, url: url}
	var hello struct{ Sid string }
	first := p.next()
	if err := json.Unmarshal([]byte(first[1:]), &hello); err != nil {
		t.Fatalf("%s: %v", first, err)
	}
	want(t, first, `0{"sid":"`+hello.Sid+`","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}`)
	p.url += "&sid=" + hello.Sid
	t.Cleanup(func() { p.post("1") })
	return p
}

func want(t *testing.T, got, wanted string) {
	t.Helper()
	if got != wanted {
		t.Errorf("got  %s\nwant %s", got, wanted)
	}
}

func (p *polling) request(method, body string) string {
	p.t.Helper()
	r, err := http.NewRequest(method, p.url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Origin", "http://elsewhere.example")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	want(p.t, answer.Header.Get("Access-Control-Allow-Origin"), "*")
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s %s %v", method, answer.Status, b, err)
	}
	return string(b)
}

func (p *polling) post(packets ...string) {
	p.t.Helper()
	want(p.t, p.request(http.MethodPost, strings.Join(packets, "\x1e")), "ok")
}

// next returns the next packet that is not a ping, and answers pings.
func (p *polling) next() string {
	p.t.Helper()
	for {
		for len(p.packets) == 0 {
			p.packets = strings.Split(p.request(http.MethodGet, ""), "\x1e")
		}
		packet := p.packets[0]
		p.packets = p.packets[1:]
		if packet != "2" {
			return packet
		}
		p.post("3")
	}
}

func TestEngineModeEchoes(t *testing.T) {
	p := open(t, start(t, "/engine.io/", "--mode", "engine"))
	p.post("4hello", "bAQIDBA==")
	want(t, p.next(), "4hello")
	want(t, p.next(), "bAQIDBA==")
}

func TestSocketModeSendsBack(t *testing.T) {
	p := open(t, start(t, "/somewhere/", "--path", "/somewhere/"))
	connect := func(packet, prefix, auth string) {
		t.Helper()
		p.post(packet)
		if answer := p.next(); !strings.HasPrefix(answer, prefix+`{"sid":"`) || strings.Contains(answer, "pid") {
			t.Errorf("answer to CONNECT: %s", answer)
		}
		want(t, p.next(), strings.Replace(prefix, "40", "42", 1)+`["auth",`+auth+`]`)
	}
	connect("40", "40", "{}")
	connect(`40/custom,{"token":"abc"}`, "40/custom,", `{"token":"abc"}`)
	p.post(`42["message",1,"2",{"3":[true]}]`, `42456["message-with-ack",1,"2",{"3":[false]}]`)
	want(t, p.next(), `42["message-back",1,"2",{"3":[true]}]`)
	want(t, p.next(), `43456[1,"2",{"3":[false]}]`)
	p.post(`42/custom,["message"]`) // there is no order between namespaces
	want(t, p.next(), `42/custom,["message-back"]`)

	p.post(`452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "bAQID", "bBAUG")
	want(t, p.next(), `452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	want(t, p.next(), "bAQID")
	want(t, p.next(), "bBAUG")
	p.post(`451-789["message-with-ack",{"_placeholder":true,"num":0}]`, "bAQID")
	want(t, p.next(), `461-789[{"_placeholder":true,"num":0}]`)
	want(t, p.next(), "bAQID")

	p.post("40/random,")
	want(t, p.next(), `44/random,{"message":"Invalid namespace"}`)
	p.post("41", `42/custom,["message","still here"]`)
	want(t, p.next(), `42/custom,["message-back","still here"]`)
}

func TestBadFlags(t *testing.T) {
	for _, args := range [][]string{{"--mode", "x"}, {"--port", "x"}, {"--port", "-1"}} {
		if err := run(t.Context(), args, io.Discard, nil); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
