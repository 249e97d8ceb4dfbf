// Package fanout delivers streams of messages to many connections: one shared log for each stream, and one cursor for
// each connection that follows it.
//
// Every WebSocket client of a room receives the same bytes, so a message is encoded once, into its final frame, and
// appended once to a log of segments. A connection owns no queue of messages, only a cursor: the place in the log up to
// which it has been written.
//
//	 oldest                                                    head
//	   │  retention window: bounded by count and by bytes        │
//	   ▼                                                         ▼
//	┌─────────┐   ┌─────────┐   ┌─────────┐   ┌─────────┐
//	│ segment │──▶│ segment │──▶│ segment │──▶│ segment │◀── Append copies a frame in, then commits the new length
//	└─────────┘   └────▲────┘   └─────────┘   └─────▲─▲─┘
//	                   │                            │ │
//	           cursor of a client           cursors of clients that are (almost) up to date
//	           that just recovered
//
// A sweeper for each core owns a shard of the connections. When a log grows, the sweeper visits those of its connections
// that follow it, and makes one non-blocking write(2) of all the contiguous bytes up to the head. The busier the room, the
// more messages go into one write: batching without timers, copies or allocations. New messages, the replay after a
// reconnect and history on joining are the same operation; only the cursor starts elsewhere.
//
// All logs share the sweepers, which sweep grown logs in order of arrival. A silent log costs neither a goroutine nor a
// buffer, and the cost of an append depends only on the followers of its log, however many other logs there are. A
// connection that follows several logs gets a piece of each in turn, always whole frames.
//
// A connection is parked if its socket is full or it has much to catch up with: it leaves the sweep, and a goroutine of its
// own waits for the socket, catches up and puts it back. No other connection waits. A reader that falls behind by half the
// window is dropped while its place is still in the window, so that it can reconnect and continue there. So memory is one
// window and O(1) for each connection. Append waits for sweepers that lag, and only for them.
//
// Frames for one connection only (handshake, acks, pings) go through a small private queue and are written between frames
// of the log, never inside one: the cursor always stands between two frames, and the connection keeps the rest of a partly
// written frame beside it and writes it first. A session that polls has no socket; it takes bytes from the same cursor when
// a poll is open, and keeps that cursor when it upgrades.
//
// A segment lives as long as the window or a cursor needs it; then the garbage collector frees it.
//
// It has many files because each part of the way from a log to the sockets has one, and one of them differs by system.
package fanout
