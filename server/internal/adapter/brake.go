package adapter

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"scalable-chat/server/internal/stream"
)

// brakeTimeout bounds how long one publication waits for the delivery of those before it.
const brakeTimeout = 4 * time.Second

// brake keeps those who publish, on all nodes together, from running ahead of the delivery by more than an eighth of the
// window, in entries and in bytes: otherwise the stream could forget entries before a node has followed them, which is a
// gap. So each publication holds a share of that eighth from before it is queued until this node has delivered it, or it
// was refused; who finds none left waits, in order. Nodes do not ask each other: with n of them each share counts n times.
//
//	enter ──▶ queue ──▶ stream ──▶ stored ──▶ delivered
//	└─────────── holds its share ────────────────┘
type brake struct {
	room   *semaphore.Weighted
	most   int64      // all of it, in bytes
	window func() int // in entries

	mu        sync.Mutex
	delivered stream.Offset // how far this node has followed the stream
	stored    []share       // not delivered yet, in the order in which they were stored
}

// share is what a stored entry holds.
type share struct {
	offset stream.Offset
	size   int64
}

func newBrake(window func() int, windowBytes int) *brake {
	most := max(int64(windowBytes/8), 1)
	return &brake{room: semaphore.NewWeighted(most), most: most, window: window}
}

// least is a share, however small the entry: that bounds their number.
func (b *brake) least() int64 { return max(b.most/max(int64(b.window()/8), 1), 1) }

// enter takes a share for an entry with that many bytes on one of so many nodes. An error says that there was none for too
// long.
func (b *brake) enter(ctx context.Context, bytes, nodes int) (size int64, err error) {
	size = min(max(int64(bytes)+frameOverhead, b.least())*int64(nodes), b.most)
	if b.room.TryAcquire(size) {
		return size, nil
	}
	ctx, cancel := context.WithTimeout(ctx, brakeTimeout)
	defer cancel()
	if err := b.room.Acquire(ctx, size); err != nil {
		return 0, fmt.Errorf("%w: what was published before is not delivered yet: %w", stream.ErrUnavailable, err)
	}
	return size, nil
}

// leave gives the share of an entry back that was not stored.
func (b *brake) leave(size int64) { b.room.Release(size) }

// keep notes where an entry was stored. If that is known already, because it was sent again or the delivery is quicker
// than the news, its share is free.
func (b *brake) keep(offset stream.Offset, size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if offset.Compare(b.delivered) <= 0 {
		b.room.Release(size)
		return
	}
	b.stored = append(b.stored, share{offset, size})
}

// reach frees what was stored up to the offset.
func (b *brake) reach(offset stream.Offset) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.delivered = offset
	n := 0
	for n < len(b.stored) && b.stored[n].offset.Compare(offset) <= 0 {
		n++
	}
	b.freeLocked(n)
}

// newest is the last entry of this node that is stored and not delivered yet; zero if there is none.
func (b *brake) newest() stream.Offset {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.stored) == 0 {
		return stream.Offset{}
	}
	return b.stored[len(b.stored)-1].offset
}

// restart frees everything that was stored: the delivery begins anew at the offset, and what it left out never comes.
func (b *brake) restart(offset stream.Offset) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.delivered = offset
	b.freeLocked(len(b.stored))
}

// freeLocked frees the shares of the n entries that were stored first.
func (b *brake) freeLocked(n int) {
	if n == 0 {
		return
	}
	size := int64(0)
	for _, s := range b.stored[:n] {
		size += s.size
	}
	b.stored = append(b.stored[:0], b.stored[n:]...)
	b.room.Release(size)
}
