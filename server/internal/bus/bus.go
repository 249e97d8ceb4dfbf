// Package bus carries short messages between nodes, best effort: typing, and requests of the Socket.IO adapter.
//
// It owns what a bus promises (Bus, MaxPayload), the envelope that crosses it, and the one implementation, over Redis
// pub/sub. Queues are bounded in messages and in bytes in both directions; what does not fit is dropped and counted. A
// node that is alone has no bus at all: its Bus is nil.
package bus

import (
	"errors"
)

// MaxPayload is the largest payload that the bus carries, in bytes.
const MaxPayload = 256 << 10

// Errors of [Bus.Publish] and [Bus.Send].
var (
	// ErrFull means that messages come faster than Redis takes them, or that Redis is away. The message is lost.
	ErrFull = errors.New("bus full")
	// ErrMessage means that the topic (1 to 255 bytes), the payload (at most [MaxPayload]) or the addressee is
	// not valid.
	ErrMessage = errors.New("message not fit for the bus")
)

// Bus carries short-lived messages between nodes: inter-node requests, volatile packets. It is best effort: a message
// arrives at most once, and messages of one node arrive in the order in which it sent them, but any of them may be
// lost, and all of them are while Redis is away. Nothing is stored. All methods may be called from any goroutine and
// never block on Redis.
type Bus interface {
	// Publish sends payload to all other nodes; the sender does not hear itself. The bus keeps no reference to payload.
	Publish(topic string, payload []byte) error
	// Send is Publish to one node. A node that does not exist is no error.
	Send(nodeID, topic string, payload []byte) error
	// Subscribe calls fn for what other nodes send to the topic, one message at a time over all topics; fn must be quick
	// and may keep payload but not change it. The returned function ends it; a call that has begun may still finish.
	Subscribe(topic string, fn func(from string, payload []byte)) (cancel func())
}
