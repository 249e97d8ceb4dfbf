package main

import (
	"bytes"
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
		return c.ask("40", answeredWith("40"), refusedConnect)
	}
	for _, room := range rooms {
		if err := c.ask("40/rooms/"+room+",", answeredWith("40/rooms/"), refusedConnect); err != nil {
			return err
		}
	}
	return nil
}

// greetAndJoin connects to the main namespace and joins each room by an event, which the server acknowledges.
func greetAndJoin(c *client, rooms []string) error {
	if err := greetSocketIO(c, nil); err != nil {
		return err
	}
	for i, room := range rooms {
		if err := c.ask(fmt.Sprintf(`42%d["join","%s"]`, i, room), answeredWith("43"), refusedConnect); err != nil {
			return err
		}
	}
	return nil
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

// answeredWith recognises a packet of Socket.IO by its beginning.
func answeredWith(prefix string) func(packet string) bool {
	return func(packet string) bool { return strings.HasPrefix(packet, prefix) }
}

var refusedConnect = answeredWith("44")

// ask sends a packet and reads until it is answered or refused. Meanwhile it answers what the protocol wants answered.
func (c *client) ask(say string, answered, refused func(packet string) bool) error {
	if err := c.write(opText, []byte(say)); err != nil {
		return err
	}
	for {
		packet, err := c.packet()
		switch {
		case err != nil:
			return err
		case answered(packet):
			return nil
		case refused(packet):
			return fmt.Errorf("refused: %.80q", packet)
		}
		if answer := c.run.options.protocol.answer([]byte(packet)); answer != nil {
			if err := c.write(opText, answer); err != nil {
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
	has := func(text string) func(string) bool {
		return func(packet string) bool { return strings.Contains(packet, text) }
	}
	failed := has(`"error"`)
	if err := c.ask(`{"id":1,"connect":{}}`, has(`"connect"`), failed); err != nil {
		return err
	}
	for i, room := range rooms {
		if err := c.ask(fmt.Sprintf(`{"id":%d,"subscribe":{"channel":"%s"}}`, i+2, room), has(`"subscribe"`), failed); err != nil {
			return err
		}
	}
	return nil
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
