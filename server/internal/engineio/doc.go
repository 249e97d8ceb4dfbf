// Package engineio is the edge: an Engine.IO v4 server that the Socket.IO library binds to, in place of the library's own.
//
// It owns the sessions: their handshake, their transport (long polling, WebSocket, and the upgrade from one to the other),
// their heartbeat, and every bound on what a client may cost. To the library, a session is an engine.Socket. The edge hands
// over one inbound packet at a time, because the library handles each in goroutines of its own and would reorder them:
//
//	GET/POST ──▶ polling ──┐                        ┌──▶ library ──▶ handlers ──▶ Turn.Done ──┐
//	                       ├──▶ check ──▶ one turn ─┤                                         │
//	WebSocket ─▶ readLoop ─┘       ▲                └─────────────────────────────────────────┘
//	                               └── the next packet waits here, and so does the client (TCP, or the POST's answer)
//
// There is a turn for each namespace of a session. While one is taken, packets for others go on, and those for it wait in a
// bounded queue.
//
// Outbound bytes go through the session's [fanout.Conn]: the shared log and private frames, for both transports.
//
// It has many files because all of them work on one type, [Session], under its mutex: a file holds one concern of it. What a session is at a moment is in lifecycle.go, transport.go and lanes.go; the rest acts on these.
//
// The protocol is https://github.com/socketio/engine.io-protocol, revision 4; WebSocket is RFC 6455.
package engineio
