package app

import (
	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/forward"
	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/stream/redis/shard"
)

func (c *clustered) measure(m *ops.Metrics) {
	m.Gauge("nodes", "Live nodes that this one knows, itself included.", func() float64 { return float64(c.registry.Nodes()) })
	forwards := func(of func(forward.Stats) int64) func() float64 {
		return func() float64 { return float64(of(c.forwarder.Stats())) }
	}
	m.Gauge("forwarding_requests", "HTTP requests that are being forwarded.", forwards(func(s forward.Stats) int64 { return s.Requests }))
	m.Gauge("forwarding_websockets", "WebSockets that are being forwarded.", forwards(func(s forward.Stats) int64 { return s.Tunnels }))
	for outcome, of := range map[string]func(forward.Stats) int64{
		"forwarded":   func(s forward.Stats) int64 { return s.Forwarded },
		"received":    func(s forward.Stats) int64 { return s.Received },
		"unknown":     func(s forward.Stats) int64 { return s.Unknown },
		"unreachable": func(s forward.Stats) int64 { return s.Unreachable },
		"busy":        func(s forward.Stats) int64 { return s.Busy },
		"forged":      func(s forward.Stats) int64 { return s.Forged },
	} {
		m.Counter("forwards_total", "Requests for sessions of other nodes, and from other nodes.", forwards(of), "outcome", outcome)
	}
	for outcome, of := range map[string]func(bus.Stats) uint64{
		"sent":      func(s bus.Stats) uint64 { return s.Sent },
		"unsent":    func(s bus.Stats) uint64 { return s.Unsent },
		"received":  func(s bus.Stats) uint64 { return s.Received },
		"unheard":   func(s bus.Stats) uint64 { return s.Unheard },
		"malformed": func(s bus.Stats) uint64 { return s.Malformed },
		"panicked":  func(s bus.Stats) uint64 { return s.Panics },
	} {
		m.Counter("bus_messages_total", "Messages between nodes.", func() float64 { return float64(of(c.bus.Stats())) }, "outcome", outcome)
	}
	if c.rooms != nil {
		c.measureRooms(m)
	}
}

func (c *clustered) measureRooms(m *ops.Metrics) {
	count := func(of func(shard.Stats) uint64) func() float64 {
		return func() float64 { return float64(of(c.rooms.Stats())) }
	}
	for way, of := range map[string]func(shard.Stats) uint64{
		"channel": func(s shard.Stats) uint64 { return s.ByChannel },
		"read":    func(s shard.Stats) uint64 { return s.ByRead },
	} {
		m.Counter("room_entries_total", "Messages that came to the rooms of this node, by the way they took.", count(of), "way", way)
	}
	for reason, of := range map[string]func(shard.Stats) uint64{
		"old":       func(s shard.Stats) uint64 { return s.Old },
		"malformed": func(s shard.Stats) uint64 { return s.Malformed },
		"unchained": func(s shard.Stats) uint64 { return s.Unchained },
		"unsent":    func(s shard.Stats) uint64 { return s.Unsent },
	} {
		m.Counter("room_news_dropped_total", "Messages on the channels of rooms that were dropped. What is missing is read.", count(of), "reason", reason)
	}
	m.Counter("room_entries_missed_total", "Messages of rooms that no channel brought, so that they were read.", count(func(s shard.Stats) uint64 { return s.Missed }))
	m.Counter("room_batches_unheard_total", "Batches of rooms that are stored, and that no channel could tell.", count(func(s shard.Stats) uint64 { return s.Unheard }))
	m.Counter("room_gaps_total", "Rooms that began anew because messages were lost.", count(func(s shard.Stats) uint64 { return s.Gaps }))
	m.Counter("room_resyncs_total", "Links to a master that failed, so that all its rooms were read.", count(func(s shard.Stats) uint64 { return s.Resyncs }))
}
