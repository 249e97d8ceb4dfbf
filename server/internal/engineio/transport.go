package engineio

import "github.com/zishang520/engine.io/v2/transports"

// transport is what the library may ask of a transport; the rest of the interface is not there.
type transport struct {
	transports.Transport
	session *Session
}

// Name is "polling" or "websocket".
func (t transport) Name() string {
	t.session.mu.Lock()
	defer t.session.mu.Unlock()
	if t.session.net != nil {
		return "websocket"
	}
	return "polling"
}

// Sid is the id of the session.
func (t transport) Sid() string { return t.session.id }

// Writable reports whether a volatile packet has a chance.
func (t transport) Writable() bool { return t.session.conn.Writable() }
