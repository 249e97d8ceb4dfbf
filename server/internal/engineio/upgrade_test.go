package engineio

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestUpgrade_AClientThatGoesAwayPollsOn(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for name, attempt := range map[string]func(c *wsClient){
		"without a word":    func(c *wsClient) { _ = c.nc.Close() },
		"after the probe":   func(c *wsClient) { c.send("2probe"); c.expect("3probe"); _ = c.nc.Close() },
		"with a close":      func(c *wsClient) { c.frame(wire.OpClose, ""); c.expectEnd() },
		"with another word": func(c *wsClient) { c.send("4hello"); c.expectEnd() },
		"with a bad frame":  func(c *wsClient) { c.write([]byte{0xff, 0xff}); c.write(make([]byte, 20)); c.expectEnd() },
		"with a wrong end":  func(c *wsClient) { c.send("2probe"); c.expect("3probe"); c.send("4hello"); c.expectEnd() },
	} {
		p := newPoller(t, e)
		s := assert.Receive(t, "session", e.sessions)
		for range 2 {
			attempt(dial(t, e, eio+"websocket&sid="+p.open.SID))
			assert.Eventually(t, name, func() bool { return !s.Upgrading() })
		}
		poll := p.getting(e)
		p.post("4on")
		assert.Equal(t, name, assert.Receive(t, "poll", poll), answer{http.StatusOK, "4on"})

		c := probe(t, e, p.open.SID) // the client may try again
		c.frame(wire.OpPing, "x")
		_, _, err := c.read()
		assert.NoError(t, err, "pong")
		c.send("5")
		c.send("4upgraded")
		c.expect("4upgraded")
	}
}

// attempt begins to upgrade a session without a network.
func attempt(t *testing.T, s *Session, say ...string) *wsClient {
	server, client := net.Pipe()
	go func() {
		if rest, ok := s.probe(server, nil); ok {
			s.serveReader(rest)
		}
	}()
	ws := &wsClient{t: t, nc: client, r: bufio.NewReader(client)}
	for _, text := range say {
		ws.send(text)
	}
	return ws
}

func TestUpgrade_ProbeTimesOut(t *testing.T) {
	withClock(t, Options{Raw: true}, func(c *clocked) {
		s := c.open()
		_ = s.On("data", func(args ...any) { echo(s, args[0].(io.Reader)) })
		for _, say := range [][]string{nil, {"2probe"}} {
			start := time.Now()
			ws := attempt(t, s, say...)
			if say != nil {
				ws.expect("3probe")
			}
			ws.expectClose(wire.CodePolicy)
			assert.Equal(t, "given up after", time.Since(start), 10*time.Second)
			synctest.Wait()
			assert.Equal(t, "upgrading", s.Upgrading(), false)
			assert.Equal(t, "ended", s.hasEnded(), false)
		}
		ws := attempt(t, s, "2probe")
		ws.expect("3probe")
		ws.send("5")
		synctest.Wait()
		assert.Equal(t, "upgraded", s.Upgraded(), true)
		go func() {
			time.Sleep(15 * time.Second) // the time limit was for the probe, not for the session
			ws.send("4on")
		}()
		ws.expect("2")
		ws.send("3")
		ws.expect("4on")
		ws.send("1")
		ws.expectClose(wire.CodeNormal)
	})
}

// TestLIM9_PongsDuringAnUpgradeArePaced: nobody asked for them, and they cost work.
func TestLIM9_PongsDuringAnUpgradeArePaced(t *testing.T) {
	withClock(t, Options{Raw: true}, func(c *clocked) {
		ws := attempt(t, c.open())
		const seconds = 3
		start := time.Now()
		for range sundriesBurst + seconds*sundriesRate {
			ws.frame(wire.OpPong, "")
		}
		ws.send("2probe")
		ws.expect("3probe")
		if took := time.Since(start); took < seconds*time.Second {
			t.Errorf("all of them took %v", took)
		}
		ws.expectClose(wire.CodePolicy)
	})
}

// TestP6_AnUpgradeKeepsNoLongMessage: nothing that a client says during an upgrade is long.
func TestP6_AnUpgradeKeepsNoLongMessage(t *testing.T) {
	withClock(t, Options{Raw: true}, func(c *clocked) {
		ws := attempt(t, c.open())
		start := time.Now()
		ws.write(maskedText(strings.Repeat("x", probeBytes+1))[:20])
		ws.expectClose(wire.CodePolicy)
		assert.Equal(t, "waited for the rest", time.Since(start), 0)
	})
}

// A client confirms its upgrade only after the answer to its last POST: the time that this is held back does not count.
func TestUpgrade_APostThatIsHeldBackCostsNoTime(t *testing.T) {
	withClock(t, Options{Raw: true}, func(c *clocked) {
		for _, before := range []bool{true, false} {
			s := c.open()
			_ = s.On("data", func(...any) { time.Sleep(12 * time.Second) })
			posted := make(chan int, 1)
			post := func() {
				w := httptest.NewRecorder()
				s.servePost(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("4said")))
				posted <- w.Code
			}
			if before {
				go post()
				synctest.Wait()
			}
			ws := attempt(t, s, "2probe")
			ws.expect("3probe")
			if !before {
				go post()
			}
			assert.Equal(t, "POST", <-posted, http.StatusOK)
			time.Sleep(9 * time.Second)
			ws.send("5")
			synctest.Wait()
			assert.Equal(t, "upgraded", s.Upgraded(), true)
			ws.send("1")
			ws.expectClose(wire.CodeNormal)
		}
	})
}

func TestUpgrade_EndsWithItsSession(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	s := assert.Receive(t, "session", e.sessions)
	c := probe(t, e, p.open.SID)
	s.Close(true)
	c.expectEnd()
	assert.Eventually(t, "forgotten", func() bool { return e.Connections() == 0 })
	assert.Equal(t, "upgrading", s.Upgrading(), false)
}

func TestKick_InTheMiddleOfAnUpgrade(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	s := assert.Receive(t, "session", e.sessions)
	c := probe(t, e, p.open.SID) // the client has stopped polling
	s.SendFrame(messageFrame("last"))
	s.Close(false)
	assert.Eventually(t, "the end", func() bool { return e.closedBy("forced close") == 1 })
	c.send("5")
	c.expect("4last")
	c.expectClose(wire.CodeNormal)
}

// The session and its upgrade end at the same time, at every point.
func TestUpgrade_RacesWithTheEnd(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for range 100 {
		p := newPoller(t, e)
		s := assert.Receive(t, "session", e.sessions)
		c := probe(t, e, p.open.SID)
		var both sync.WaitGroup
		both.Go(func() { c.send("5") })
		both.Go(func() { pause(); s.Close(false) })
		both.Wait()
		c.expectEnd()
	}
	assert.Eventually(t, "all are forgotten", func() bool { return e.Connections() == 0 })
}

// TestEIO_UpgradeDoesNotWaitForAPoll: an upgrading client has stopped polling and waits for its last POST; it cannot
// read the answers to that POST before.
func TestEIO_UpgradeDoesNotWaitForAPoll(t *testing.T) {
	t.Parallel()
	const count = 2000
	for _, when := range []string{"the POST comes behind the probe", "the probe comes behind the POST"} {
		t.Run(when, func(t *testing.T) {
			e := newEdge(t, echo)
			p := newPoller(t, e)
			s := assert.Receive(t, "session", e.sessions)
			texts := make([]string, count)
			for i := range texts {
				texts[i] = fmt.Sprintf("4%d %s", i, strings.Repeat("x", 60))
			}
			post := func() <-chan int {
				answered := make(chan int, 1)
				go func() {
					status, _ := p.post(strings.Join(texts, "\x1e"))
					answered <- status
				}()
				return answered
			}
			var w *wsClient
			var answered <-chan int
			if when == "the POST comes behind the probe" {
				w = probe(t, e, p.open.SID)
				answered = post()
			} else {
				answered = post()
				assert.Eventually(t, "the POST waits", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.reader.wait == forReader })
				w = probe(t, e, p.open.SID)
			}
			assert.Equal(t, "status of the POST", assert.Receive(t, "answer", answered), http.StatusOK)
			w.send("5")
			w.expect(texts...)
		})
	}
}

// A client knows the id of a session that it opened over WebSocket before the server has noted the WebSocket.
func TestEIO_ASecondWebSocketIsClosedHoweverEarly(t *testing.T) {
	e := newEdge(t, echo)
	s := e.newSession("test", handshake{uri: "/", webSocket: true})
	defer s.conn.Close()
	server, client := net.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, client)
		ended <- err
	}()
	_, ok := s.probe(server, nil)
	assert.Equal(t, "upgraded", ok, false)
	assert.NoError(t, assert.Receive(t, "its end", ended), "end of the second")
	assert.Equal(t, "upgrading", s.Upgrading(), false)
}
