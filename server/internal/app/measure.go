package app

import (
	"time"

	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/fanout"
)

// measure registers the numbers that are counted elsewhere.
func (a *App) measure() {
	m := a.metrics
	m.Gauge("connections", "Sessions on this node.", func() float64 { return float64(a.edge.Connections()) })
	m.Gauge("connections_limit", "Sessions that this node accepts (MAX_CONNECTIONS).", func() float64 { return float64(a.cfg.MaxConnections) })
	m.Gauge("sockets", "TCP connections to the main port, sessions or not.", func() float64 { return float64(a.public.net.Len()) })
	m.Gauge("online", "Members of the global room on all nodes, as this node knows it.", func() float64 { return float64(a.parts.members.Online()) })

	m.Gauge("rooms", "Rooms that are open on this node, the global one not included.", func() float64 { return float64(a.rooms.Stats().Open) })
	m.Gauge("rooms_waiting", "Clients that wait to enter a room.", func() float64 { return float64(a.rooms.Stats().Waiting) })
	m.Counter("rooms_opened_total", "Rooms that were opened.", func() float64 { return float64(a.rooms.Stats().Opened) })
	m.Gauge("rooms_bytes", "Memory for the messages of rooms.", func() float64 { return float64(a.budget.Used()) })

	log := func(of func(fanout.Stats) int64) func() float64 {
		return func() float64 { return float64(of(a.sweepers.Stats())) }
	}
	m.Counter("deliveries_total", "Messages written to clients.", log(func(s fanout.Stats) int64 { return s.Deliveries }))
	m.Counter("writes_total", "Write calls for messages; each carries all that a client lacks.", log(func(s fanout.Stats) int64 { return s.Writes }))
	m.Counter("parks_total", "Times that a client's socket was full.", log(func(s fanout.Stats) int64 { return s.Parks }))
	m.Histogram("delivery_lag_seconds", "Time from a message's stamp in the record to the socket of a client that keeps up.", fanout.LagBounds(),
		func() ([]int64, time.Duration) { lags := a.sweepers.Stats().Lags; return lags.Counts[:], lags.Sum })
	m.Gauge("cursor_lag_ratio", "How far the slowest client was behind lately, as a part of the distance at which it is closed.",
		func() float64 { return a.sweepers.Stats().Behind })
	m.Gauge("newest_message_timestamp_seconds", "Stamp of the newest message of the global room on this node.",
		func() float64 { return float64(a.replica.Log().Head().Offset().Ms) / 1000 })
	m.Gauge("parked", "Clients whose socket is full now.", log(func(s fanout.Stats) int64 { return s.Parked }))

	m.Counter("handler_panics_total", "Events whose handler panicked.", func() float64 { return float64(a.hub.Stats().Panics) })
	m.Counter("malformed_entries_total", "Entries of the stream that are no events.", func() float64 { return float64(a.replica.Stats().Malformed) })
	m.Counter("unsent_broadcasts_total", "Broadcasts that the stream did not take.", func() float64 { return float64(a.hub.Stats().Unsent) })
	m.Counter("volatile_dropped_total", "Volatile broadcasts that were dropped because too many came.", func() float64 { return float64(a.hub.Stats().VolatileDropped) })
	for outcome, of := range map[string]func(adapter.Stats) int64{
		"unsent":    func(s adapter.Stats) int64 { return s.BusUnsent },
		"unheard":   func(s adapter.Stats) int64 { return s.BusUnheard },
		"malformed": func(s adapter.Stats) int64 { return s.BusMalformed },
	} {
		m.Counter("requests_lost_total", "Socket.IO requests between nodes that came to nothing.",
			func() float64 { return float64(of(a.hub.Stats())) }, "outcome", outcome)
	}
	for part, ask := range a.degraded() {
		m.Gauge("up", "Whether a part works as it should.", func() float64 {
			if ask() == "" {
				return 1
			}
			return 0
		}, "part", part)
	}
	a.topology.measure(m)
}
