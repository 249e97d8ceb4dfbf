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
	greet   func(c *client) error                                       // from the open WebSocket to the first message
	publish func(dst []byte, event string, n int64, text []byte) []byte // appends the packet that sends text; n counts from 0
	answer  func(packet []byte) []byte                                  // to a packet without a message; nil: nothing
}

var protocols = map[string]protocol{
	"sio": {
		path:    "/socket.io/?EIO=4&transport=websocket",
		greet:   greetSocketIO,
		publish: publishSocketIO,
		answer:  answerSocketIO,
	},
	"centrifuge": {
		path:    "/connection/websocket",
		greet:   greetCentrifuge,
		publish: publishCentrifuge,
		answer:  answerCentrifuge,
	},
}

func greetSocketIO(c *client) error {
	open, err := c.packet()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(open, "0") {
		return fmt.Errorf("no open packet: %.80q", open)
	}
	if err := c.write(opText, []byte("40")); err != nil {
		return err
	}
	for {
		packet, err := c.packet()
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(packet, "40"):
			return nil
		case strings.HasPrefix(packet, "44"):
			return fmt.Errorf("refused: %.80q", packet)
		}
	}
}

func publishSocketIO(dst []byte, event string, _ int64, text []byte) []byte {
	return fmt.Appendf(dst, `42["%s",{"message":"%s","username":"u"}]`, event, text)
}

func answerSocketIO(packet []byte) []byte {
	if len(packet) == 1 && packet[0] == '2' {
		return []byte("3")
	}
	return nil
}

func greetCentrifuge(c *client) error {
	for _, step := range []struct{ say, want string }{
		{`{"id":1,"connect":{}}`, `"connect"`},
		{`{"id":2,"subscribe":{"channel":"chat"}}`, `"subscribe"`},
	} {
		if err := c.write(opText, []byte(step.say)); err != nil {
			return err
		}
		packet, err := c.packet()
		if err != nil {
			return err
		}
		if !strings.Contains(packet, step.want) {
			return errors.New("refused: " + packet)
		}
	}
	return nil
}

func publishCentrifuge(dst []byte, _ string, n int64, text []byte) []byte {
	return fmt.Appendf(dst, `{"id":%d,"publish":{"channel":"chat","data":{"message":"%s","username":"u"}}}`, n+3, text)
}

func answerCentrifuge(packet []byte) []byte {
	if bytes.Equal(packet, []byte("{}")) {
		return packet
	}
	return nil
}
