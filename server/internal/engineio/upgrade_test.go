package engineio

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
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

// sequence checks that numbers come one after the other.
type sequence struct {
	mu   sync.Mutex
	last int
	err  error
}

// add takes a message that ends in its number.
func (s *sequence) add(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int
	if _, err := fmt.Sscanf(message, "%d", &n); err != nil || n != s.last+1 {
		if s.err == nil {
			s.err = fmt.Errorf("%q after %d", message, s.last)
		}
		return
	}
	s.last = n
}

func (s *sequence) reached(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last >= n || s.err != nil
}

// inbox sorts what a client receives: private messages begin with P, those of the log with L.
type inbox struct{ private, log sequence }

func (i *inbox) add(t testing.TB, packet string) {
	switch {
	case strings.HasPrefix(packet, "4P"):
		i.private.add(packet[2:])
	case strings.HasPrefix(packet, "4L"):
		i.log.add(packet[2:])
	case packet != "6":
		t.Errorf("packet %q", packet)
	}
}

func TestP1_UpgradeUnderTrafficLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	const each = 400
	var fromClients sync.Map // *Session → *sequence
	e := newEdge(t, func(s *Session, message io.Reader) {
		b, _ := io.ReadAll(message)
		seq, _ := fromClients.LoadOrStore(s, &sequence{})
		seq.(*sequence).add(string(b))
	})
	var clients sync.WaitGroup
	var feeders sync.WaitGroup
	publish := make(chan struct{})
	for range 12 {
		p := newPoller(t, e)
		s := assert.Receive(t, "session", e.sessions)
		s.Follow(e.log.Head(), nil)
		feeders.Go(func() {
			<-publish
			for n := 1; n <= each; n++ {
				s.SendFrame(messageFrame(fmt.Sprint("P", n)))
				pause()
			}
		})
		clients.Go(func() {
			upgrader(t, e, p, each)
			seq, _ := fromClients.Load(s)
			assert.Eventually(t, "all of the client's messages", func() bool { return seq.(*sequence).reached(each) })
			assert.NoError(t, seq.(*sequence).err, "from the client")
		})
	}
	feeders.Go(func() {
		<-publish
		for n := 1; n <= each; n++ {
			e.publish(fmt.Sprint("L", n))
			pause()
		}
	})
	close(publish)
	clients.Wait()
	feeders.Wait()
}

// pause lets the others go on, for a while that is never the same.
func pause() {
	if rand.N(4) == 0 {
		time.Sleep(time.Duration(rand.N(int64(300 * time.Microsecond))))
	}
}

// upgrader sends and receives so many messages, and upgrades somewhere on the way, as the stock client does it.
func upgrader(t *testing.T, e *edge, p *poller, each int) {
	var in inbox
	stopPolling, stopPosting := make(chan struct{}), make(chan struct{})
	var polling, posting sync.WaitGroup
	polling.Go(func() {
		for !isClosed(stopPolling) {
			status, body := p.get()
			if status != http.StatusOK {
				t.Errorf("poll: %d %s", status, body)
				return
			}
			for _, packet := range packets(body) {
				in.add(t, packet)
			}
		}
	})
	sent := 0
	posting.Go(func() {
		for sent < each && !isClosed(stopPosting) {
			var batch []string
			for range 1 + rand.N(5) {
				if sent < each {
					sent++
					batch = append(batch, fmt.Sprint("4", sent))
				}
			}
			if status, body := p.post(strings.Join(batch, "\x1e")); status != http.StatusOK {
				t.Errorf("POST: %d %s", status, body)
				return
			}
		}
	})
	assert.Eventually(t, "traffic", func() bool { return in.private.reached(1 + rand.N(each/2)) })
	c := probe(t, e, p.open.SID)
	close(stopPolling)
	close(stopPosting)
	polling.Wait()
	posting.Wait()
	rest := maskedText("5")
	for sent < each {
		sent++
		rest = append(rest, maskedText(fmt.Sprint("4", sent))...)
	}
	c.write(rest)
	for !in.private.reached(each) || !in.log.reached(each) {
		_, payload, err := c.read()
		assert.NoError(t, err, "read")
		in.add(t, string(payload))
	}
	assert.NoError(t, in.private.err, "private frames")
	assert.NoError(t, in.log.err, "frames of the log")
	c.send("1")
	c.expectClose(wire.CodeNormal)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

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

		c := probe(t, e, p.open.SID) // and may try again
		c.frame(wire.OpPing, "x")
		_, _, err := c.read()
		assert.NoError(t, err, "pong")
		c.send("5")
		c.send("4upgraded")
		c.expect("4upgraded")
	}
}

// attempt begins to upgrade a session, without a network.
func attempt(t *testing.T, s *Session, say ...string) *wsClient {
	server, client := net.Pipe()
	go func() {
		r := &wsReader{frames: wire.NewReader(100)}
		if rest, ok := s.probe(server, r, nil); ok {
			s.serveReader(r, rest)
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
			time.Sleep(15 * time.Second) // the time limit was the probe's, not the session's
			ws.send("4on")
		}()
		ws.expect("2")
		ws.send("3")
		ws.expect("4on")
		ws.send("1")
		ws.expectClose(wire.CodeNormal)
	})
}

// A client confirms its upgrade only when its last POST is answered: the time that this is held back is not the client's.
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
	c := probe(t, e, p.open.SID) // the client polls no more
	s.SendFrame(messageFrame("last"))
	s.Close(false)
	assert.Eventually(t, "the end", func() bool { return e.closedBy("forced close") == 1 })
	c.send("5")
	c.expect("4last")
	c.expectClose(wire.CodeNormal)
}

// The end of a session and the end of its upgrade meet at every point.
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

// What is in the log when a session ends, and its upgrade at the same moment, comes by one transport or the other.
func TestP1_UpgradeThatEndsWithItsSessionGivesWhatCameBefore(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	upgraded := 0
	for range 300 {
		p := newPoller(t, e)
		s := assert.Receive(t, "session", e.sessions)
		s.Follow(e.log.Head(), nil)
		c := probe(t, e, p.open.SID)
		e.publish("last")
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			pause()
			s.Close(false)
		}()
		c.send("5")
		var got []string
		for {
			op, payload, err := c.read()
			assert.NoError(t, err, "read")
			if op == wire.OpClose {
				if code, _, _ := wire.ParseClose(payload); code == wire.CodeNormal {
					upgraded++
					assert.Equal(t, "by WebSocket", fmt.Sprint(got), "[4last]")
				} else {
					status, body := p.get()
					assert.Equal(t, "by polling", answer{status, body}, answer{http.StatusOK, "4last"})
				}
				break
			}
			got = append(got, string(payload))
		}
		<-ended
		_ = c.nc.Close()
	}
	if upgraded == 0 {
		t.Error("no upgrade was in time")
	}
}

// TestEIO_UpgradeDoesNotWaitForAPoll: a client that upgrades has stopped polling and waits for its last POST, whose answers
// it cannot read before.
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
				assert.Eventually(t, "the POST is held back", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.unread })
				w = probe(t, e, p.open.SID)
			}
			assert.Equal(t, "status of the POST", assert.Receive(t, "answer", answered), http.StatusOK)
			w.send("5")
			w.expect(texts...)
		})
	}
}

// A client knows the id of a session that it opened as WebSocket before the server has noted the WebSocket.
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
	_, ok := s.probe(server, &wsReader{frames: wire.NewReader(100)}, nil)
	assert.Equal(t, "upgraded", ok, false)
	assert.NoError(t, assert.Receive(t, "its end", ended), "end of the second")
	assert.Equal(t, "upgrading", s.Upgrading(), false)
}
