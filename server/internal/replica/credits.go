package replica

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"scalable-chat/server/internal/stream"
)

// creditTimeout bounds how long one append waits for credit.
const creditTimeout = 4 * time.Second

// credits bound how far the appends of all nodes together run ahead of the delivery: an eighth of the window, in entries and
// in bytes. Without that bound the stream could trim entries before a node has followed them, which is a gap. Each append
// takes credit out of that eighth before it is queued, and returns it when this node has delivered the entry, or when the
// stream has refused it. An append that finds no credit waits; waiting appends are served in order. Nodes do not coordinate:
// with n nodes, each entry costs n times its size.
//
//	take ──▶ queue ──▶ stream ──▶ stored ──▶ delivered
//	└────────── holds its credit ──────────────┘
type credits struct {
	free     *semaphore.Weighted
	most     int64      // all credit, in bytes
	retained func() int // the window, in entries

	mu        sync.Mutex
	delivered stream.Offset // how far this node has followed the stream
	pending   []credit      // stored and not delivered yet, in the order in which they were stored
}

// credit is the credit of a stored entry.
type credit struct {
	offset stream.Offset
	size   int64
}

func newCredits(retained func() int, windowBytes int) *credits {
	most := max(int64(windowBytes/8), 1)
	return &credits{free: semaphore.NewWeighted(most), most: most, retained: retained}
}

// least is the least cost of an entry; it bounds the number of entries.
func (c *credits) least() int64 { return max(c.most/max(int64(c.retained()/8), 1), 1) }

// take gets credit for an entry of the given bytes on one of the given nodes. It fails if it finds none within
// [creditTimeout].
func (c *credits) take(ctx context.Context, bytes, nodes int) (size int64, err error) {
	size = min(max(int64(bytes)+FrameOverhead, c.least())*int64(nodes), c.most)
	if c.free.TryAcquire(size) {
		return size, nil
	}
	ctx, cancel := context.WithTimeout(ctx, creditTimeout)
	defer cancel()
	if err := c.free.Acquire(ctx, size); err != nil {
		return 0, fmt.Errorf("%w: earlier messages are not delivered yet: %w", stream.ErrUnavailable, err)
	}
	return size, nil
}

// giveBack frees the credit of an entry that was not stored.
func (c *credits) giveBack(size int64) { c.free.Release(size) }

// stored notes the offset of an entry. It frees the credit if this node has delivered that offset already, because the entry
// was a retry or the delivery overtook the stream's answer.
func (c *credits) stored(offset stream.Offset, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if offset.Compare(c.delivered) <= 0 {
		c.free.Release(size)
		return
	}
	c.pending = append(c.pending, credit{offset, size})
}

// reach frees the credit of all entries stored up to the offset.
func (c *credits) reach(offset stream.Offset) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delivered = offset
	n := 0
	for n < len(c.pending) && c.pending[n].offset.Compare(offset) <= 0 {
		n++
	}
	c.freeLocked(n)
}

// newest is the offset of this node's last entry that is stored and not delivered yet; zero if there is none.
func (c *credits) newest() stream.Offset {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) == 0 {
		return stream.Offset{}
	}
	return c.pending[len(c.pending)-1].offset
}

// restart frees all credit of stored entries: the delivery restarts at the offset and never delivers the entries it skipped.
func (c *credits) restart(offset stream.Offset) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delivered = offset
	c.freeLocked(len(c.pending))
}

// freeLocked frees the credit of the n entries that were stored first.
func (c *credits) freeLocked(n int) {
	if n == 0 {
		return
	}
	size := int64(0)
	for _, p := range c.pending[:n] {
		size += p.size
	}
	c.pending = append(c.pending[:0], c.pending[n:]...)
	c.free.Release(size)
}
