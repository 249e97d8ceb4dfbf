// Package siotest is a Socket.IO client for tests: Engine.IO v4 and Socket.IO v5 over polling, WebSocket, or the upgrade
// from one to the other.
//
// It reconnects by itself and recovers by pid and offset, as the stock client does. It records every message with its
// offset, every connect, and every breach of the wire contract that a single client can notice. Several clients, each in a
// namespace of its own, may share a connection. Unlike the stock client it never waits long, and a test can cut its
// connection.
package siotest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// Transport is how a client connects.
type Transport int

// The transports.
const (
	Polling   Transport = iota // polling only
	WebSocket                  // WebSocket only
	Upgrade                    // polling, then WebSocket: the default of the stock client
)

// String is the name of the transport.
func (t Transport) String() string { return [...]string{"polling", "websocket", "upgrade"}[t] }

// ErrLost is the outcome of an event whose connection ended before its ack: the server may or may not have handled it.
var ErrLost = errors.New("connection lost before the ack")

// Options say where and how to connect. URL is required: http://host:port, or https://host:port with TLS.
type Options struct {
	URL       string
	TLS       *tls.Config // nil: plain
	Transport Transport
	Namespace string         // "/" if it is empty
	Auth      map[string]any // sent with every CONNECT, beside pid and offset
	NoRecover bool           // never sends pid and offset, as clients before 4.6
	OnMessage func(Message)  // called for each message in order, from one goroutine; must be quick
}

// Client is one client in one namespace. Its methods may be called from any goroutine.
type Client struct {
	opts Options
	link *link

	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil while nobody waits
	session *session      // the present one, once CONNECT is answered, or nil
	left    bool          // nothing is recorded any more
	acks    map[int]func(json.RawMessage, error)
	record  record
}

// Open returns a client that connects, and connects again whenever its connection ends, until Close.
func Open(opts Options) *Client {
	if opts.Namespace == "" {
		opts.Namespace = "/"
	}
	l := newLink(opts)
	return l.join(opts)
}

// Beside returns a client in another namespace over the connection of this one. There may be only one in each namespace at a
// time.
func (c *Client) Beside(namespace string) *Client {
	opts := c.opts
	opts.Namespace, opts.OnMessage = namespace, nil
	return c.link.join(opts)
}

// Leave disconnects the client from its namespace; the connection stays. Pending acks end with [ErrLost].
func (c *Client) Leave() {
	c.link.leave(c)
	c.lost(errLeft)
}

// Close ends the connection, with all clients on it, without a farewell to the server, and waits for its end.
func (c *Client) Close() { c.link.close() }

// Transport is how the client connects.
func (c *Client) Transport() Transport { return c.opts.Transport }

// Cut ends the client's connection as a failure of the network would, at any moment; the client then reconnects.
func (c *Client) Cut() { c.link.cut() }

// SetAuth replaces [Options.Auth] for the next CONNECT, as a stock client's auth function does.
func (c *Client) SetAuth(auth map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opts.Auth = auth
}

// greeting is the CONNECT packet.
func (c *Client) greeting() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	auth := map[string]any{}
	for k, v := range c.opts.Auth {
		auth[k] = v
	}
	if pid, offset := c.record.claim(); pid != "" && !c.opts.NoRecover {
		auth["pid"] = pid
		if offset != "" {
			auth["offset"] = offset
		}
	}
	packet := "0" + c.address()
	if len(auth) == 0 {
		return packet
	}
	b, _ := json.Marshal(auth)
	return packet + string(b)
}

// address names the namespace in a packet.
func (c *Client) address() string {
	if c.opts.Namespace == "/" {
		return ""
	}
	return c.opts.Namespace + ","
}

// lost handles the end of a session, or of the client: its pending acks end with [ErrLost].
func (c *Client) lost(why error) {
	c.mu.Lock()
	c.session = nil
	c.left = c.left || errors.Is(why, errLeft)
	acks := c.acks
	c.acks = map[int]func(json.RawMessage, error){}
	c.record.disconnected(why)
	c.changeLocked()
	c.mu.Unlock()
	for _, done := range acks {
		done(nil, ErrLost)
	}
}

// handle handles a Socket.IO packet of the client's namespace.
func (c *Client) handle(s *session, kind byte, data []byte) error {
	switch kind {
	case '0':
		return c.connected(s, data)
	case '2':
		return c.event(data)
	case '3':
		return c.acked(data)
	case '1', '4':
		err := fmt.Errorf("refused by the server: %c%s", kind, data)
		c.breach(err.Error())
		return err
	default:
		return fmt.Errorf("unexpected packet %c%.40q", kind, data)
	}
}

func (c *Client) connected(s *session, data []byte) error {
	var answer struct{ Sid, Pid string }
	if err := json.Unmarshal(data, &answer); err != nil {
		return fmt.Errorf("CONNECT answer %.80q: %w", data, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left {
		return nil
	}
	c.session = s
	c.record.connected(answer.Sid, answer.Pid)
	c.changeLocked()
	return nil
}

func (c *Client) event(data []byte) error {
	var args []json.RawMessage
	if err := json.Unmarshal(data, &args); err != nil || len(args) == 0 {
		return fmt.Errorf("event %.80q: %w", data, err)
	}
	c.mu.Lock()
	if c.left { // while this packet came
		c.mu.Unlock()
		return nil
	}
	msg, isMessage := c.record.event(args, c.session != nil)
	c.changeLocked()
	c.mu.Unlock()
	if isMessage && c.opts.OnMessage != nil {
		c.opts.OnMessage(msg)
	}
	return nil
}

func (c *Client) acked(data []byte) error {
	digits := 0
	for digits < len(data) && data[digits] >= '0' && data[digits] <= '9' {
		digits++
	}
	id, err := strconv.Atoi(string(data[:digits]))
	var args []json.RawMessage
	if err == nil {
		err = json.Unmarshal(data[digits:], &args)
	}
	if err != nil || len(args) != 1 {
		return fmt.Errorf("ack %.80q: %w", data, err)
	}
	c.mu.Lock()
	done, left := c.acks[id], c.left
	delete(c.acks, id)
	c.mu.Unlock()
	if left && done == nil {
		return nil
	}
	if done == nil {
		c.breach("ack that nobody asked for: " + strconv.Itoa(id))
		return nil
	}
	done(args[0], nil)
	return nil
}

// Emit sends an event on the present connection and reports whether there is one. It calls done once, with the first
// argument of the ack or with [ErrLost]; done must not block. Events of one goroutine are sent in the order of its calls.
func (c *Client) Emit(done func(json.RawMessage, error), event string, args ...any) bool {
	b, err := json.Marshal(append([]any{event}, args...))
	if err != nil {
		panic(err) // a mistake in the test
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		return false
	}
	id := int(c.link.acks.Add(1))
	c.acks[id] = done
	c.session.send("2" + c.address() + strconv.Itoa(id) + string(b))
	return true
}

// Call waits until the client is connected, sends an event and returns the first argument of its ack.
func (c *Client) Call(ctx context.Context, event string, args ...any) (json.RawMessage, error) {
	type outcome struct {
		ack json.RawMessage
		err error
	}
	result := make(chan outcome, 1)
	done := func(ack json.RawMessage, err error) { result <- outcome{ack, err} }
	for !c.Emit(done, event, args...) {
		if err := c.Wait(ctx, func(s State) bool { return s.Connected }); err != nil {
			return nil, err
		}
	}
	select {
	case r := <-result:
		return r.ack, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// State is a snapshot of a client.
type State struct {
	Connected bool   // CONNECT was answered, and the connection has not ended since
	Joined    bool   // and the joining offset has come
	Connects  int    // CONNECTs answered so far
	Recovered int    // how many of them recovered
	Messages  int    // over all segments
	Offset    string // the newest seen
}

// State returns the present state.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stateLocked()
}

func (c *Client) stateLocked() State {
	s := c.record.state()
	s.Connected = c.session != nil
	s.Joined = s.Joined && s.Connected
	return s
}

// Wait waits until cond holds, or returns the error of ctx. cond must be quick.
func (c *Client) Wait(ctx context.Context, cond func(State) bool) error {
	for {
		c.mu.Lock()
		if cond(c.stateLocked()) {
			c.mu.Unlock()
			return nil
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *Client) changeLocked() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

func (c *Client) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record.note(what)
}

func (c *Client) breach(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record.breach(what)
}

// Report returns a copy of everything that the client has recorded.
func (c *Client) Report() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.record.report()
}
