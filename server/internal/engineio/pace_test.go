package engineio

import (
	"io"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// TestLIM10_ValuesOnBothTransports: a packet that would grow large when decoded ends its session before it is decoded.
func TestLIM10_ValuesOnBothTransports(t *testing.T) {
	t.Parallel()
	for name, packet := range map[string]string{
		"CONNECT": `40{"x":[` + strings.Repeat(`{"":0},`, 9000) + `{}]}`,
		"EVENT":   `42["x",` + strings.Repeat(`{"":0},`, 9000) + `{}]`,
		"ACK":     `430[` + strings.Repeat(`{"":0},`, 9000) + `{}]`,
	} {
		e := newEdge(t, func(*Session, io.Reader) { t.Errorf("%s was handed over", name) }, socketIO)
		p := newPoller(t, e)
		status, _ := p.post(packet)
		assert.Equal(t, name, status, 400)
		c, _ := openWS(t, e)
		c.send(packet)
		c.expectClose(wire.CodePolicy)
		assert.Eventually(t, "counted", func() bool { return e.closedBy("bad packet") == 2 })
	}
	e := newEdge(t, nil, socketIO, func(o *Options) { o.MaxValues = 10_000 })
	c, _ := openWS(t, e)
	s := assert.Receive(t, "session", e.sessions).enter("/")
	c.send(`42["x",` + strings.Repeat(`0,`, 9000) + `0]`)
	assert.Eventually(t, "handed over", func() bool { return s.Turn("/").number == 1 })
}

// TestLIM11_BytesArePaced: a large packet is handled at once, and delays the next.
func TestLIM11_BytesArePaced(t *testing.T) {
	const kib = 1 << 10
	message := func(size int) wire.Packet {
		return wire.Packet{Type: wire.PacketMessage, Data: []byte(`31["` + strings.Repeat("x", size-len(`31[""]`)) + `"]`)}
	}
	withClock(t, Options{ByteRate: 100 * kib, ByteBurst: 400 * kib}, func(c *clocked) {
		s := c.open()
		began := time.Now()
		for range 10 {
			assert.NoError(t, s.receive(message(40*kib)), "burst")
		}
		assert.Equal(t, "the burst is taken at once", time.Since(began), 0)
		for range 20 {
			assert.NoError(t, s.receive(message(50*kib)), "more")
		}
		took := time.Since(began).Round(10 * time.Millisecond)
		assert.Equal(t, "the rest but the last waits", took, 9500*time.Millisecond)
		assert.Equal(t, "the session lives", s.hasEnded(), false)
	})
}

// TestLIM11_PacingIsNoStall: a client that is held back for long neither times out nor misses a ping.
func TestLIM11_PacingIsNoStall(t *testing.T) {
	withClock(t, Options{ByteRate: 100, ByteBurst: 1}, func(c *clocked) {
		s := c.open()
		big := wire.Packet{Type: wire.PacketMessage, Data: []byte(`31["` + strings.Repeat("x", 60_000) + `"]`)} // ten minutes
		assert.NoError(t, s.receive(big), "first")
		done := make(chan error, 1)
		go func() { done <- s.receive(big) }()
		for range 9 {
			time.Sleep(time.Minute)
			s.takePackets() // the pings
		}
		assert.Equal(t, "the session lives", s.hasEnded(), false)
		assert.Equal(t, "the second waits", len(done), 0)
		assert.NoError(t, <-done, "second")
	})
}

// TestLIM9_PacketsWithoutEffectArePaced: packets without meaning are limited in rate and in size.
func TestLIM9_PacketsWithoutEffectArePaced(t *testing.T) {
	packet := func(kind byte) func(*Session) error {
		return func(s *Session) error { return s.receive(wire.Packet{Type: kind}) }
	}
	for name, send := range map[string]func(*Session) error{
		"noops":                     packet(wire.PacketNoop),
		"opens":                     packet(wire.PacketOpen),
		"upgrades":                  packet(wire.PacketUpgrade),
		"pongs that nobody expects": packet(wire.PacketPong),
		"pongs of a WebSocket":      func(s *Session) error { return s.receiveMessage(wire.Message{Op: wire.OpPong}) },
	} {
		withClock(t, Options{}, func(c *clocked) {
			s := c.open()
			const seconds = 10
			began := time.Now()
			for range sundriesBurst {
				assert.NoError(t, send(s), name)
			}
			assert.Equal(t, name+" at once", time.Since(began), 0)
			for range seconds*sundriesRate + 1 {
				assert.NoError(t, send(s), name)
			}
			assert.Equal(t, name+" in time", time.Since(began), seconds*time.Second)
		})
	}
}
