package ops

import (
	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "chat"

// label is a label and its catalogue.
type label struct {
	name   string
	values []string
}

// counters is a counter for each combination of catalogued label values; with one label the second value is empty. The
// map is never written to after it was made, so counting takes no lock.
type counters map[[2]string]prometheus.Counter

// counters makes and registers the counters of one or two labels, all at zero.
func (m *Metrics) counters(name, help string, first label, second ...label) counters {
	names := []string{first.name}
	for _, l := range second {
		names = append(names, l.name)
	}
	vec := prometheus.NewCounterVec(options(name, help), names)
	m.registry.MustRegister(vec)
	all := counters{}
	for _, a := range append([]string{Other}, first.values...) {
		if len(second) == 0 {
			all[[2]string{a}] = vec.WithLabelValues(a)
			continue
		}
		for _, b := range append([]string{Other}, second[0].values...) {
			all[[2]string{a, b}] = vec.WithLabelValues(a, b)
		}
	}
	return all
}

// inc counts a value of the one label, or Other if it is not catalogued.
func (c counters) inc(value string) {
	counter, ok := c[[2]string{value}]
	if !ok {
		counter = c[[2]string{Other}]
	}
	counter.Inc()
}

// inc2 counts a combination of the two labels, or Other twice if it is not catalogued.
func (c counters) inc2(a, b string) {
	counter, ok := c[[2]string{a, b}]
	if !ok {
		counter = c[[2]string{Other, Other}]
	}
	counter.Inc()
}

func options(name, help string) prometheus.CounterOpts {
	return prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}
}

// series describes a single series whose labels are given as pairs.
func series(name, help string, pairs []string) prometheus.Opts {
	labels := prometheus.Labels{}
	for i := 0; i+1 < len(pairs); i += 2 {
		labels[pairs[i]] = pairs[i+1]
	}
	return prometheus.Opts{Namespace: namespace, Name: name, Help: help, ConstLabels: labels}
}
