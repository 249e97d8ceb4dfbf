package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// tries is how often each case of the public suites with racing requests runs, because their order varies.
const tries = 200

// bare is a session over long polling whose requests may fail.
func bare(t *testing.T, url string) *polling {
	t.Helper()
	p := &polling{t: t, url: url}
	status, body := p.try(http.MethodGet, nil)
	want(t, fmt.Sprint(status), "200")
	_, rest, _ := strings.Cut(body, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	p.url += "&sid=" + sid
	return p
}

func (p *polling) try(method string, body io.Reader) (int, string) {
	p.t.Helper()
	r, err := http.NewRequest(method, p.url, body)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(b)
}

// "close > should forcefully close the session" of both suites.
func TestEIO2_CloseAndPollAtTheSameMoment(t *testing.T) {
	url := start(t, "/engine.io/", "--mode", "engine")
	for range tries {
		p := bare(t, url)
		var get, post string
		var both sync.WaitGroup
		both.Go(func() { status, body := p.try(http.MethodGet, nil); get = fmt.Sprint(status, body) })
		both.Go(func() {
			status, body := p.try(http.MethodPost, strings.NewReader("1"))
			post = fmt.Sprint(status, body)
		})
		both.Wait()
		want(t, get, "2006")
		want(t, post, "200ok")
		status, _ := p.try(http.MethodGet, nil)
		want(t, fmt.Sprint(status), "400")
	}
}

// "upgrade > should ignore HTTP requests with same sid after upgrade".
func TestEIO3_PollAfterAnUpgrade(t *testing.T) {
	url := start(t, "/engine.io/", "--mode", "engine")
	for range tries {
		p := bare(t, url)
		nc := webSocket(t, p.url)
		for _, text := range []string{"2probe", "5"} {
			if _, err := nc.Write(append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)); err != nil {
				t.Fatal(err)
			}
		}
		status, _ := p.try(http.MethodGet, nil)
		want(t, fmt.Sprint(status), "400")
		_ = nc.Close()
	}
}

// webSocket opens one for the session of a polling URL.
func webSocket(t *testing.T, polling string) net.Conn {
	t.Helper()
	u, err := url.Parse(strings.Replace(polling, "transport=polling", "transport=websocket", 1))
	if err != nil {
		t.Fatal(err)
	}
	nc, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", u.RequestURI())
	answer, err := http.ReadResponse(bufio.NewReaderSize(nc, 512), nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, answer.Status, "101 Switching Protocols")
	return nc
}

// A body exceeds the limit while a poll is open; the end of the session answers the poll.
func TestEIO4_BodyOverTheLimitBesideAPoll(t *testing.T) {
	url := start(t, "/engine.io/", "--mode", "engine")
	for n := range tries / 4 { // fewer tries: each sends a megabyte
		p := bare(t, url)
		var both sync.WaitGroup
		both.Go(func() { p.try(http.MethodGet, nil) })
		var body io.Reader = strings.NewReader(strings.Repeat("4", maxPayload+1))
		if n%2 == 0 {
			body = io.MultiReader(body) // chunked
		}
		status, answer := p.try(http.MethodPost, body)
		both.Wait()
		want(t, fmt.Sprint(status, answer), `413{"code":9,"message":"Payload too large"}`)
	}
}
