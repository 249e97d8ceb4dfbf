package replica

import (
	"math"
	"sync"
	"time"

	"scalable-chat/server/internal/stream"
)

// Traffic is how much comes out of a stream, in a second, over about the last [trafficMemory].
type Traffic struct {
	Messages float64
	Bytes    float64 // of events, as they are stored
}

// trafficMemory is after how long a message counts 1/e of what it counted at first.
const trafficMemory = 10 * time.Second

// trafficTick is for how many milliseconds of a stream's clock messages count alike: a busy room need not ask for the time at
// each. It must be a small part of [trafficMemory].
const trafficTick = 256

// traffic measures. What it has measured decays when it is looked at, so that a silent room costs nothing.
type traffic struct {
	mu   sync.Mutex
	tick uint64    // of the newest entry
	at   time.Time // of the newest decay
	rate Traffic   // then, and what has come since
}

// count adds entries, at least one, that came out of the stream now. It allocates nothing.
func (t *traffic) count(entries []stream.Entry) {
	bytes := 0
	for _, e := range entries {
		bytes += len(e.Event)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if tick := entries[0].Offset.Ms / trafficTick; tick != t.tick {
		t.tick = tick
		t.decayLocked(time.Now())
	}
	t.rate.Messages += float64(len(entries)) / trafficMemory.Seconds()
	t.rate.Bytes += float64(bytes) / trafficMemory.Seconds()
}

func (t *traffic) decayLocked(now time.Time) {
	left := math.Exp(-now.Sub(t.at).Seconds() / trafficMemory.Seconds())
	t.rate.Messages *= left
	t.rate.Bytes *= left
	t.at = now
}

// Traffic is how busy the stream is now. What the log began with does not count.
func (r *Replica) Traffic() Traffic { return r.traffic.now() }

func (t *traffic) now() Traffic {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.decayLocked(time.Now())
	return t.rate
}
