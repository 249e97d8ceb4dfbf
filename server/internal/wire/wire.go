// Package wire owns the bytes of the edge: WebSocket frames (RFC 6455, server side), Engine.IO v4 packets and polling
// payloads, and the check that every Socket.IO v5 packet passes before the Socket.IO library sees it.
//
// It consists of pure functions and of one small incremental parser, [Reader]. It starts no goroutine, owns no
// connection and does no I/O of its own. Every decoder takes hostile input: it is bounded, never panics, and allocates
// nothing for a valid packet that arrived in one piece. What is refused is refused with a reason from a closed
// catalogue: [CloseError], [PayloadError], [PacketError].
package wire
