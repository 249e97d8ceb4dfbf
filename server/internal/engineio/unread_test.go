package engineio

import (
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/test/assert"
)

func TestP6_APollerThatDoesNotReadItsAnswer(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo, quickBodies)
	p := newPoller(t, e)
	s := assert.Receive(t, "session", e.sessions)
	big := strings.Repeat("x", 1<<19)
	nc := raw(t, e, strings.Repeat("GET /socket.io/"+eio+"polling&sid="+p.open.SID+" HTTP/1.1\r\nHost: test\r\n\r\n", 50))
	assert.NoError(t, nc.(*net.TCPConn).SetReadBuffer(4<<10), "small window")
	go func() {
		for s.SendFrame(messageFrame(big)) {
			runtime.Gosched()
		}
	}()
	assert.Eventually(t, "the session ends", func() bool { return e.closedBy("transport error")+e.closedBy("slow consumer") == 1 })
}

// Row 12: a client that sends requests without end, answers nothing and reads nothing.
func TestP6_AWebSocketThatAsksAndNeverReads(t *testing.T) {
	t.Parallel()
	frame := maskedText("4" + strings.Repeat("x", 1000))
	e := newEdge(t, echo, quick)
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions)
	flood := make(chan error, 1)
	go func() {
		for {
			if _, err := c.nc.Write(frame); err != nil {
				flood <- err
				return
			}
		}
	}()
	assert.Eventually(t, "the reader waits", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.reader.wait == forReader })
	if pending := s.conn.Private(); pending > privateLimit+len(frame)+10 {
		t.Fatalf("%d bytes wait for the client", pending)
	}
	assert.Receive(t, "end of the flood", flood)
	assert.Eventually(t, "forgotten", func() bool { return e.Connections() == 0 })
	assert.Eventually(t, "counted", func() bool { return e.closedBy("ping timeout") == 1 })
}

// TestP6_AClientThatPingsAndNeverReads: the pongs are paced and bounded.
func TestP6_AClientThatPingsAndNeverReads(t *testing.T) {
	withClock(t, Options{}, func(c *clocked) {
		s := c.open()
		payload := make([]byte, 125)
		flood := make(chan error, 1)
		go func() {
			for {
				if err := s.pongFrame(payload); err != nil {
					flood <- err
					return
				}
			}
		}()
		pass(t, time.Minute, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.reader.wait == forReader })
		if pending := s.conn.Private(); pending > privateLimit+len(payload)+10 {
			t.Fatalf("%d bytes wait for the client", pending)
		}
		assert.Equal(t, "end of the flood", <-flood, errEnded)
		synctest.Wait()
		assert.Equal(t, "counted", c.closedBy("ping timeout"), 1)
		assert.Equal(t, "connections", c.Connections(), 0)
	})
}
