package app

import (
	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/forward"
	"scalable-chat/server/internal/ops"
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
}
