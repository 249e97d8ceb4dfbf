package ops

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Other is the label of whatever is not in a catalogue. It stays at zero unless a catalogue is incomplete.
const Other = "other"

// Catalogues are the label values, as the packages that use them declare them. Every series exists at zero from the
// start, so that rates and alerts work from the first event; values that are not listed are counted as [Other].
type Catalogues struct {
	Events   []string // that clients send
	Outcomes []string // of those events
	Closes   []string // why sessions end
	Refusals []string // why handshakes and packets are turned away
	Rooms    []string // why a client may not connect, or not enter a room
	Answers  []string // outcomes of requests to the HTTP API
	Strays   []string // packets for a namespace that their session is not in
}

// Metrics counts what happens. It has a registry of its own. Its methods are quick and may be called from any goroutine.
type Metrics struct {
	registry   *prometheus.Registry
	handled    counters
	closes     counters
	refusals   counters
	rooms      counters
	strays     counters
	answers    counters
	recoveries counters
	resets     prometheus.Counter
	followed   prometheus.Counter
	lag        prometheus.Histogram
}

// NewMetrics makes the counters of the catalogues, and those of the Go runtime and the process.
func NewMetrics(c Catalogues) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.handled = m.counters("events_total", "Events received from clients.", label{"event", c.Events}, label{"outcome", c.Outcomes})
	m.closes = m.counters("closes_total", "Sessions that ended.", label{"reason", c.Closes})
	m.refusals = m.counters("refusals_total", "Handshakes and packets that were turned away.", label{"reason", c.Refusals})
	m.rooms = m.counters("room_refusals_total", "CONNECTs that were refused.", label{"code", c.Rooms})
	m.strays = m.counters("strays_total", "Packets dropped because their session is not in that namespace.", label{"kind", c.Strays})
	m.answers = m.counters("api_requests_total", "Requests to the HTTP API.", label{"outcome", c.Answers})
	m.recoveries = m.counters("recoveries_total", "Clients that asked for what they missed.", label{"outcome", []string{recovered, refused}})
	m.resets = prometheus.NewCounter(options("resets_total", "Times the log was dropped because the stream had a gap."))
	m.followed = prometheus.NewCounter(options("messages_total", "Messages that came out of the stream on this node."))
	m.lag = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: namespace, Name: "lag_seconds",
		Help:    "Time from a message's stamp in the record to this node, before it is written to clients.",
		Buckets: buckets,
	})
	m.registry.MustRegister(m.resets, m.followed, m.lag,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// buckets are those of all durations, in seconds.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// The outcomes of a recovery.
const (
	recovered = "recovered"
	refused   = "refused"
)

// Handled counts an event of a client and what became of it.
func (m *Metrics) Handled(event, outcome string) { m.handled.inc2(event, outcome) }

// Closed counts the end of a session.
func (m *Metrics) Closed(reason string) { m.closes.inc(reason) }

// Refused counts a handshake or a packet that was turned away.
func (m *Metrics) Refused(reason string) { m.refusals.inc(reason) }

// RoomRefused counts a client that may not connect, or not enter a room.
func (m *Metrics) RoomRefused(code string) { m.rooms.inc(code) }

// Stray counts a packet that was dropped because its session is not in that namespace.
func (m *Metrics) Stray(kind string) { m.strays.inc(kind) }

// Answered counts a request to the HTTP API.
func (m *Metrics) Answered(outcome string) { m.answers.inc(outcome) }

// Recovered counts a client that asked for what it missed, and whether it got it.
func (m *Metrics) Recovered(ok bool) {
	if ok {
		m.recoveries.inc(recovered)
	} else {
		m.recoveries.inc(refused)
	}
}

// Reset counts a gap in the stream.
func (m *Metrics) Reset() { m.resets.Inc() }

// Followed counts a live message that came out of the stream and was stamped at, in milliseconds since the epoch. What
// is loaded at start is not live. Clocks that disagree give a lag of zero, never a negative one.
func (m *Metrics) Followed(at int64) {
	m.followed.Inc()
	m.lag.Observe(max(0, time.Since(time.UnixMilli(at)).Seconds()))
}

// Gauge registers a number that is read at each scrape, such as "redis_up". name comes without prefix;
// labels are pairs of name and value. It panics if the same series was registered before.
func (m *Metrics) Gauge(name, help string, value func() float64, labels ...string) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts(series(name, help, labels)), value))
}

// Counter registers a number that only grows and is counted elsewhere, such as deliveries on the hot path. Otherwise it
// is like [Metrics.Gauge].
func (m *Metrics) Counter(name, help string, value func() float64, labels ...string) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts(series(name, help, labels)), value))
}

// Durations registers a histogram and returns what takes its values; that is quick and may be called from any goroutine. Otherwise
// it is like [Metrics.Gauge].
func (m *Metrics) Durations(name, help string) (observe func(time.Duration)) {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return func(took time.Duration) { h.Observe(took.Seconds()) }
}
