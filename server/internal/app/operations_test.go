package app

import (
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// exported is what nodes export: by name of a metric, its type, and its labels with all their values.
type exported map[string]metric

type metric struct {
	kind   string
	labels map[string][]string
}

var (
	typeLine   = regexp.MustCompile(`(?m)^# TYPE (\w+) (\w+)$`)
	seriesLine = regexp.MustCompile(`(?m)^(\w+?)(_bucket|_sum|_count)?(?:\{(.*)\})? \S+$`)
	labelPair  = regexp.MustCompile(`(\w+)(=~|!~|!=|=)"([^"]*)"`)
)

// scrapeAll reads everything that a node exports.
func (e exported) scrapeAll(t *testing.T, a *App) {
	t.Helper()
	w := newRecorder()
	a.private.server.Handler.ServeHTTP(w, newRequest("/metrics"))
	body, err := io.ReadAll(w.Body)
	assert.NoError(t, err)
	for _, line := range typeLine.FindAllStringSubmatch(string(body), -1) {
		if _, known := e[line[1]]; !known {
			e[line[1]] = metric{line[2], map[string][]string{}}
		}
	}
	for _, line := range seriesLine.FindAllStringSubmatch(string(body), -1) {
		m, known := e[line[1]]
		if !known {
			m = e[line[1]+line[2]] // the name itself ends so
		}
		for _, pair := range labelPair.FindAllStringSubmatch(line[3], -1) {
			if pair[1] != "le" {
				m.labels[pair[1]] = append(m.labels[pair[1]], pair[3])
			}
		}
	}
}

// underLoad is what nodes of both kinds export while clients speak.
func underLoad(t *testing.T) exported {
	t.Helper()
	all := exported{}
	for _, flags := range [][]string{{"--redis-url=" + redistest.Start(t).URL()}, nil} {
		a := start(t, append(flags, "--ops-addr=127.0.0.1:0")...)
		c := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket})
		cats := beside(t, c, "cats")
		open(t, a.url(), siotest.Options{Transport: siotest.WebSocket}) // the copy of the sender may go with its ack
		for range 100 {
			say(t, c, "to all")
			say(t, cats, "to cats")
		}
		assert.Eventually(t, "deliveries", func() bool { return a.scrape(t, "chat_delivery_lag_seconds_count") != "0" })
		all.scrapeAll(t, a)
	}
	return all
}

var inTable = regexp.MustCompile("(?m)^\\| `(chat_\\w+)` \\| (\\w+) \\| ([^|]+) \\| ")

// TestOperationsListsEveryMetric with its type and its labels, and no other.
func TestOperationsListsEveryMetric(t *testing.T) {
	listed := map[string]string{}
	for _, row := range inTable.FindAllStringSubmatch(read(t, "docs/OPERATIONS.md"), -1) {
		listed[row[1]] = row[2] + " " + row[3]
	}
	for name, m := range underLoad(t) {
		if !strings.HasPrefix(name, "chat_") {
			continue
		}
		var labels []string
		for label := range m.labels {
			labels = append(labels, "`"+label+"`")
		}
		slices.Sort(labels)
		row := m.kind + " –"
		if len(labels) > 0 {
			row = m.kind + " " + strings.Join(labels, ", ")
		}
		assert.Equal(t, "what docs/OPERATIONS.md says of "+name, listed[name], row)
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("docs/OPERATIONS.md lists %s, which no node exports", name)
	}
}

// queries are all texts in PromQL: of the alerts, and of the dashboard.
func queries(t *testing.T) (all []string) {
	t.Helper()
	rules := read(t, "deploy/prometheus/rules.yml")
	for _, rule := range strings.Split(rules, "- alert:")[1:] {
		expr, _, _ := strings.Cut(rule[strings.Index(rule, "expr:")+len("expr:"):], "labels:")
		expr, _, _ = strings.Cut(expr, "for:")
		all = append(all, expr)
	}
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	assert.NoError(t, json.Unmarshal([]byte(read(t, "deploy/grafana/dashboards/chat.json")), &dashboard))
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

var (
	selector = regexp.MustCompile(`\b((?:chat|go|process)_\w+|up)\b(?:\{([^}]*)\})?`)
	grouping = regexp.MustCompile(`\b(?:by|on|ignoring|without|group_left) \(([^)]*)\)`)
)

// addedByPrometheus are labels of every series, and le those of a histogram.
var addedByPrometheus = []string{"job", "instance", "le"}

// TestDashboardAndAlertsAskForWhatExists: metrics, labels, and values of labels that loaded nodes export.
func TestDashboardAndAlertsAskForWhatExists(t *testing.T) {
	nodes := underLoad(t)
	nodes["up"] = metric{kind: "gauge"}
	asked := queries(t)
	if len(asked) < 30 {
		t.Fatalf("only %d queries", len(asked))
	}
	for _, query := range asked {
		labels := slices.Clone(addedByPrometheus)
		for _, s := range selector.FindAllStringSubmatch(grouping.ReplaceAllString(query, ""), -1) {
			labels = append(labels, nodes.check(t, s[1], s[2])...)
		}
		for _, group := range grouping.FindAllStringSubmatch(query, -1) {
			for label := range strings.SplitSeq(group[1], ",") {
				if label = strings.TrimSpace(label); label != "" && !slices.Contains(labels, label) {
					t.Errorf("no metric has the label %q: %s", label, query)
				}
			}
		}
	}
}

// check looks for a metric and what is asked of its labels, and returns its labels.
func (e exported) check(t *testing.T, name, matchers string) (labels []string) {
	t.Helper()
	base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
	m, known := e[name]
	if h, ok := e[base]; !known && ok && h.kind == "histogram" {
		m, known = h, true
	}
	if !known {
		t.Errorf("no node exports %s", name)
	}
	for label := range m.labels {
		labels = append(labels, label)
	}
	for _, pair := range labelPair.FindAllStringSubmatch(matchers, -1) {
		if slices.Contains(addedByPrometheus, pair[1]) {
			continue
		}
		for value := range strings.SplitSeq(pair[3], "|") {
			if !slices.Contains(m.labels[pair[1]], value) {
				t.Errorf("no node exports %s{%s=%q}", name, pair[1], value)
			}
		}
	}
	return labels
}
