// Package fanout delivers streams of messages to very many connections: one shared log for each stream, and one cursor for
// each connection that follows it.
//
// Every WebSocket client of a room receives the same bytes, so a message is encoded once, into its final frame, and
// appended once to a log of segments. A connection owns no queue of messages, only a cursor: the place up to which the
// log was written to it.
//
//	 oldest                                                    head
//	   │  retention window: bounded by count and by bytes        │
//	   ▼                                                         ▼
//	┌─────────┐   ┌─────────┐   ┌─────────┐   ┌─────────┐
//	│ segment │──▶│ segment │──▶│ segment │──▶│ segment │◀── Append copies a frame in, then commits the new length
//	└─────────┘   └────▲────┘   └─────────┘   └─────▲─▲─┘
//	                   │                            │ │
//	           cursor of a client           cursors of clients that have (almost) everything
//	           that just recovered
//
// A sweeper for each core owns a shard of the connections. When a log grows, the sweeper visits those of its connections
// that follow that log, and makes one non-blocking write(2) of all the contiguous bytes up to the head. The busier the room,
// the more messages go into one write: batching without timers, without copies and without allocations. New messages, the
// replay after a reconnect and history on joining are the same operation; only the cursor starts elsewhere.
//
// All logs share the sweepers, and logs that grew are swept first come, first served. A log that is silent costs neither a
// goroutine nor a buffer, and an append costs what the followers of its log cost, however many other logs there are. A
// connection that follows several logs gets a piece of each in turn, always whole frames.
//
// A connection whose socket is full, or that has much to catch up with, is parked: it leaves the sweep, a goroutine of its
// own waits for the socket, catches up and puts it back. Nobody else waits. A reader that falls behind by half the window
// is given up while its place is still in the window, so that it can reconnect and continue there. So memory is one window
// and O(1) for each connection. Append waits for sweepers that lag, and only for them.
//
// Frames for one connection only (handshake, acks, pings) go through a small private queue and are written between frames
// of the log, never inside one: the cursor stands between two frames, always, and what a write leaves of a frame is kept
// beside it and goes first. A session that polls has no socket; it takes bytes from the same cursor when a poll is open,
// and keeps that cursor when it upgrades.
//
// A segment lives as long as the window or a cursor needs it; then the garbage collector takes it.
package fanout
