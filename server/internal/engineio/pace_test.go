package engineio

import (
	"io"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/wire"
)

// TestLIM10_ValuesOnBothTransports: a packet that a decoder would blow up ends its session before it is decoded.
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
		equal(t, name, status, 400)
		c, _ := openWS(t, e)
		c.send(packet)
		c.expectClose(wire.CodePolicy)
		until(t, "counted", func() bool { return e.closedBy("bad packet") == 2 })
	}
	e := newEdge(t, nil, socketIO, func(o *Options) { o.MaxValues = 10_000 })
	c, _ := openWS(t, e)
	c.send(`42["x",` + strings.Repeat(`0,`, 9000) + `0]`)
	s := take(t, "session", e.sessions)
	until(t, "handed over", func() bool { return s.Turn() == 1 })
}

// TestLIM11_BytesAreTakenInTime: a large packet is handled at once, and paid for before the next.
func TestLIM11_BytesAreTakenInTime(t *testing.T) {
	const kib = 1 << 10
	message := func(size int) wire.Packet {
		return wire.Packet{Type: wire.PacketMessage, Data: []byte(`31["` + strings.Repeat("x", size-len(`31[""]`)) + `"]`)}
	}
	withClock(t, Options{ByteRate: 100 * kib, ByteBurst: 400 * kib}, func(c *clocked) {
		s := c.open()
		began := time.Now()
		for range 10 {
			noError(t, "burst", s.receive(message(40*kib)))
		}
		equal(t, "the burst is taken at once", time.Since(began), 0)
		for range 20 {
			noError(t, "more", s.receive(message(50*kib)))
		}
		took := time.Since(began).Round(10 * time.Millisecond)
		equal(t, "the rest but the last waits", took, 9500*time.Millisecond)
		equal(t, "the session lives", s.hasEnded(), false)
	})
}

// TestLIM11_PayingIsNoStall: a client that pays for long is neither given up nor missed.
func TestLIM11_PayingIsNoStall(t *testing.T) {
	withClock(t, Options{ByteRate: 100, ByteBurst: 1}, func(c *clocked) {
		s := c.open()
		big := wire.Packet{Type: wire.PacketMessage, Data: []byte(`31["` + strings.Repeat("x", 60_000) + `"]`)} // ten minutes
		noError(t, "first", s.receive(big))
		done := make(chan error, 1)
		go func() { done <- s.receive(big) }()
		for range 9 {
			time.Sleep(time.Minute)
			s.takePackets() // the pings
		}
		equal(t, "the session lives", s.hasEnded(), false)
		equal(t, "the second waits", len(done), 0)
		noError(t, "second", <-done)
	})
}

// TestLIM9_WhatMeansNothingIsTakenInTime: neither may be sent without end, nor be any size.
func TestLIM9_WhatMeansNothingIsTakenInTime(t *testing.T) {
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
				noError(t, name, send(s))
			}
			equal(t, name+" at once", time.Since(began), 0)
			for range seconds*sundriesRate + 1 {
				noError(t, name, send(s))
			}
			equal(t, name+" in time", time.Since(began), seconds*time.Second)
		})
	}
}
