package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// result is the outcome of a load. The name of a JSON field states the unit of a time. Without processes the figures of
// processes are absent.
type result struct {
	Clients            int      `json:"clients"`
	ConnectSeconds     float64  `json:"connect_s"`
	ConnectCPU         *float64 `json:"connect_cpu_us,omitempty"`         // server CPU for one connect
	MemoryPerClient    *float64 `json:"rss_kib_per_connection,omitempty"` // after the hold
	MemoryPerRoom      *float64 `json:"rss_kib_per_room,omitempty"`       // the same, connections included
	Sent               int64    `json:"sent"`
	Delivered          int64    `json:"delivered"`
	Seconds            float64  `json:"seconds"` // from the first message to the last delivery
	DeliveriesPerS     float64  `json:"deliveries_per_s"`
	BytesPerDelivery   float64  `json:"bytes_per_delivery"` // frames and all
	CPUPerDelivery     *float64 `json:"cpu_us_per_delivery,omitempty"`
	ServerCPUShare     *float64 `json:"server_cpu_share,omitempty"` // 1: one core, all the time
	CPUPerMessage      *float64 `json:"cpu_us_per_message,omitempty"`
	StoreCPUPerMessage *float64 `json:"store_cpu_us_per_message,omitempty"` // of the database
	GeneratorCPUShare  float64  `json:"generator_cpu_share"`
	Late               float64  `json:"late_ms"` // largest delay of a send: a sign of an overloaded generator

	Latency   *percentiles `json:"latency_ms,omitempty"`
	CrossNode *percentiles `json:"cross_node_latency_ms,omitempty"` // of messages from a client of another node

	ConnectFailures int      `json:"connect_failures"`
	Closed          int64    `json:"closed"`     // clients that the server closed
	Missing         int64    `json:"missing"`    // deliveries that never came
	Duplicates      int64    `json:"duplicates"` // deliveries that came again
	Disordered      int64    `json:"disordered"` // deliveries after a later message of the same sender
	Divergent       int      `json:"divergent"`  // clients that saw everything in a room, but in another order than most
	Alien           int64    `json:"alien"`      // deliveries of rooms that a client is not in
	Reasons         []string `json:"reasons,omitempty"`
}

type percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func newPercentiles(l *latencies) *percentiles {
	if l.count == 0 {
		return nil
	}
	at := func(q float64) float64 { return millis(l.quantile(q)) }
	return &percentiles{P50: at(.5), P90: at(.9), P99: at(.99), Max: millis(l.max)}
}

func millis(d time.Duration) float64 { return round(d.Seconds() * 1e3) }

// round keeps three decimals.
func round(f float64) float64 { return math.Round(f*1e3) / 1e3 }

// share returns processor time as a share of a time in seconds.
func share(cpu time.Duration, seconds float64) *float64 {
	f := round(cpu.Seconds() / seconds)
	return &f
}

// micros returns the processor time of one of n, in microseconds.
func micros(cpu time.Duration, n int64) *float64 {
	f := round(float64(cpu) / 1e3 / float64(n))
	return &f
}

func (r *result) connected(before, after usage, clients int) {
	r.ConnectSeconds = round(r.ConnectSeconds)
	if cpu := after.cpu - before.cpu; cpu > 0 {
		r.ConnectCPU = micros(cpu, int64(clients))
	}
}

func (r *result) held(before, after usage, clients, rooms int) {
	if before.rss <= 0 {
		return
	}
	grown := float64(after.rss-before.rss) / 1024
	perClient := round(grown / float64(clients))
	r.MemoryPerClient = &perClient
	if rooms > 0 {
		perRoom := round(grown / float64(rooms))
		r.MemoryPerRoom = &perRoom
	}
}

// worked notes the processor time of the servers, of the database and of chatbench during the measurement.
func (r *result) worked(servers, stores, own time.Duration) {
	r.GeneratorCPUShare = *share(own, r.Seconds)
	r.DeliveriesPerS = math.Round(float64(r.Delivered) / r.Seconds)
	if servers > 0 && r.Delivered > 0 {
		r.CPUPerDelivery = micros(servers, r.Delivered)
		r.CPUPerMessage = micros(servers, r.Sent)
		r.ServerCPUShare = share(servers, r.Seconds)
	}
	if stores > 0 && r.Sent > 0 {
		r.StoreCPUPerMessage = micros(stores, r.Sent)
	}
	r.Seconds = round(r.Seconds)
}

// verify adds up what the clients saw. All reading and sending must have ended.
func (r *result) verify(l *load) {
	var local, crossed latencies
	var bytes, messages int64
	order := orders{}
	for _, c := range l.clients {
		r.Alien += c.places.alien
		c.places.each(func(room int, t *timeline) {
			sent := l.sentIn(room)
			r.Missing += sent - t.seen
			r.Duplicates += t.duplicates
			r.Disordered += t.disordered
			if t.seen == sent {
				order.add(room, t.digest)
			}
		})
		local.merge(&c.local)
		crossed.merge(&c.crossed)
		bytes += c.bytes
		messages += c.messages
	}
	r.Divergent = order.divergent()
	r.Closed = l.closed.Load()
	r.Reasons = l.reasons
	r.CrossNode = newPercentiles(&crossed)
	local.merge(&crossed)
	r.Latency = newPercentiles(&local)
	if messages > 0 {
		r.BytesPerDelivery = round(float64(bytes) / float64(messages))
	}
}

// orders counts, for each room, how many clients saw everything in the same order, by the digest of that order.
type orders map[int]map[uint64]int

func (o orders) add(room int, digest uint64) {
	if o[room] == nil {
		o[room] = map[uint64]int{}
	}
	o[room][digest]++
}

// divergent counts the clients outside the largest group of each room.
func (o orders) divergent() (n int) {
	for _, groups := range o {
		largest := 0
		for _, clients := range groups {
			n += clients
			largest = max(largest, clients)
		}
		n -= largest
	}
	return n
}

// faults is the number of all faults.
func (r *result) faults() int64 {
	return int64(r.ConnectFailures) + r.Closed + r.Missing + r.Duplicates + r.Disordered + int64(r.Divergent) + r.Alien
}

func (r *result) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := io.WriteString(w, r.text())
	return err
}

func (r *result) text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-22s "+format+"\n", append([]any{name}, args...)...)
	}
	optional := func(name, unit string, f *float64) {
		if f != nil {
			line(name, "%g %s", *f, unit)
		}
	}
	line("clients", "%d in %g s", r.Clients, r.ConnectSeconds)
	optional("CPU per connect", "µs", r.ConnectCPU)
	optional("memory per connection", "KiB", r.MemoryPerClient)
	optional("memory per room", "KiB, connections included", r.MemoryPerRoom)
	if r.Sent > 0 {
		line("sent", "%d in %g s", r.Sent, r.Seconds)
		line("deliveries", "%d, %.0f/s, %g bytes each", r.Delivered, r.DeliveriesPerS, r.BytesPerDelivery)
		optional("CPU per delivery", "µs", r.CPUPerDelivery)
		optional("CPU per message", "µs", r.CPUPerMessage)
		optional("CPU of the database", "µs per message", r.StoreCPUPerMessage)
		optional("servers' cores", "busy", r.ServerCPUShare)
		line("generator's cores", "%g busy, latest send %g ms late", r.GeneratorCPUShare, r.Late)
		r.Latency.line("latency", line)
		r.CrossNode.line("… across nodes", line)
	}
	line("faults", "%d missing, %d duplicates, %d disordered, %d divergent, %d alien, %d closed, %d not connected",
		r.Missing, r.Duplicates, r.Disordered, r.Divergent, r.Alien, r.Closed, r.ConnectFailures)
	for _, reason := range r.Reasons {
		line("", "%s", reason)
	}
	return b.String()
}

func (p *percentiles) line(name string, line func(name, format string, args ...any)) {
	if p != nil {
		line(name, "p50 %g, p90 %g, p99 %g, max %g ms", p.P50, p.P90, p.P99, p.Max)
	}
}
