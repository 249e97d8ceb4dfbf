package adapter

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
)

// fabric connects the buses of a test's nodes. It loses what the test wants lost.
type fabric struct {
	mu    sync.Mutex
	buses []*fakeBus
	lose  func(to string, m *message) bool // nil: nothing
	err   error                            // of every message, unless nil
	told  int                              // messages given to it
}

type fakeBus struct {
	fabric *fabric
	id     string
	queue  chan func()

	mu  sync.Mutex
	sub func(from string, payload []byte)
}

var _ bus.Bus = (*fakeBus)(nil)

func (f *fabric) join(t *testing.T) *fakeBus {
	b := &fakeBus{fabric: f, queue: make(chan func(), 1<<14)}
	f.mu.Lock()
	b.id = fmt.Sprintf("node%d", len(f.buses))
	f.buses = append(f.buses, b)
	f.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for fn := range b.queue {
			fn()
		}
	}()
	t.Cleanup(func() {
		f.mu.Lock()
		f.buses = slices.DeleteFunc(f.buses, func(other *fakeBus) bool { return other == b })
		f.mu.Unlock()
		close(b.queue)
		<-done
	})
	return b
}

func (f *fabric) set(change func(f *fabric)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// losing drops the messages of one kind.
func (f *fabric) losing(k kind) {
	f.set(func(f *fabric) { f.lose = func(_ string, m *message) bool { return m.Kind == k } })
}

func (f *fabric) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told
}

func (b *fakeBus) send(topic string, payload []byte, wanted func(id string) bool) error {
	b.fabric.mu.Lock()
	defer b.fabric.mu.Unlock()
	if b.fabric.err != nil {
		return b.fabric.err
	}
	b.fabric.told++
	for _, other := range b.fabric.buses {
		m := &message{}
		_ = json.Unmarshal(payload, m)
		if other != b && wanted(other.id) && topic == busTopic && (b.fabric.lose == nil || !b.fabric.lose(other.id, m)) {
			copied := slices.Clone(payload)
			other.queue <- func() { other.deliver(b.id, copied) }
		}
	}
	return nil
}

func (b *fakeBus) deliver(from string, payload []byte) {
	b.mu.Lock()
	sub := b.sub
	b.mu.Unlock()
	if sub != nil {
		sub(from, payload)
	}
}

func (b *fakeBus) Publish(topic string, payload []byte) error {
	return b.send(topic, payload, func(string) bool { return true })
}

func (b *fakeBus) Send(node, topic string, payload []byte) error {
	return b.send(topic, payload, func(id string) bool { return id == node })
}

func (b *fakeBus) Subscribe(_ string, fn func(string, []byte)) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sub = fn
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.sub = nil
	}
}

// clusterTimeout is how long the hubs of a test wait for each other.
const clusterTimeout = 2 * time.Second

// peer is a node of a cluster with an edge on a loopback port.
type peer struct {
	*node
	addr string
}

// newPeers starts n nodes that share a stream and a bus. A test may change their time-out before they ask anything.
func newPeers(t *testing.T, n int) (*fabric, []*peer) {
	t.Helper()
	f, shared := &fabric{}, memory.New(memory.Options{})
	var all []*peer
	for range n {
		all = append(all, newPeer(t, shared, f.join(t), func() int { return n }))
	}
	return f, all
}

func newPeer(t *testing.T, s stream.Stream, b bus.Bus, nodes func() int, edits ...func(*setup, *engineio.Options)) *peer {
	t.Helper()
	n := &node{t: t}
	options := engineio.Options{NewID: rand.Text, AllowBinary: true}
	parts := setup{Options: Options{Bus: b, Nodes: nodes, Timeout: clusterTimeout}}
	for _, edit := range edits {
		edit(&parts, &options)
	}
	following := n.start(s, parts)
	options.Sweepers, options.Logger = n.sweepers, n.hub.logger
	edge := engineio.NewServer(options)
	n.io.Bind(edge)
	server := httptest.NewServer(edge)
	t.Cleanup(func() {
		_ = edge.Shutdown(t.Context(), 0)
		server.Close()
		n.hub.Close()
		following.Wait()
		n.sweepers.Close()
	})
	return &peer{node: n, addr: strings.TrimPrefix(server.URL, "http://")}
}

// remote is a client that is connected by WebSocket to one namespace.
type remote struct {
	t    *testing.T
	net  net.Conn
	sid  string
	room socket.Room // its own

	pid, offset string // what it needs to recover; in "/" only
	at          *peer
}

// dial connects a client to a namespace; auth is the payload of its CONNECT.
func (p *peer) dial(nsp, auth string) *remote {
	p.t.Helper()
	conn, buffered, _, err := ws.Dial(p.t.Context(), "ws://"+p.addr+"/socket.io/?EIO=4&transport=websocket&colour=blue")
	assert.NoError(p.t, err)
	if buffered != nil {
		conn = &bufferedConn{conn, io.MultiReader(buffered, conn)}
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	c := &remote{t: p.t, net: conn, at: p}
	c.receive() // open
	prefix := ""
	if nsp != "/" {
		prefix = nsp + ","
	}
	c.send("40" + prefix + auth)
	answer := struct{ Sid, Pid string }{}
	text := c.receive()
	assert.NoError(p.t, json.Unmarshal([]byte(strings.TrimPrefix(text, "40"+prefix)), &answer))
	c.sid, c.room, c.pid = answer.Sid, socket.Room(answer.Sid), answer.Pid
	if nsp == "/" {
		presence := c.receive()
		assert.NoError(p.t, json.Unmarshal([]byte(strings.TrimPrefix(presence, "42")), &[]any{new(string), &struct{}{}, &c.offset}))
	}
	return c
}

// bufferedConn first reads what arrived together with the answer to the handshake.
type bufferedConn struct {
	net.Conn
	r io.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.r.Read(p) }

func (c *remote) send(packets ...string) {
	c.t.Helper()
	for _, p := range packets {
		assert.NoError(c.t, wsutil.WriteClientText(c.net, []byte(p)))
	}
}

// receive returns the next Engine.IO message.
func (c *remote) receive() string {
	c.t.Helper()
	assert.NoError(c.t, c.net.SetReadDeadline(time.Now().Add(patience)))
	b, _, err := wsutil.ReadServerData(c.net)
	if err != nil {
		c.t.Fatalf("reading as %s: %v", c.sid, err)
	}
	return string(b)
}

// want checks the next messages.
func (c *remote) want(messages ...string) {
	c.t.Helper()
	for _, m := range messages {
		if got := c.receive(); got != m {
			c.t.Fatalf("message for the client:\n got %s\nwant %s", got, m)
		}
	}
}

// question reads an event that wants an answer, and returns its id.
func (c *remote) question(event string) string {
	c.t.Helper()
	got := c.receive()
	id, ok := strings.CutSuffix(strings.TrimPrefix(got, "42"), event)
	if !ok {
		c.t.Fatalf("question for the client: got %s, want %s", got, event)
	}
	return id
}

// socket is the library's socket of the client.
func (c *remote) socket() *socket.Socket { return c.at.socketOf(c.sid) }

// outcome is what a callback was called with.
type outcome struct {
	values []any
	err    error
}

// await returns what a channel receives in time.
func await[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("never came: %s", what)
		panic("unreachable")
	}
}
