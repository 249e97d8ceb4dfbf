package engineio

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// join connects to namespaces, and ends the turns.
func join(t *testing.T, c *wsClient, s *Session, got <-chan string, namespaces ...string) {
	for _, nsp := range namespaces {
		c.send("40" + nsp + ",")
		assert.Equal(t, "CONNECT", assert.Receive(t, "CONNECT", got), "0"+nsp+",{}")
		s.Turn(nsp).Done()
	}
}

func TestP10_ALongTurnHoldsNoOtherNamespace(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t)
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	join(t, c, s, got, "/a", "/b")
	for _, text := range []string{`42/a,["1"]`, `42/a,["2"]`, `42/a,["3"]`, `42/b,["1"]`, `40/c`, `430[]`} {
		c.send(text)
	}
	for _, want := range []string{`2/a,["1"]`, `2/b,["1"]`, `0/c,{}`} {
		assert.Equal(t, "packet", assert.Receive(t, "packet", got), want)
	}
	c.send(`42/b,["2"]`)
	s.Turn("/b").Done()
	assert.Equal(t, "packet", assert.Receive(t, "packet", got), `2/b,["2"]`)
	assert.Equal(t, "a waits", len(got), 0)
	for _, want := range []string{`2/a,["2"]`, `2/a,["3"]`} {
		turn := s.Turn("/a")
		turn.Done()
		assert.Equal(t, "packet", assert.Receive(t, "packet", got), want)
		turn.Done() // late
	}
	assert.Equal(t, "nothing else", len(got), 0)
}

// TestP10_ASlowConnectHoldsNoOtherNamespace: neither in the library, nor at the gate.
func TestP10_ASlowConnectHoldsNoOtherNamespace(t *testing.T) {
	t.Parallel()
	release, got := make(chan struct{}), make(chan string, 100)
	g := newGate(func(_ context.Context, namespace string) error {
		if namespace == "/gate" {
			<-release
		}
		return nil
	})
	e := newEdge(t, func(s *Session, message io.Reader) {
		b, _ := io.ReadAll(message)
		nsp := string(wire.NamespaceOf(b))
		if nsp == "/library" && b[0] == byte(wire.Connect) {
			<-release
		}
		s.Joined(nsp, nil)
		got <- string(b)
		s.Turn(nsp).Done()
	}, socketIO, g.guard)
	c, _ := openWS(t, e)
	for _, text := range []string{`40/library`, `40/gate`, `42/library,["1"]`, `42/gate,["1"]`, `40/a`, `42/a,["1"]`, `40`, `42["1"]`} {
		c.send(text)
	}
	inOrder := func(want ...string) {
		t.Helper()
		var all []string
		for range want {
			all = append(all, assert.Receive(t, "packet", got))
		}
		slices.SortStableFunc(all, func(a, b string) int {
			return strings.Compare(string(wire.NamespaceOf([]byte(a))), string(wire.NamespaceOf([]byte(b))))
		})
		assert.Equal(t, "packets", all, want)
	}
	inOrder(`0{}`, `2["1"]`, `0/a,{}`, `2/a,["1"]`)
	assert.Equal(t, "the others wait", len(got), 0)
	close(release)
	inOrder(`0/gate,{}`, `2/gate,["1"]`, `0/library,{}`, `2/library,["1"]`)
}

// sequences checks that the packets of each namespace come in order.
type sequences struct {
	t    *testing.T
	mu   sync.Mutex
	next map[string]int
	all  int
}

// take notes an event [n] of a namespace, and ends its turn at some time.
func (q *sequences) take(s *Session, message io.Reader) {
	b, _ := io.ReadAll(message)
	nsp := string(wire.NamespaceOf(b))
	turn := s.Turn(nsp)
	if b[0] == byte(wire.Connect) {
		s.Joined(nsp, nil)
		turn.Done()
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if want := `2` + nsp + `,["` + strconv.Itoa(q.next[nsp]) + `"]`; string(b) != want {
		q.t.Errorf("got %s, want %s", b, want)
	}
	q.next[nsp]++
	q.all++
	if rand.IntN(3) == 0 {
		turn.Done()
		return
	}
	time.AfterFunc(time.Duration(rand.IntN(300))*time.Microsecond, turn.Done)
}

// TestP10_OrderWithinEachNamespace: by long polling, by WebSocket, and over the upgrade from one to the other.
func TestP10_OrderWithinEachNamespace(t *testing.T) {
	t.Parallel()
	q := &sequences{t: t, next: map[string]int{}}
	e := newEdge(t, q.take, socketIO)
	p := newPoller(t, e)
	namespaces := []string{"/a", "/b", "/c", "/d"}
	sent, count := map[string]int{}, 0
	event := func() string {
		nsp := namespaces[rand.IntN(len(namespaces))]
		count++
		sent[nsp]++
		return fmt.Sprintf(`42%s,["%d"]`, nsp, sent[nsp]-1)
	}
	for _, nsp := range namespaces {
		p.post("40" + nsp + ",")
	}
	for range 100 {
		status, _ := p.post(separate(event(), event(), event(), event(), event()))
		assert.Equal(t, "POST", status, 200)
	}
	c := probe(t, e, p.open.SID)
	c.send("5")
	for range 500 {
		c.send(event())
	}
	assert.Eventually(t, "all are handed over", func() bool { q.mu.Lock(); defer q.mu.Unlock(); return q.all == count })
	assert.Equal(t, "each once", q.next, sent)
}

// TestP10_WhatWaitsIsBounded: the client waits before the packets that wait for a turn take more than the limit, and loses
// none.
func TestP10_WhatWaitsIsBounded(t *testing.T) {
	t.Parallel()
	const packets = 200
	e, got := newTurns(t)
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	join(t, c, s, got, "/a", "/b")
	text := func(i int) string { return fmt.Sprintf(`2/a,["%d%s"]`, i, strings.Repeat("x", 1000)) }
	for i := range packets {
		c.send("4" + text(i))
	}
	assert.Eventually(t, "the client waits", s.isHeld)
	kept := s.kept()
	if kept < keptLimit/2 || kept > keptLimit {
		t.Errorf("packets that cost %d bytes wait", kept)
	}
	for i := range packets {
		assert.Equal(t, "packet", assert.Receive(t, "packet", got), text(i))
		s.Turn("/a").Done()
	}
	assert.Eventually(t, "nothing waits", s.isIdle)
	assert.Equal(t, "kept", s.kept(), 0)
}

// kept is what waits in the lanes.
func (s *Session) kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lanes.kept
}

// TestP10_AttachmentsStayWithTheirPacket: packets with attachments wait like others, and in one piece.
func TestP10_AttachmentsStayWithTheirPacket(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t, func(o *Options) { o.AllowBinary = true })
	p := newPoller(t, e)
	s := assert.Receive(t, "session", e.sessions).enter("/a").enter("/b")
	binary := func(nsp string) string {
		return `452-` + nsp + `,["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
	}
	one, two := "b"+base64.StdEncoding.EncodeToString([]byte("one")), "b"+base64.StdEncoding.EncodeToString([]byte("two"))
	status, _ := p.post(separate(`42/a,["1"]`, binary("/a"), one, two, binary("/b"), two, one, `42/b,["2"]`, `42/a,["2"]`))
	assert.Equal(t, "POST", status, 200)
	expect := func(texts ...string) {
		t.Helper()
		for _, want := range texts {
			assert.Equal(t, "packet", assert.Receive(t, "packet", got), want)
		}
		assert.Equal(t, "nothing else", len(got), 0)
	}
	expect(`2/a,["1"]`, binary("/b")[1:], "two", "one")
	s.Turn("/a").Done()
	expect(binary("/a")[1:], "one", "two")
	s.Turn("/b").Done()
	expect(`2/b,["2"]`)
	s.Turn("/a").Done()
	expect(`2/a,["2"]`)
}

// TestP10_AClientThatClosesIsHeardToTheEnd: what it sent before has its turn.
func TestP10_AClientThatClosesIsHeardToTheEnd(t *testing.T) {
	t.Parallel()
	q := &sequences{t: t, next: map[string]int{}}
	e := newEdge(t, q.take, socketIO)
	ends := map[string]func(*wsClient){
		"close packet": func(c *wsClient) { c.send("1") },
		"close frame":  func(c *wsClient) { c.write(masked(0x80|byte(wire.OpClose), nil)) },
		"no goodbye":   func(c *wsClient) { _ = c.nc.Close() },
	}
	for name, end := range ends {
		c, _ := openWS(t, e)
		a, b := "/"+name, "/other "+name
		assert.Receive(t, "session", e.sessions).enter(a).enter(b)
		for i := range 20 {
			c.send(fmt.Sprintf(`42%s,["%d"]`, a, i))
			c.send(fmt.Sprintf(`42%s,["%d"]`, b, i))
		}
		end(c)
		assert.Eventually(t, "the end", func() bool { return e.Connections() == 0 })
		q.mu.Lock()
		assert.Equal(t, name, [2]int{q.next[a], q.next[b]}, [2]int{20, 20})
		q.mu.Unlock()
	}
}

// TestP10_TheLastPacketIsHeardBeforeTheEnd: also if its lane is about to hand it over when the client closes.
func TestP10_TheLastPacketIsHeardBeforeTheEnd(t *testing.T) {
	t.Parallel()
	withClock(t, Options{}, func(c *clocked) {
		s := c.open().enter("/a").enter("/b")
		heard := make(chan string, 10)
		_ = s.On("data", func(args ...any) {
			time.Sleep(time.Second) // a busy machine
			b, _ := io.ReadAll(args[0].(io.Reader))
			heard <- string(b)
		})
		_ = s.On("close", func(...any) { heard <- "close" })
		for _, event := range []string{`2/a,["1"]`, `2/a,["2"]`} {
			assert.NoError(t, s.receive(wire.Packet{Type: wire.PacketMessage, Data: []byte(event)}), event)
		}
		s.Turn("/a").Done()
		synctest.Wait() // the second one has left the queue
		assert.Equal(t, "the end", s.receive(wire.Packet{Type: wire.PacketClose}), errEnded)
		for _, want := range []string{`2/a,["1"]`, `2/a,["2"]`, "close"} {
			assert.Equal(t, "heard", <-heard, want)
		}
	})
}
