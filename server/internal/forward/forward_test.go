package forward

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/test/assert"
)

func TestP7_ForwardKeepsTheRequestAsItCame(t *testing.T) {
	type seen struct{ method, query, host, origin, xff, peer, body string }
	got := make(chan seen, 1)
	a, b := pair(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get(ticketHeader)+r.Header.Get(peerHeader)+r.Header.Get("Accept-Encoding") != "" {
			t.Error("headers of the way reach the edge")
		}
		got <- seen{r.Method, r.URL.RawQuery, r.Host, r.Header.Get("Origin"), r.Header.Get("X-Forwarded-For"), r.RemoteAddr, string(body)}
		w.Header().Set("X-Owner", "b")
		w.WriteHeader(202)
		io.WriteString(w, "ok")
	}, nil)
	var local string
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			local = conn.LocalAddr().String()
		}
		return conn, err
	}}}
	defer client.CloseIdleConnections()
	query := "EIO=4&transport=polling&t=a%2Fb;c&sid=" + nodeid.NewSession(nodeB)
	for _, method := range []string{"GET", "POST", "PUT"} {
		body := ""
		if method == "POST" {
			body = strings.Repeat("4x\x1e", 1000)
		}
		req, _ := http.NewRequest(method, a.server.URL+testPath+"?"+query, strings.NewReader(body))
		req.Host = "chat.example"
		req.Header.Set("Origin", "https://app.example")
		req.Header.Set("X-Forwarded-For", "203.0.113.7")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		assert.Equal(t, "seen", <-got, seen{method, query, "chat.example", "https://app.example", "203.0.113.7", local, body})
		assert.Equal(t, "answer", line(resp.StatusCode, resp.Header.Get("X-Owner"), string(answer)), "202 b ok")
	}
	assert.Eventually(t, "forwarded", func() bool { return a.f.Stats().Forwarded >= 3 }) // counted once the client has its answer
	assert.Equal(t, "forwarded", a.f.Stats().Forwarded, 3)
	assert.Equal(t, "received", b.f.Stats().Received, 3)
}

func TestForwardServesItsOwnSessions(t *testing.T) {
	a, _ := pair(t, answer(200, "b"), nil)
	for query, want := range map[string]string{
		"":                                  "a",
		"?sid=":                             "a",
		"?sid=old-style":                    "a",
		"?sid=" + nodeid.NewSession(nodeA):  "a",
		"?sid=" + nodeid.NewSession(nodeB):  "b",
		"x?sid=" + nodeid.NewSession(nodeB): "a", // another path
	} {
		_, got := a.ask(t, "GET", query, nil, nil)
		assert.Equal(t, query, got, want)
	}
	_, got := a.ask(t, "OPTIONS", "?sid="+nodeid.NewSession(nodeB), nil, nil)
	assert.Equal(t, "preflight", got, "a")
}

func TestForwardToAnUnknownNode(t *testing.T) {
	a, b := pair(t, answer(200, "b"), nil)
	unknown := func(what, id string) {
		t.Helper()
		status, body := a.ask(t, "POST", "?sid="+nodeid.NewSession(id), strings.NewReader("4x"), nil)
		assert.Equal(t, what, line(status, body), "400 unknown")
		status, body = a.ask(t, "GET", "?sid="+nodeid.NewSession(id), nil, nil)
		assert.Equal(t, what, line(status, body), "400 unknown")
		conn, head := dialWebSocket(t, a, nodeid.NewSession(id))
		defer conn.Close()
		assert.Equal(t, what, head.StatusCode, 400)
	}
	unknown("not registered", nodeC)
	b.server.Close()
	unknown("gone", nodeB)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := silent.Addr().String()
	silent.Close()
	a.dir.at[nodeC] = address
	unknown("nobody listens", nodeC)
	assert.Equal(t, "active", a.f.active.Load(), 0)
}

func TestForwardIsLoopProof(t *testing.T) {
	a, b := pair(t, answer(200, "b"), nil)
	// Both tables are wrong, as after a restart on a reused address: they place C at B, and at A.
	a.dir.at[nodeC], b.dir.at[nodeC] = b.address(), a.address()
	status, body := a.ask(t, "GET", "?sid="+nodeid.NewSession(nodeC), nil, nil)
	assert.Equal(t, "answer", line(status, body), "400 unknown")
	assert.Equal(t, "refused by b", b.f.Stats().Forged, 1)
	assert.Equal(t, "not passed on", b.f.Stats().Forwarded, 0)
	// A node whose entry has our own address.
	a.dir.at[nodeC] = a.address()
	status, body = a.ask(t, "GET", "?sid="+nodeid.NewSession(nodeC), nil, nil)
	assert.Equal(t, "answer", line(status, body), "400 unknown")
}

func TestForwardRefusesForgedHeaders(t *testing.T) {
	peers := make(chan string, 1)
	_, b := pair(t, func(_ http.ResponseWriter, r *http.Request) {
		peers <- r.RemoteAddr
		if r.Header.Get(peerHeader) != "" {
			t.Error("peer header reaches the edge")
		}
	}, nil)
	forged := func(sid string, tickets ...string) int {
		h := http.Header{peerHeader: {"198.51.100.1:1"}}
		if tickets != nil {
			h[ticketHeader] = tickets
		}
		status, _ := b.ask(t, "GET", "?sid="+sid, nil, h)
		return status
	}
	own := nodeid.NewSession(nodeB)
	right := Ticket("secret", nodeB)
	assert.Equal(t, "guessed", forged(own, "guess"), 400)
	assert.Equal(t, "empty", forged(own, ""), 400)
	assert.Equal(t, "other node's", forged(own, Ticket("secret", nodeA)), 400)
	assert.Equal(t, "two", forged(own, right, "guess"), 400)
	assert.Equal(t, "for another's session", forged(nodeid.NewSession(nodeA), right), 400)
	assert.Equal(t, "for a new session", forged("", right), 400)
	assert.Equal(t, "counted", b.f.Stats().Forged, 6)
	assert.Equal(t, "without a ticket", forged(own), 200)
	if peer := <-peers; !strings.HasPrefix(peer, "127.0.0.1:") {
		t.Fatalf("taken for a request of %s", peer)
	}
	assert.Equal(t, "right", forged(own, right), 200)
	assert.Equal(t, "peer", <-peers, "198.51.100.1:1")
}

func TestForwardStreamsALongPoll(t *testing.T) {
	more := make(chan string)
	a, _ := pair(t, func(w http.ResponseWriter, r *http.Request) {
		for part := range more {
			io.WriteString(w, part)
			_ = http.NewResponseController(w).Flush()
		}
	}, nil)
	resp, err := a.server.Client().Get(func() string {
		go func() { more <- "first" }()
		return a.server.URL + testPath + "?sid=" + nodeid.NewSession(nodeB)
	}())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 5)
	_, err = io.ReadFull(resp.Body, buf)
	assert.Equal(t, "before the end", line(string(buf), err), "first <nil>")
	more <- "rest"
	close(more)
	rest, err := io.ReadAll(resp.Body)
	assert.Equal(t, "rest", line(string(rest), err), "rest <nil>")
}

func TestForwardEndsThePollThatTheClientAborts(t *testing.T) {
	begun, ended := make(chan bool), make(chan bool)
	a, _ := pair(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		begun <- true
		<-r.Context().Done()
		ended <- true
	}, nil)
	for _, body := range []string{"", "4posted"} {
		ctx, abort := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			req, _ := http.NewRequestWithContext(ctx, "POST", a.server.URL+testPath+"?sid="+nodeid.NewSession(nodeB), strings.NewReader(body))
			_, err := a.server.Client().Do(req)
			failed <- err
		}()
		<-begun
		abort()
		if <-failed == nil {
			t.Fatal("the aborted request succeeded")
		}
		<-ended
	}
	assert.Eventually(t, "place given back", func() bool { return a.f.active.Load() == 0 })
}

func TestForwardBreaksOffWhenTheOwnerDiesMidway(t *testing.T) {
	a, _ := pair(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, nil)
	resp, err := a.server.Client().Get(a.server.URL + testPath + "?sid=" + nodeid.NewSession(nodeB))
	if err == nil {
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
	}
	if err == nil {
		t.Fatal("half an answer looked like a whole one")
	}
	assert.Eventually(t, "place given back", func() bool { return a.f.active.Load() == 0 })
}

func TestP6_ForwardLetsTheOwnerRefuseALargeBody(t *testing.T) {
	owner := func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20)); err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		}
	}
	a, _ := pair(t, owner, nil)
	for range 5 {
		chunked := io.MultiReader(strings.NewReader(strings.Repeat("x", 3<<20))) // no Content-Length
		status, _ := a.ask(t, "POST", "?sid="+nodeid.NewSession(nodeB), chunked, nil)
		assert.Equal(t, "status", status, 413)
	}
}

func TestP6_ForwardBoundsTheBodyItself(t *testing.T) {
	var read atomic.Int64
	a, _ := pair(t, func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		read.Add(n)
	}, func(cfg *Config, _ *timings) { cfg.MaxBody = 1 << 20 })
	body := io.MultiReader(strings.NewReader(strings.Repeat("x", 8<<20)))
	status, _ := a.ask(t, "POST", "?sid="+nodeid.NewSession(nodeB), body, nil)
	assert.Equal(t, "status", status, 400)
	assert.Eventually(t, "place given back", func() bool { return a.f.active.Load() == 0 })
	if n := read.Load(); n > 1<<20 {
		t.Fatalf("%d bytes passed", n)
	}
}

func TestP6_ForwardGivesUpABodyThatNeverComes(t *testing.T) {
	a, _ := pair(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) },
		func(_ *Config, times *timings) { times.body = 50 * time.Millisecond })
	conn, err := net.Dial("tcp", a.address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s?sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", testPath, nodeid.NewSession(nodeB))
	if _, err := io.Copy(io.Discard, conn); err != nil { // the server closes
		t.Fatal(err)
	}
	assert.Eventually(t, "place given back", func() bool { return a.f.active.Load() == 0 })
}

func TestForwardWaitsForASlowAnswerToAPost(t *testing.T) {
	const held = 200 * time.Millisecond
	a, _ := pair(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = pace.Sleep(r.Context(), held) // the edge holds back a client that sends too fast
		if r.Context().Err() == nil {
			io.WriteString(w, "ok")
		}
	}, func(_ *Config, times *timings) { times.body = held / 4 })
	for range 2 { // on one connection
		_, body := a.ask(t, "POST", "?sid="+nodeid.NewSession(nodeB), strings.NewReader("4x"), nil)
		assert.Equal(t, "answer", body, "ok")
	}
}

func TestP6_ForwardsInFlightAreBounded(t *testing.T) {
	begun, held := make(chan bool, 4), make(chan bool)
	release := sync.OnceFunc(func() { close(held) })
	a, _ := pair(t, func(_ http.ResponseWriter, r *http.Request) {
		begun <- true
		<-held
	}, func(cfg *Config, _ *timings) { cfg.Limit = 3 })
	t.Cleanup(release)
	var polls sync.WaitGroup
	for range 3 {
		polls.Go(func() { a.ask(t, "GET", "?sid="+nodeid.NewSession(nodeB), nil, nil) })
		<-begun
	}
	status, body := a.ask(t, "GET", "?sid="+nodeid.NewSession(nodeB), nil, nil)
	assert.Equal(t, "fourth", line(status, body), "503 busy")
	_, body = a.ask(t, "GET", "?sid="+nodeid.NewSession(nodeA), nil, nil)
	assert.Equal(t, "own sessions", body, "a")
	assert.Equal(t, "counted", a.f.Stats().Busy, 1)
	release()
	polls.Wait()
	status, _ = a.ask(t, "GET", "?sid="+nodeid.NewSession(nodeB), nil, nil)
	assert.Equal(t, "a request after that", status, 200)
}

func TestForwardManyAtOnce(t *testing.T) {
	a, b := pair(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }, nil)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for j := range 20 {
				want := fmt.Sprintf("%d/%d", i, j)
				if _, got := a.ask(t, "POST", "?sid="+nodeid.NewSession(nodeB), strings.NewReader(want), nil); got != want {
					t.Errorf("sent %s, got %s", want, got)
				}
			}
		})
	}
	all.Wait()
	assert.Equal(t, "received", b.f.Stats().Received, 1000)
	assert.Eventually(t, "places given back", func() bool { return a.f.active.Load() == 0 })
}
