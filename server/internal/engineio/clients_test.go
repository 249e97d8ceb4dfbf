package engineio

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

const eio = "?EIO=4&transport="

// opened is the content of the open packet.
type opened struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

func parseOpen(t testing.TB, packet string) opened {
	t.Helper()
	var o opened
	d := json.NewDecoder(strings.NewReader(strings.TrimPrefix(packet, "0")))
	d.DisallowUnknownFields()
	assert.NoError(t, d.Decode(&o), fmt.Sprintf("open packet %q", packet))
	return o
}

// poller is a client that polls.
type poller struct {
	t      testing.TB
	url    string
	client *http.Client
	open   opened
}

func newPoller(t testing.TB, e *edge) *poller { t.Helper(); return newPollerAt(t, e, "") }

// newPollerAt is newPoller with additions to the query of the handshake.
func newPollerAt(t testing.TB, e *edge, query string) *poller {
	t.Helper()
	p := &poller{t: t, client: httpClient(t)}
	status, body := fetch(t, p.client, http.MethodGet, e.url+eio+"polling"+query, nil)
	assert.Equal(t, "status of the handshake", status, http.StatusOK)
	p.open = parseOpen(t, body)
	p.url = e.url + eio + "polling&sid=" + p.open.SID
	return p
}

// fetch makes a request; status 0 means that it failed.
func fetch(t testing.TB, c *http.Client, method, url string, body io.Reader) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequest(method, url, body)
	assert.NoError(t, err, "request")
	res, err := c.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}

func (p *poller) get() (status int, body string) {
	p.t.Helper()
	return fetch(p.t, p.client, http.MethodGet, p.url, nil)
}

func (p *poller) post(body string) (status int, answer string) {
	p.t.Helper()
	return fetch(p.t, p.client, http.MethodPost, p.url, strings.NewReader(body))
}

type answer struct {
	status int
	body   string
}

// getting starts a poll in the background and returns once the server holds or has answered it.
func (p *poller) getting(e *edge) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		status, body := p.get()
		answers <- answer{status, body}
	}()
	s := e.session(p.open.SID)
	assert.Eventually(p.t, "an open poll", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.poll != nil || len(answers) > 0
	})

	return answers
}

// wsClient is a WebSocket client that sends what the test says, right or wrong.
type wsClient struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

// dial opens a WebSocket with the query; extra is sent in the same segment as the request.
func dial(t testing.TB, e *edge, query string, extra ...byte) *wsClient {
	t.Helper()
	c := &wsClient{t: t}
	status := c.dial(e, query, extra)
	assert.Equal(t, "status of the upgrade", status, http.StatusSwitchingProtocols)
	return c
}

func (c *wsClient) dial(e *edge, query string, extra []byte) (status int) {
	c.t.Helper()
	return c.dialAs(e, "HTTP/1.1", query, extra)
}

func (c *wsClient) dialAs(e *edge, version, query string, extra []byte) (status int) {
	c.t.Helper()
	nc, err := net.Dial("tcp", e.addr)
	assert.NoError(c.t, err, "dial")
	c.t.Cleanup(func() { _ = nc.Close() })
	assert.NoError(c.t, nc.SetDeadline(time.Now().Add(3*patience)), "deadline")
	request := "GET /socket.io/" + query + " " + version + "\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	_, err = nc.Write(append([]byte(request), extra...))
	assert.NoError(c.t, err, "request")
	c.nc, c.r = nc, bufio.NewReader(nc)
	res, err := http.ReadResponse(c.r, nil)
	assert.NoError(c.t, err, "answer")
	return res.StatusCode
}

// openWS opens a session over WebSocket.
func openWS(t testing.TB, e *edge) (*wsClient, opened) {
	t.Helper()
	c := dial(t, e, eio+"websocket")
	return c, parseOpen(t, c.text())
}

func masked(first byte, payload []byte) []byte {
	f := wire.AppendHeader(nil, 0, len(payload))
	f[0] = first
	f[1] |= 0x80
	f = append(f, 1, 2, 3, 4)
	for i, b := range payload {
		f = append(f, b^byte(i&3+1))
	}
	return f
}

func maskedText(text string) []byte { return masked(0x80|byte(wire.OpText), []byte(text)) }

func (c *wsClient) write(raw []byte) {
	c.t.Helper()
	_, err := c.nc.Write(raw)
	assert.NoError(c.t, err, "write")
}

func (c *wsClient) send(text string) { c.t.Helper(); c.write(maskedText(text)) }

func (c *wsClient) frame(op wire.Op, payload string) {
	c.t.Helper()
	c.write(masked(0x80|byte(op), []byte(payload)))
}

// read reads one frame.
func (c *wsClient) read() (op wire.Op, payload []byte, err error) {
	var head [2]byte
	if _, err = io.ReadFull(c.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(head[1])
	switch n {
	case 126, 127:
		ext := make([]byte, 2)
		if n == 127 {
			ext = make([]byte, 8)
		}
		if _, err = io.ReadFull(c.r, ext); err != nil {
			return 0, nil, err
		}
		n = int(binary.BigEndian.Uint64(append(make([]byte, 8-len(ext)), ext...)))
	}
	payload = make([]byte, n)
	if _, err = io.ReadFull(c.r, payload); err != nil {
		return 0, nil, err
	}
	if head[0]&0x80 == 0 {
		return 0, nil, errors.New("fragmented")
	}
	return wire.Op(head[0] & 15), payload, nil
}

// text reads a text message.
func (c *wsClient) text() string {
	c.t.Helper()
	op, payload, err := c.read()
	assert.NoError(c.t, err, "read")
	assert.Equal(c.t, "opcode", op, wire.OpText)
	return string(payload)
}

// expect checks the next text messages.
func (c *wsClient) expect(texts ...string) {
	c.t.Helper()
	for _, want := range texts {
		assert.Equal(c.t, "message", c.text(), want)
	}
}

// expectClose reads up to the close frame, checks its code, and then expects the end of the connection.
func (c *wsClient) expectClose(code wire.Code) {
	c.t.Helper()
	for {
		op, payload, err := c.read()
		assert.NoError(c.t, err, fmt.Sprintf("read for close %d", code))
		if op != wire.OpClose {
			continue
		}
		got, _, err := wire.ParseClose(payload)
		assert.NoError(c.t, err, "close frame")
		assert.Equal(c.t, "close code", got, code)
		break
	}
	if _, err := c.r.ReadByte(); err != io.EOF {
		c.t.Fatalf("after the close frame: %v, want the end", err)
	}
	_ = c.nc.Close()
}

// expectEnd reads until the connection ends in any way.
func (c *wsClient) expectEnd() {
	c.t.Helper()
	defer c.nc.Close()
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	for {
		if _, _, err := c.read(); err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				c.t.Fatal("the connection goes on")
			}
			return
		}
	}
}

// probe upgrades the session of p up to the answer to the probe.
func probe(t testing.TB, e *edge, sid string) *wsClient {
	t.Helper()
	c := dial(t, e, eio+"websocket&sid="+sid)
	c.send("2probe")
	c.expect("3probe")
	return c
}

// packets splits a polling payload.
func packets(body string) []string {
	var all []string
	for p := range bytes.SplitSeq([]byte(body), []byte{separator}) {
		all = append(all, string(p))
	}
	return all
}
