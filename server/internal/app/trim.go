package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// trimInterval is how often the heap is looked at.
const trimInterval = 5 * time.Second

// trim returns memory to the system after a storm of connects. Delivering messages allocates next to nothing, so the
// collector may not run for minutes after such a storm, and its garbage would count as memory per connection.
func trim(ctx context.Context) {
	ticker := time.NewTicker(trimInterval)
	defer ticker.Stop()
	h := newHeap()
	for {
		select {
		case <-ticker.C:
			if h.isStale() {
				debug.FreeOSMemory()
			}
		case <-ctx.Done():
			return
		}
	}
}

// heap reads the memory statistics of the process.
type heap struct {
	samples []metrics.Sample
	cycles  uint64 // of the collector, at the last look
}

func newHeap() *heap {
	return &heap{samples: []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/gc/heap/live:bytes"},                // what the last collection left
		{Name: "/memory/classes/heap/objects:bytes"}, // that, and what came since
		{Name: "/memory/classes/heap/free:bytes"},    // kept for later
	}}
}

// isStale reports whether much of the heap is garbage or unused and the collector has not run since the last look.
func (h *heap) isStale() bool {
	metrics.Read(h.samples)
	cycles, live := h.samples[0].Value.Uint64(), h.samples[1].Value.Uint64()
	rested := cycles == h.cycles
	h.cycles = cycles
	used := h.samples[2].Value.Uint64() + h.samples[3].Value.Uint64()
	const little = 4 << 20
	return rested && used > live+live/4+little
}
