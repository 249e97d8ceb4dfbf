package engineio

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// sequence checks that numbers are consecutive.
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

// pause lets other goroutines run for a random time.
func pause() {
	if rand.N(4) == 0 {
		time.Sleep(time.Duration(rand.N(int64(300 * time.Microsecond))))
	}
}

// upgrader sends and receives so many messages, and upgrades at some point, as the stock client does.
func upgrader(t *testing.T, e *edge, p *poller, each int) {
	var in inbox
	stop := make(chan struct{})
	var polling, posting sync.WaitGroup
	polling.Go(func() { pollUntil(t, p, &in, stop) })
	sent := 0
	posting.Go(func() { sent = postUntil(t, p, each, stop) })
	assert.Eventually(t, "traffic", func() bool { return in.private.reached(1 + rand.N(each/2)) })
	c := probe(t, e, p.open.SID)
	close(stop)
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

// pollUntil polls and sorts what it receives, until stop is closed.
func pollUntil(t *testing.T, p *poller, in *inbox, stop <-chan struct{}) {
	for !isClosed(stop) {
		status, body := p.get()
		if status != http.StatusOK {
			t.Errorf("poll: %d %s", status, body)
			return
		}
		for _, packet := range packets(body) {
			in.add(t, packet)
		}
	}
}

// postUntil posts messages in batches until all are sent or stop is closed. It returns how many it sent.
func postUntil(t *testing.T, p *poller, most int, stop <-chan struct{}) (sent int) {
	for sent < most && !isClosed(stop) {
		var batch []string
		for range 1 + rand.N(5) {
			if sent < most {
				sent++
				batch = append(batch, fmt.Sprint("4", sent))
			}
		}
		if status, body := p.post(strings.Join(batch, "\x1e")); status != http.StatusOK {
			t.Errorf("POST: %d %s", status, body)
			return sent
		}
	}
	return sent
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// The client receives what is in the log when a session and its upgrade end at once, by one transport or the other.
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
