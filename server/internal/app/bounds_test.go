package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/journal"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

var impatient = timeouts{header: 200 * time.Millisecond, request: 300 * time.Millisecond, idle: 300 * time.Millisecond}

// startWith runs a node with other timeouts until the test ends.
func startWith(t *testing.T, limits timeouts, log *slog.Logger, flags ...string) *App {
	t.Helper()
	a, err := newApp(load(t, flags...), log, limits)
	assert.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, a.Stop(ctx))
	})
	assert.NoError(t, a.Start(t.Context()))
	return a
}

// request sends bytes over its own connection.
func request(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	assert.NoError(t, nc.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(nc, text)
	assert.NoError(t, err)
	return nc
}

// TestLIM14_NoRequestLastsForEver: on every route and listener, the server stops waiting for what does not come.
func TestLIM14_NoRequestLastsForEver(t *testing.T) {
	a := startWith(t, impatient, logger(t), "--ops-addr=127.0.0.1:0")
	const body = " HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nx"
	var all sync.WaitGroup
	for _, addr := range []string{a.Addr(), a.OpsAddr()} {
		for _, start := range []string{
			"", "GET / HT", "GET / HTTP/1.1\r\nHost: test\r\nX-A: ",
			"POST /" + body, "GET /" + body, "POST /livez" + body, "GET /readyz" + body, "PUT /elsewhere" + body,
			"POST /socket.io/?EIO=4&transport=polling" + body, "OPTIONS /socket.io/" + body, "DELETE /socket.io/" + body,
			"GET /metrics" + body, "POST /debug/pprof/symbol" + body,
			"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
			"POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
			"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n",
		} {
			nc := request(t, addr, start)
			all.Go(func() {
				if _, err := io.Copy(io.Discard, nc); err != nil && !strings.Contains(err.Error(), "reset") {
					t.Errorf("%q: %v", start, err)
				}
			})
		}
	}
	all.Wait()
	assert.Eventually(t, "no connection is left", func() bool { return a.public.net.Len() == 0 && a.private.net.Len() == 0 })
}

// TestLIM14_AnswersThatNobodyReads: the server does not wait for a client that keeps asking and never reads.
func TestLIM14_AnswersThatNobodyReads(t *testing.T) {
	a := startWith(t, impatient, logger(t), "--ops-addr=127.0.0.1:0")
	var all sync.WaitGroup
	for _, c := range [][2]string{
		{a.Addr(), "OPTIONS /socket.io/"},
		{a.Addr(), "GET /livez"},
		{a.Addr(), "GET /elsewhere"},
		{a.Addr(), "GET /"},
		{a.Addr(), "GET /socket.io/?EIO=4&transport=x"},
		{a.OpsAddr(), "GET /metrics"},
	} {
		nc := request(t, c[0], "")
		assert.NoError(t, nc.(*net.TCPConn).SetReadBuffer(4<<10))
		many := []byte(strings.Repeat(c[1]+" HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a.example\r\n\r\n", 100))
		all.Go(func() {
			var err error
			for err == nil {
				_, err = nc.Write(many)
			}
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				t.Errorf("%s: it is waited for", c[1])
			}
		})
	}
	all.Wait()
	assert.Eventually(t, "no connection is left", func() bool { return a.public.net.Len() == 0 && a.private.net.Len() == 0 })
}

// TestLIM14_SessionsAreNotCutShort: long polls, packets awaiting their turn, and WebSockets outlive a request's limit.
func TestLIM14_SessionsAreNotCutShort(t *testing.T) {
	short := timeouts{header: time.Second, request: time.Second, idle: patience}
	a := startWith(t, short, logger(t), "--message-rate=10", "--message-burst=1", "--ops-addr=127.0.0.1:0")
	var all sync.WaitGroup
	for _, transport := range transports {
		c := open(t, a.url(), siotest.Options{Transport: transport})
		all.Go(func() {
			time.Sleep(2 * short.request) // a poll that stays open longer
			for i := range 3 {
				say(t, c, fmt.Sprint(transport, i))
			}
			sound(t, c)
		})
	}
	all.Wait()
	assert.Equal(t, "sessions that ended", a.scrape(t, `chat_closes_total{reason="transport close"}`), "0")
	assert.Equal(t, "sessions that failed", a.scrape(t, `chat_closes_total{reason="transport error"}`), "0")
}

// TestLIM14_HeadersAreBoundedInNumber: a header takes much more memory in net/http than it has bytes.
func TestLIM14_HeadersAreBoundedInNumber(t *testing.T) {
	a := start(t)
	for fields, want := range map[int]int{90: http.StatusOK, 101: http.StatusRequestHeaderFieldsTooLarge, 3000: http.StatusRequestHeaderFieldsTooLarge} {
		nc := request(t, a.Addr(), "GET /livez HTTP/1.1\r\nHost: test\r\n"+strings.Repeat("A:\r\n", fields)+"\r\n")
		wantStatus(t, nc, want)
	}
	for fields, want := range map[int]int{90: http.StatusOK, 101: http.StatusRequestURITooLong} {
		nc := request(t, a.Addr(), "GET /livez?"+strings.Repeat("a&", fields)+" HTTP/1.1\r\nHost: test\r\n\r\n")
		wantStatus(t, nc, want)
	}
}

func wantStatus(t *testing.T, nc net.Conn, want int) {
	t.Helper()
	head := make([]byte, len("HTTP/1.1 200"))
	_, err := io.ReadFull(nc, head)
	assert.NoError(t, err)
	assert.Equal(t, "status", string(head), fmt.Sprint("HTTP/1.1 ", want))
}

// TestPanicsAreErrors: panics are logged as errors at every level, but not each of a thousand.
func TestPanicsAreErrors(t *testing.T) {
	var logged journal.Journal
	a := startWith(t, defaultTimeouts, slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelError})))
	h := a.public.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("test") }))
	for range 1000 {
		func() {
			defer func() {
				assert.Equal(t, "net/http is told to close the connection", recover(), any(http.ErrAbortHandler))
			}()
			h.ServeHTTP(newRecorder(), newRequest("/"))
		}()
	}
	if n := logged.Count("panic in a request"); n < 1 || n > 50 {
		t.Errorf("logged %d times", n)
	}
}

// TestAcceptErrorsAreErrors: a node that accepts no connections says so in its log and its readiness report.
func TestAcceptErrorsAreErrors(t *testing.T) {
	var logged journal.Journal
	a := startWith(t, defaultTimeouts, slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelError})))
	for range 1000 {
		a.acceptFailed(a.public, &net.OpError{Op: "accept", Net: "tcp", Addr: a.public.net.Addr(), Err: syscall.EMFILE})
	}
	assert.Equal(t, "readiness", a.health.Report().Degraded, "listener: no connection can be accepted: too many open files")
	if n := logged.Count("too many open files"); n < 1 || n > 50 {
		t.Errorf("logged %d times", n)
	}
	a.acceptFailed(a.public, nil)
	assert.Equal(t, "readiness", a.health.Report().Degraded, "")
}

// TestSocketLimits: the settings and the system's limit together.
func TestSocketLimits(t *testing.T) {
	for _, c := range []struct {
		flags             []string
		files             int
		total, perAddress int
		warns             bool
	}{
		{nil, 0, 201_000, 100_500, false},
		{nil, 1 << 20, 201_000, 100_500, false},
		{nil, 65_536, 65_280, 32_640, true},
		{nil, 256, 128, 64, true},
		{[]string{"--max-connections=100"}, 1024, 768, 384, false},
		{[]string{"--max-connections=100", "--max-connections-per-ip=5"}, 0, 1200, 26, false},
		{[]string{"--max-connections=100", "--max-connections-per-ip=5", "--redis-url=redis://localhost"}, 0, 1200, 600, false},
	} {
		cfg := load(t, c.flags...)
		l := publicLimits(cfg, c.files)
		assert.Equal(t, fmt.Sprint(c.flags, c.files, " in all"), l.Total, c.total)
		assert.Equal(t, fmt.Sprint(c.flags, c.files, " per address"), l.PerAddress, c.perAddress)
		var logged bytes.Buffer
		warnOfFiles(cfg, c.files, slog.New(slog.NewTextHandler(&logged, nil)))
		assert.Equal(t, fmt.Sprint(c.flags, c.files, " warns"), logged.Len() > 0, c.warns)
	}
}

// polling is a session that the test polls by hand, for what a client with a heartbeat would not do.
type polling struct {
	t      *testing.T
	client *http.Client
	sid    string
}

func (p *polling) ask(method, node, body string) (status int, answer string) {
	p.t.Helper()
	url := node + "/socket.io/?EIO=4&transport=polling"
	if p.sid != "" {
		url += "&sid=" + p.sid
	}
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	assert.NoError(p.t, err)
	res, err := p.client.Do(r)
	assert.NoError(p.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	assert.NoError(p.t, err)
	return res.StatusCode, string(text)
}

// joinPolling opens a session and connects it.
func joinPolling(t *testing.T, client *http.Client, node string) *polling {
	t.Helper()
	t.Cleanup(client.CloseIdleConnections)
	p := &polling{t: t, client: client}
	_, open := p.ask(http.MethodGet, node, "")
	var terms struct{ SID string }
	assert.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(open, "0")), &terms))
	p.sid = terms.SID
	p.ask(http.MethodPost, node, "40")
	for got := ""; !strings.Contains(got, `42["presence"`); {
		_, got = p.ask(http.MethodGet, node, "")
	}
	return p
}

// TestLIM14_DelayedBodiesAreNotCutShort: neither by the node that holds it back, nor by one that forwards.
func TestLIM14_DelayedBodiesAreNotCutShort(t *testing.T) {
	short := timeouts{header: time.Second, request: time.Second, idle: patience}
	redis := "--redis-url=redis://" + redistest.Start(t).Addr
	owner := startWith(t, short, logger(t), redis, "--message-rate=10", "--message-burst=1")
	other := startWith(t, short, logger(t), redis)
	for _, node := range []*App{owner, other} {
		p := joinPolling(t, http.DefaultClient, owner.url())
		status, _ := p.ask(http.MethodPost, node.url(), strings.Repeat(`42["x"]`+"\x1e", 30)+`42["x"]`)
		assert.Equal(t, "a POST of three seconds", status, http.StatusOK)
		speaker := open(t, other.url(), siotest.Options{Transport: siotest.WebSocket})
		longest := time.Duration(0)
		for longest < 2*short.request { // the number of clients changes at first
			began := time.Now()
			speaks := time.AfterFunc(3*short.request, func() {
				speaker.Emit(func(json.RawMessage, error) {}, "event:message", map[string]any{"message": "hello", "username": "tester"})
			})
			status, body := p.ask(http.MethodGet, node.url(), "")
			speaks.Stop()
			if status != http.StatusOK || strings.HasSuffix(body, "\x1e1") {
				t.Fatalf("poll: %d %s", status, body)
			}
			longest = time.Since(began)
		}
	}
}
