package engineio

import "net"

// carrier is what carries a session's packets at the moment.
type carrier uint8

const (
	carrierPolling   carrier = iota // long polling
	carrierProbing                  // long polling, while a WebSocket is tried
	carrierPromised                 // none yet: the session was opened as WebSocket, and its connection comes in a moment
	carrierAttaching                // a confirmed WebSocket that Session.conn gets in a moment
	carrierWebSocket                // a WebSocket
	carrierHungUp                   // a WebSocket whose reader is done with it
)

// transport is a session's way from polling to WebSocket. It has no lock of its own: in a session, Session.mu guards it.
// Only nc may be read without the lock, by the reader of the WebSocket: once carrier is attaching, nc stays.
type transport struct {
	carrier carrier
	nc      net.Conn // the WebSocket that is tried or used; nil while polling or promised
}

// newTransport is that of a session that is opened.
func newTransport(asWebSocket bool) transport {
	if asWebSocket {
		return transport{carrier: carrierPromised}
	}
	return transport{}
}

// accept takes the promised WebSocket.
func (t *transport) accept(nc net.Conn) { t.carrier, t.nc = carrierWebSocket, nc }

// try begins to probe a WebSocket. It is false unless the session polls and no other one is being tried.
func (t *transport) try(nc net.Conn) bool {
	if t.carrier != carrierPolling {
		return false
	}
	t.carrier, t.nc = carrierProbing, nc
	return true
}

// giveUp forgets the WebSocket that is tried.
func (t *transport) giveUp() { t.carrier, t.nc = carrierPolling, nil }

// confirm makes the WebSocket that is tried the transport. [transport.attached] has to follow.
func (t *transport) confirm() { t.carrier = carrierAttaching }

// attached notes that Session.conn writes to the confirmed WebSocket.
func (t *transport) attached() { t.carrier = carrierWebSocket }

// hangUp notes that the reader of the WebSocket is done with it.
func (t *transport) hangUp() { t.carrier = carrierHungUp }

// polls reports whether the client may poll. A session opened as WebSocket never polls, not even before its connection
// is there: its client may already know its id.
func (t *transport) polls() bool { return t.carrier <= carrierProbing }

func (t *transport) probing() bool { return t.carrier == carrierProbing }

func (t *transport) attaching() bool { return t.carrier == carrierAttaching }

// webSocket is the WebSocket that carries the session, or nil.
func (t *transport) webSocket() net.Conn {
	if t.polls() {
		return nil
	}
	return t.nc
}

// busy reports whether a goroutine still reads from a WebSocket, tried or used.
func (t *transport) busy() bool {
	return t.carrier == carrierProbing || t.carrier == carrierAttaching || t.carrier == carrierWebSocket
}
