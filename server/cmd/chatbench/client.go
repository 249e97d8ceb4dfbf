package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"
)

// connectTimeout bounds the time from dialling to the first message.
const connectTimeout = 20 * time.Second

// readBuffer is the most bytes of one read: under load they are many frames, as in a browser.
const readBuffer = 16 << 10

// client is one WebSocket client. It always reads and may send.
type client struct {
	run  *load
	conn net.Conn
	node int // index of its address
	id   int // the client sends if its id is below the number of senders

	speakers []int // what the client is in the plan: one speaker for each of its rooms

	writing sync.Mutex // one frame at a time: the sender's, or the reader's pongs

	window chan struct{} // messages in flight; nil: not limited

	// Owned by the reader: first the handshake, then the read loop. Others read them after it has ended.
	buf      []byte
	start    int // unread bytes are buf[start:end]
	end      int
	places   places
	seen     int64 // different messages
	bytes    int64 // of frames that carried messages of the measurement
	messages int64 // in those frames
	local    latencies
	crossed  latencies // from a sender on another node
}

// dial connects client i of the plan. It checks only the status of the WebSocket handshake: chatbench measures servers, it
// does not verify them.
func dial(run *load, i int) (*client, error) {
	node := i % len(run.options.nodes)
	u := run.options.nodes[node]
	conn, err := dialTCP(u, i%run.options.sources)
	if err != nil {
		return nil, err
	}
	c := &client{run: run, conn: conn, node: node, buf: make([]byte, readBuffer), speakers: run.speakers[i]}
	c.places = newPlaces(run.plan, c.speakers)
	if err := c.greet(u); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// dialTCP connects from one of several loopback addresses; source 0 leaves the choice to the system.
func dialTCP(u *url.URL, source int) (net.Conn, error) {
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	address := net.JoinHostPort(u.Hostname(), port)
	dialer := &net.Dialer{Timeout: connectTimeout}
	if source > 0 {
		dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(source))}
	}
	if u.Scheme == "https" {
		return tls.DialWithDialer(dialer, "tcp", address, nil)
	}
	return dialer.Dial("tcp", address)
}

func (c *client) greet(u *url.URL) error {
	if err := c.conn.SetDeadline(time.Now().Add(connectTimeout)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: %s\r\nOrigin: %s://%s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", c.run.options.path, u.Host, u.Scheme, u.Host)
	if err != nil {
		return err
	}
	if err := c.readUpgrade(); err != nil {
		return err
	}
	if err := c.run.options.protocol.greet(c, c.rooms()); err != nil {
		return err
	}
	return c.conn.SetDeadline(time.Time{})
}

// readUpgrade reads the answer to the WebSocket handshake; the bytes after it stay in the buffer.
func (c *client) readUpgrade() error {
	for {
		unread := c.buf[c.start:c.end]
		if i := bytes.Index(unread, []byte("\r\n\r\n")); i >= 0 {
			status, _, _ := bytes.Cut(unread, []byte("\r\n"))
			if !bytes.HasPrefix(status, []byte("HTTP/1.1 101")) {
				return fmt.Errorf("no WebSocket: %s", status)
			}
			c.start += i + 4
			return nil
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

// packet returns the next text frame of the handshake.
func (c *client) packet() (string, error) {
	for {
		op, payload, size, err := cutFrame(c.buf[c.start:c.end])
		if err != nil {
			return "", err
		}
		if size == 0 {
			if err := c.fill(); err != nil {
				return "", err
			}
			continue
		}
		c.start += size
		switch op {
		case opText:
			return string(payload), nil
		case opClose:
			return "", closeError(payload)
		}
	}
}

// fill waits for more bytes, after moving the unread ones to the front of a buffer with room for more.
func (c *client) fill() error {
	c.end = copy(c.buf, c.buf[c.start:c.end])
	c.start = 0
	if c.end == len(c.buf) {
		if len(c.buf) > maxFrame {
			return errFrameSize
		}
		c.buf = append(c.buf, make([]byte, len(c.buf))...)
	}
	n, err := c.conn.Read(c.buf[c.end:])
	c.end += n
	if n > 0 {
		return nil
	}
	return err
}

func (c *client) write(op byte, p []byte) error {
	frame := appendFrame(make([]byte, 0, len(p)+14), op, p)
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err := c.conn.Write(frame)
	return err
}

// read reads until the connection ends and returns why.
func (c *client) read() error {
	for {
		if err := c.frames(c.run.clock()); err != nil {
			return err
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

// frames handles the whole frames in the buffer, which arrived at the time now.
func (c *client) frames(now time.Duration) error {
	before := c.seen
	defer func() { c.run.delivered.Add(c.seen - before) }()
	for {
		op, payload, size, err := cutFrame(c.buf[c.start:c.end])
		if err != nil || size == 0 {
			return err
		}
		c.start += size
		switch op {
		case opText:
			err = c.text(payload, size, now)
		case opPing:
			err = c.write(opPong, payload)
		case opClose:
			err = closeError(payload)
		}
		if err != nil {
			return err
		}
	}
}

// text handles a text frame of size bytes in all. It may carry messages of this run, need an answer, or neither.
func (c *client) text(payload []byte, size int, now time.Duration) error {
	rest, found, measured := payload, false, false
	for {
		m, after, ok := c.run.cutMessage(rest)
		if !ok {
			break
		}
		rest, found = after, true
		if c.note(m, now) {
			measured = true
			c.messages++
		}
	}
	if measured {
		c.bytes += int64(size)
	}
	if found {
		return nil
	}
	if answer := c.run.options.protocol.answer(payload); answer != nil {
		return c.write(opText, answer)
	}
	return nil
}

// note records one message and reports whether it counts for the measurement.
func (c *client) note(m message, now time.Duration) bool {
	first := c.places.add(m.speaker, m.number)
	if !first {
		return false
	}
	c.seen++
	speaker := c.run.plan.client(m.speaker)
	if speaker == c.id {
		c.release()
	}
	if m.sent < time.Duration(c.run.measureFrom.Load()) {
		return false
	}
	if c.run.clients[speaker].node == c.node {
		c.local.add(now - m.sent)
	} else {
		c.crossed.add(now - m.sent)
	}
	return true
}

// rooms are the names of the client's rooms, none if there is only the one of everybody.
func (c *client) rooms() (names []string) {
	if c.run.plan.rooms == 0 {
		return nil
	}
	for _, s := range c.speakers {
		names = append(names, c.run.plan.roomName(c.run.plan.room(s)))
	}
	return names
}

// acquire waits until one more message may be in flight. It reports false if ctx ends first.
func (c *client) acquire(ctx context.Context) bool {
	if c.window == nil {
		return true
	}
	select {
	case c.window <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// release lets this client send one more message. It never blocks, even if a server invents messages.
func (c *client) release() {
	select {
	case <-c.window:
	default:
	}
}
