package ops

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// counted is a histogram whose values are counted elsewhere.
type counted struct {
	desc   *prometheus.Desc
	bounds []time.Duration
	read   func() (counts []int64, sum time.Duration)
}

var _ prometheus.Collector = counted{}

// Histogram registers a histogram of durations that are counted elsewhere, such as those of the hot path. read is called at each
// scrape: it returns how many there were in each class, and their sum. bounds are the upper bounds of all classes but the last.
// Otherwise it is like [Metrics.Gauge].
func (m *Metrics) Histogram(name, help string, bounds []time.Duration, read func() (counts []int64, sum time.Duration)) {
	m.registry.MustRegister(counted{
		desc:   prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, nil, nil),
		bounds: bounds, read: read,
	})
}

// Describe implements [prometheus.Collector].
func (c counted) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

// Collect implements [prometheus.Collector].
func (c counted) Collect(to chan<- prometheus.Metric) {
	counts, sum := c.read()
	upTo, total := map[float64]uint64{}, uint64(0)
	for i, n := range counts {
		total += uint64(n)
		if i < len(c.bounds) {
			upTo[c.bounds[i].Seconds()] = total
		}
	}
	to <- prometheus.MustNewConstHistogram(c.desc, total, sum.Seconds(), upTo)
}
