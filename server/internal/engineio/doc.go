// Package engineio is the edge: an Engine.IO v4 server for the Socket.IO library to bind to, in place of the library's own.
//
// It owns the sessions: their handshake, their transport (long polling, WebSocket, and the upgrade from one to the other),
// their heartbeat, and every bound on what a client may cost. A session is an engine.Socket to the library. It hands
// inbound packets over one at a time, because the library handles each in goroutines of its own and would reorder them:
//
//	GET/POST ──▶ polling ──┐                        ┌──▶ library ──▶ handlers ──▶ Turn.Done ──┐
//	                       ├──▶ check ──▶ one turn ─┤                                         │
//	WebSocket ─▶ readLoop ─┘       ▲                └─────────────────────────────────────────┘
//	                               └── the next packet waits here, and so does the client (TCP, or the POST's answer)
//
// What goes out goes through the session's [fanout.Conn]: the shared log and private frames, for both transports.
//
// The protocol is that of https://github.com/socketio/engine.io-protocol, revision 4; WebSocket is RFC 6455.
package engineio
