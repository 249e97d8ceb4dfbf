package fanout

import (
	"runtime"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/stream"
)

// Options configure [Sweepers]. Zero values take the defaults.
type Options struct {
	Shards int // sweepers; default one for each core that Go may use

	// MaxPrivate bounds the private queue of a connection in bytes; default 1 MiB. A connection that exceeds it is lost.
	MaxPrivate int
}

// Sweepers write the logs to the connections that follow them. All logs and connections of a process share one set: a log
// costs no goroutine, and an append wakes a sweeper only if one of its connections follows that log. The methods may be
// called from any goroutine.
type Sweepers struct {
	shards    []*shard
	nextShard atomic.Uint32
}

// Stats are totals since the start, except where a field says now.
type Stats struct {
	Deliveries int64 // frames of a log written to or taken by a connection
	Writes     int64 // pieces of a log that carried the deliveries: one write(2) each
	Parks      int64 // times that a connection was parked
	Parked     int64 // connections parked now

	Lags Lags // how late frames were
	// Behind is how far a connection that did not take frames at once was behind the head of its log, when a sweep found it, within
	// the last 15 to 30 seconds: the largest share of the distance at which it is [LostSlow]; more than 1 for one
	// that joined there.
	Behind float64
}

// New starts the sweepers. [Sweepers.Close] ends them.
func New(o Options) *Sweepers {
	if o.Shards <= 0 {
		o.Shards = runtime.GOMAXPROCS(0)
	}
	if o.MaxPrivate <= 0 {
		o.MaxPrivate = 1 << 20
	}
	s := &Sweepers{}
	for range o.Shards {
		s.shards = append(s.shards, newShard(o.MaxPrivate))
	}
	return s
}

// Close stops the sweepers and waits for them: they deliver no log any further. The owner closes the connections; until
// then they write their private frames, and parked ones also write what is pending of the logs. Call Close once.
func (s *Sweepers) Close() {
	for _, shard := range s.shards {
		shard.end()
	}
	for _, shard := range s.shards {
		<-shard.done
	}
}

// NewConn makes a connection that polls and follows no log yet.
func (s *Sweepers) NewConn(owner Owner) *Conn {
	i := int(s.nextShard.Add(1)) % len(s.shards)
	return &Conn{shard: s.shards[i], owner: owner}
}

// NewLog makes an empty log; base is the offset of the entry before its first one. A log needs no closing: it becomes
// garbage when nothing appends to it or follows it.
func (s *Sweepers) NewLog(base stream.Offset, w Window) *Log {
	return newLog(s, base, w)
}

// Stats reads the counters.
func (s *Sweepers) Stats() Stats {
	var sum Stats
	behind, now := int64(0), time.Now()
	for _, shard := range s.shards {
		sum.Deliveries += shard.deliveries.Load()
		sum.Writes += shard.writes.Load()
		sum.Parks += shard.parks.Load()
		sum.Parked += shard.parked.Load()
		shard.lateness.addTo(&sum.Lags)
		behind = max(behind, shard.furthest.read(now))
	}
	sum.Behind = float64(behind) / lostDistance
	return sum
}
