package replica

import (
	"time"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
)

// recoverWait bounds how long a recovery waits for an offset that this node has not reached yet; recoverPoll is how often it
// checks.
const (
	recoverWait = 2 * time.Second
	recoverPoll = 20 * time.Millisecond
)

// Recover finds the place right after an offset that a client has seen. It is false unless exactly that entry is in the
// window. If this node has not reached the offset yet, Recover waits for it for a bounded time: the client may have seen it
// on a faster node.
func (r *Replica) Recover(seen stream.Offset) (fanout.Cursor, bool) {
	r.await(r.life, seen)
	r.starts.RLock()
	defer r.starts.RUnlock()
	return r.log.After(seen)
}

// isAhead reports whether an offset is beyond this node's log.
func (r *Replica) isAhead(seen stream.Offset) bool {
	r.starts.RLock()
	defer r.starts.RUnlock()
	return r.log.Head().Offset().Compare(seen) < 0
}

// Start is the place n messages before the newest one, or the oldest place of the window if it holds fewer.
func (r *Replica) Start(n int) fanout.Cursor {
	r.starts.RLock()
	defer r.starts.RUnlock()
	return r.log.Back(n)
}
