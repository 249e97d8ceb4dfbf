package adapter

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
)

// brakeTimeout bounds how long one publication waits for the delivery.
const brakeTimeout = time.Second

// brake keeps those who publish on this node from running ahead of its own delivery by more than a fraction of the
// window: otherwise a stream in memory could forget entries before this node has followed them, which is a gap. What the
// stream has not confirmed yet is not counted; its own queue bounds that.
type brake struct {
	log            *fanout.Log
	entries, bytes int // between two marks

	target atomic.Pointer[stream.Offset] // the mark before the last, unless the log has reached it; nil: none

	mu    sync.Mutex
	mark  stream.Offset // the last one
	count int           // since then
	size  int
}

// newBrake allows a quarter of the window between what is stored and what is delivered.
func newBrake(log *fanout.Log, window, windowBytes int) *brake {
	return &brake{log: log, entries: max(window/8, 1), bytes: max(windowBytes/8, 1)}
}

// stored notes an entry of this node.
func (b *brake) stored(offset stream.Offset, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	b.size += size
	if b.count < b.entries && b.size < b.bytes {
		return
	}
	if before := b.mark; !before.IsZero() {
		b.target.Store(&before)
	}
	b.mark, b.count, b.size = offset, 0, 0
}

// wait returns at once unless the delivery is far behind.
func (b *brake) wait(ctx context.Context) {
	target := b.target.Load()
	if target == nil {
		return
	}
	if b.log.Head().Offset().Compare(*target) < 0 {
		ctx, cancel := context.WithTimeout(ctx, brakeTimeout)
		defer cancel()
		b.log.Reach(ctx, *target)
	}
	b.target.CompareAndSwap(target, nil)
}
