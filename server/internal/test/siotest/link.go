package siotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The reasons for which this side ends a session.
var (
	errLeft = errors.New("client closed")
	errCut  = errors.New("cut by the test")
)

const (
	minPause = 20 * time.Millisecond
	maxPause = 500 * time.Millisecond
)

// link is the connection that some clients share, one in each namespace.
type link struct {
	opts Options // of the first client; the connection is as it wants
	stop context.CancelCauseFunc
	done sync.WaitGroup
	acks atomic.Int64

	// mu comes before the clients' own.
	mu      sync.Mutex
	running *session // the present one, or nil
	greeted bool     // the clients of running have sent CONNECT
	clients map[string]*Client
	left    map[string]bool // namespaces that a client has left; something may still come from them
}

func newLink(opts Options) *link {
	ctx, stop := context.WithCancelCause(context.Background())
	l := &link{opts: opts, stop: stop, clients: map[string]*Client{}, left: map[string]bool{}}
	l.done.Go(func() { l.live(ctx) })
	return l
}

func (l *link) close() {
	l.stop(errLeft)
	l.done.Wait()
}

func (l *link) cut() {
	l.mu.Lock()
	s := l.running
	l.mu.Unlock()
	if s != nil {
		s.end(errCut)
	}
}

// join adds a client, which connects now or with the next session.
func (l *link) join(opts Options) *Client {
	c := &Client{opts: opts, link: l, acks: map[int]func(json.RawMessage, error){}}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clients[opts.Namespace] != nil {
		panic("there is a client in " + opts.Namespace) // a mistake in the test
	}
	l.clients[opts.Namespace] = c
	if l.greeted {
		l.running.send(c.greeting())
	}
	return c
}

func (l *link) leave(c *Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clients[c.opts.Namespace] != c {
		return
	}
	delete(l.clients, c.opts.Namespace)
	l.left[c.opts.Namespace] = true
	if l.greeted {
		l.running.send("1" + c.address())
	}
}

// live runs one session after another. The pause between them grows while none connects.
func (l *link) live(ctx context.Context) {
	pause := minPause
	for ctx.Err() == nil {
		if l.run(ctx) {
			pause = minPause
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
		}
		pause = min(2*pause, maxPause)
	}
}

// run runs one session to its end, and reports whether a CONNECT was answered.
func (l *link) run(ctx context.Context) (connected bool) {
	s := newSession(ctx, l.opts)
	s.greet = func() { l.greet(s) }
	s.note = func(what string) {
		for _, c := range l.all() {
			c.note(what)
		}
	}
	s.handle = func(packet []byte) error {
		connected = connected || bytes.HasPrefix(packet, []byte("0"))
		return l.handle(s, packet)
	}
	l.mu.Lock()
	l.running = s
	l.mu.Unlock()
	why := s.run()
	l.mu.Lock()
	l.running, l.greeted = nil, false
	clear(l.left)
	l.mu.Unlock()
	for _, c := range l.all() {
		c.lost(why)
	}
	return connected
}

func (l *link) greet(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.greeted = true
	for _, c := range l.clients {
		s.send(c.greeting())
	}
}

func (l *link) all() []*Client {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.clients))
}

// handle passes a Socket.IO packet to the client of its namespace.
func (l *link) handle(s *session, packet []byte) error {
	if len(packet) == 0 {
		return errors.New("empty packet")
	}
	kind, data, namespace := packet[0], packet[1:], "/"
	if bytes.HasPrefix(data, []byte("/")) {
		front, rest, _ := bytes.Cut(data, []byte(","))
		namespace, data = string(front), rest
	}
	c, left := l.receiver(namespace, kind)
	if c != nil {
		return c.handle(s, kind, data)
	}
	if !left {
		err := fmt.Errorf("ROOM-3: packet %c for %s, where this connection is not", kind, namespace)
		for _, c := range l.all() {
			c.breach(err.Error())
		}
		return err
	}
	return nil
}

// receiver is the client that gets a packet. Without one, left says that the packet may be for a client that has left.
func (l *link) receiver(namespace string, kind byte) (c *Client, left bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, left = l.clients[namespace], l.left[namespace]
	if left && kind != '0' {
		return nil, true // the answer to the next CONNECT comes first
	}
	if c != nil {
		delete(l.left, namespace)
	}
	return c, left
}
