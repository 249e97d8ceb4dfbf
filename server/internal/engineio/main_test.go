package engineio

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// edge is a server on a loopback port, with what it reported.
type edge struct {
	*Server
	sweepers *fanout.Sweepers
	log      *fanout.Log
	url      string
	addr     string
	sessions chan *Session // in the order of opening

	mu      sync.Mutex
	closed  map[string]int
	refused map[string]int
	appends uint64
}

// newEdge starts a server. Messages are handed to data, in the goroutine that received them; nil ignores them.
func newEdge(t testing.TB, data func(*Session, io.Reader), change ...func(*Options)) *edge {
	e := &edge{sessions: make(chan *Session, 10_000), closed: map[string]int{}, refused: map[string]int{}}
	e.sweepers = fanout.New(fanout.Options{})
	e.log = e.sweepers.NewLog(stream.Offset{}, fanout.Window{})
	o := Options{
		Sweepers: e.sweepers,
		NewID:    rand.Text,
		Raw:      true,
		Logger:   slog.New(slog.NewTextHandler(io.Discard, nil)),
		Hooks:    Hooks{Closed: e.count(e.closed), Refused: e.count(e.refused)},
	}
	for _, fn := range change {
		fn(&o)
	}
	e.Server = NewServer(o)
	assert.NoError(t, e.On("connection", func(args ...any) {
		s := args[0].(*Session)
		if data != nil {
			_ = s.On("data", func(args ...any) { data(s, args[0].(io.Reader)) })
		}
		e.sessions <- s
	}), "listen")

	hs := httptest.NewServer(e)
	e.url, e.addr = hs.URL+"/socket.io/", hs.Listener.Addr().String()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		assert.NoError(t, e.Shutdown(ctx, 0), "shutdown")
		hs.Close()
		e.sweepers.Close()
	})
	return e
}

func (e *edge) count(counters map[string]int) func(string) {
	return func(reason string) {
		e.mu.Lock()
		defer e.mu.Unlock()
		counters[reason]++
	}
}

func (e *edge) closedBy(reason string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed[reason]
}

func (e *edge) refusedBy(reason string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refused[reason]
}

// publish appends a message to the shared log.
func (e *edge) publish(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.appends++
	e.log.Append([]fanout.Frame{{Offset: stream.Offset{Ms: 1, Seq: e.appends}, Bytes: textFrame([]byte(text))}})
}

// echo sends every message back.
func echo(s *Session, message io.Reader) { s.Write(message, nil, nil) }

// quick are the settings of the protocol's public test suite.
func quick(o *Options) {
	o.PingInterval, o.PingTimeout, o.MaxPayload = 300*time.Millisecond, 200*time.Millisecond, 1_000_000
}

func socketIO(o *Options) { o.Raw = false }

// httpClient keeps no connection beyond the test.
func httpClient(t testing.TB) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func messageFrame(text string) []byte {
	return wire.AppendFrame(nil, wire.OpText, append([]byte{wire.PacketMessage}, text...))
}
