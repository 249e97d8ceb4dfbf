package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// listen runs a real server until the connections of the test are closed.
func listen(t *testing.T, b *backend) *httptest.Server {
	server := httptest.NewServer(newHandler(b))
	t.Cleanup(server.Close)
	return server
}

// dial opens a connection to a real server and sends bytes.
func dial(t *testing.T, url, text string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	assert.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	assert.NoError(t, nc.SetDeadline(time.Now().Add(assert.Patience)))
	_, err = io.WriteString(nc, text)
	assert.NoError(t, err)
	return nc
}

// answerOn reads one answer.
func answerOn(t *testing.T, nc net.Conn) *http.Response {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
	assert.NoError(t, err)
	return answer
}

func head(key string, length int) string {
	return fmt.Sprintf("POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", key, length)
}

// TestAPI13_ASlowBodyHoldsNothing: as many slow bodies as there are places for requests at work do not disturb others, and get
// their answer in the end.
func TestAPI13_ASlowBodyHoldsNothing(t *testing.T) {
	b := &backend{}
	server := listen(t, b)
	var slow []net.Conn
	for range atWork + 10 {
		slow = append(slow, dial(t, server.URL, head(testKey, 100)+`{"message":`))
	}
	quick := dial(t, server.URL, head(testKey, 15)+`{"message":"m"}`)
	assert.Equal(t, "another request", answerOn(t, quick).StatusCode, 200)
	assert.Equal(t, "published", len(b.said()), 1)
	for _, nc := range slow {
		assert.Equal(t, "a slow one", answerOn(t, nc).StatusCode, 408)
	}
}

// TestAPI13_ARefusalDoesNotWaitForTheBody: neither for the rest of a body that is too large, nor for one of a stranger.
func TestAPI13_ARefusalDoesNotWaitForTheBody(t *testing.T) {
	server := listen(t, &backend{})
	for text, status := range map[string]int{
		head("wrong", 100):    401,
		head(testKey, 100000): 413,
		strings.Replace(head(testKey, 100), "application/json", "text/plain", 1): 415,
		strings.Replace(head(testKey, 100), "POST", "PUT", 1):                    405,
	} {
		began := time.Now()
		nc := dial(t, server.URL, text+"{")
		answer := answerOn(t, nc)
		assert.Equal(t, text, answer.StatusCode, status)
		assert.Equal(t, "the connection ends", answer.Close, true)
		if took := time.Since(began); took > bodyTimeout/2 {
			t.Errorf("%d came after %v", status, took)
		}
	}
}

func TestAPI13_AConnectionServesManyRequests(t *testing.T) {
	b := &backend{}
	server := listen(t, b)
	nc := dial(t, server.URL, "")
	from := bufio.NewReader(nc)
	for range 3 {
		_, err := io.WriteString(nc, head(testKey, 15)+`{"message":"m"}`)
		assert.NoError(t, err)
		answer, err := http.ReadResponse(from, nil)
		assert.NoError(t, err)
		_, err = io.Copy(io.Discard, answer.Body)
		assert.NoError(t, err)
		assert.Equal(t, "status", answer.StatusCode, 200)
	}
	assert.Equal(t, "published", len(b.said()), 3)
}

func TestAPI13_AStartingNodeIsNotAsked(t *testing.T) {
	b := &backend{}
	h := newHandler(b, func(o *Options) { o.Ready = func() bool { return false } })
	assert.Equal(t, "code", serve(t, h, call{path: "/api/v1/messages", body: `{"message":"m"}`}).code, "unavailable")
	assert.Equal(t, "published", len(b.said()), 0)
}

// TestAPI13_RequestsAtWorkAreBounded: when the backend does not answer, the excess is refused at once.
func TestAPI13_RequestsAtWorkAreBounded(t *testing.T) {
	b := &backend{waits: make(chan struct{})}
	h := newHandler(b)
	done := make(chan int, atWork)
	for range atWork {
		go func() { done <- status(h, call{path: "/api/v1/messages", body: `{"message":"m"}`}) }()
	}
	assert.Eventually(t, "all places are taken", func() bool { return len(b.said()) == atWork })
	got := serve(t, h, call{path: "/api/v1/nodes"})
	assert.Equal(t, "one more", got.code, "unavailable")
	close(b.waits)
	for range atWork {
		assert.Equal(t, "status", assert.Receive(t, "an answer", done), 200)
	}
	assert.Equal(t, "after that", serve(t, h, call{path: "/api/v1/nodes"}).status, 200)
}
