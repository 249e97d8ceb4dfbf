package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// protocol is how a load talks to a server on top of WebSocket.
type protocol struct {
	path    string
	greet   func(c *client, rooms []string) error  // from the open WebSocket to the first message; no rooms: the one of everybody
	publish func(dst []byte, p publication) []byte // appends the packet that sends a message
	answer  func(packet []byte) []byte             // to a packet without a message; nil: nothing
}

// publication is one message to be sent.
type publication struct {
	event string // of Socket.IO
	room  string // empty: the one of everybody
	n     int64  // counts the messages of a speaker from 0
	text  []byte
}

var protocols = map[string]protocol{
	"sio": {
		path:    "/socket.io/?EIO=4&transport=websocket",
		greet:   greetSocketIO,
		publish: publishSocketIO,
		answer:  answerSocketIO,
	},
	"sio-rooms": {
		path:    "/socket.io/?EIO=4&transport=websocket",
		greet:   greetAndJoin,
		publish: publishToRoom,
		answer:  answerSocketIO,
	},
	"centrifuge": {
		path:    "/connection/websocket",
		greet:   greetCentrifuge,
		publish: publishCentrifuge,
		answer:  answerCentrifuge,
	},
}

// greetSocketIO connects to a namespace for each room, or to the main one.
func greetSocketIO(c *client, rooms []string) error {
	if err := c.openEngine(); err != nil {
		return err
	}
	if len(rooms) == 0 {
		return c.exchange([]string{"40"}, "40")
	}
	packets := make([]string, len(rooms))
	for i, room := range rooms {
		packets[i] = "40/rooms/" + room + ","
	}
	return c.exchange(packets, "40/rooms/")
}

// greetAndJoin connects to the main namespace and joins each room by an event, which the server acknowledges.
func greetAndJoin(c *client, rooms []string) error {
	if err := c.openEngine(); err != nil {
		return err
	}
	if err := c.exchange([]string{"40"}, "40"); err != nil {
		return err
	}
	packets := make([]string, len(rooms))
	for i, room := range rooms {
		packets[i] = fmt.Sprintf(`42%d["join","%s"]`, i, room)
	}
	return c.exchange(packets, "43")
}

// openEngine reads the first packet of Engine.IO.
func (c *client) openEngine() error {
	open, err := c.packet()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(open, "0") {
		return fmt.Errorf("no open packet: %.80q", open)
	}
	return nil
}

// exchange sends packets of Socket.IO one after the other, and reads until each has its answer.
func (c *client) exchange(packets []string, answer string) error {
	for _, say := range packets {
		if err := c.write(opText, []byte(say)); err != nil {
			return err
		}
		if err := c.awaitAnswer(answer); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) awaitAnswer(answer string) error {
	for {
		packet, err := c.packet()
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(packet, answer):
			return nil
		case strings.HasPrefix(packet, "44"):
			return fmt.Errorf("refused: %.80q", packet)
		case packet == "2":
			if err := c.write(opText, []byte("3")); err != nil {
				return err
			}
		}
	}
}

func publishSocketIO(dst []byte, p publication) []byte {
	if p.room == "" {
		return fmt.Appendf(dst, `42["%s",{"message":"%s","username":"u"}]`, p.event, p.text)
	}
	return fmt.Appendf(dst, `42/rooms/%s,["%s",{"message":"%s","username":"u"}]`, p.room, p.event, p.text)
}

func publishToRoom(dst []byte, p publication) []byte {
	return fmt.Appendf(dst, `42["%s",{"message":"%s","username":"u","room":"%s"}]`, p.event, p.text, p.room)
}

func answerSocketIO(packet []byte) []byte {
	if len(packet) == 1 && packet[0] == '2' {
		return []byte("3")
	}
	return nil
}

func greetCentrifuge(c *client, rooms []string) error {
	if len(rooms) == 0 {
		rooms = []string{"chat"}
	}
	if err := c.command(`{"id":1,"connect":{}}`, `"connect"`); err != nil {
		return err
	}
	for i, room := range rooms {
		if err := c.command(fmt.Sprintf(`{"id":%d,"subscribe":{"channel":"%s"}}`, i+2, room), `"subscribe"`); err != nil {
			return err
		}
	}
	return nil
}

// command sends a command of centrifuge and reads its reply.
func (c *client) command(say, want string) error {
	if err := c.write(opText, []byte(say)); err != nil {
		return err
	}
	for {
		packet, err := c.packet()
		switch {
		case err != nil:
			return err
		case strings.Contains(packet, want):
			return nil
		case strings.Contains(packet, `"error"`):
			return errors.New("refused: " + packet)
		}
	}
}

func publishCentrifuge(dst []byte, p publication) []byte {
	room := p.room
	if room == "" {
		room = "chat"
	}
	return fmt.Appendf(dst, `{"id":%d,"publish":{"channel":"%s","data":{"message":"%s","username":"u"}}}`, p.n+1000, room, p.text)
}

func answerCentrifuge(packet []byte) []byte {
	if bytes.Equal(packet, []byte("{}")) {
		return packet
	}
	return nil
}
