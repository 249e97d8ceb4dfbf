package ops

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, h http.Handler, path string) (status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func wantAnswer(t *testing.T, h http.Handler, path string, wantStatus int, wantBody string) {
	t.Helper()
	status, body := get(t, h, path)
	if status != wantStatus || strings.TrimSpace(body) != wantBody {
		t.Errorf("%s: got %d %s\nwant %d %s", path, status, body, wantStatus, wantBody)
	}
}

func public(h *Health) http.Handler {
	mux := http.NewServeMux()
	Public(mux, h)
	return mux
}

func TestHealthFollowsTheLifeOfTheProcess(t *testing.T) {
	h := &Health{}
	mux := public(h)
	wantAnswer(t, mux, "/readyz", 503, `{"status":"starting"}`)
	h.Advance(Ready)
	wantAnswer(t, mux, "/readyz", 200, `{"status":"ready"}`)
	h.Advance(Draining)
	wantAnswer(t, mux, "/readyz", 503, `{"status":"draining"}`)
	h.Advance(Ready)
	wantAnswer(t, mux, "/readyz", 503, `{"status":"draining"}`)
	wantAnswer(t, mux, "/livez", 200, `{"status":"alive"}`)
}

func TestP5_DegradedStaysReadyAndSaysWhy(t *testing.T) {
	h := &Health{}
	mux := public(h)
	h.Advance(Ready)
	h.Degrade("stream", "Redis does not answer")
	h.Degrade("cluster", "no heartbeat")
	wantAnswer(t, mux, "/readyz", 200, `{"status":"ready","degraded":"cluster: no heartbeat; stream: Redis does not answer"}`)
	h.Degrade("cluster", "")
	wantAnswer(t, mux, "/readyz", 200, `{"status":"ready","degraded":"stream: Redis does not answer"}`)
	h.Degrade("stream", "")
	h.Degrade("never was", "")
	wantAnswer(t, mux, "/readyz", 200, `{"status":"ready"}`)
}

func TestHealthIsAnsweredWhileItChanges(t *testing.T) {
	h := &Health{}
	mux := public(h)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				h.Degrade("stream", "x")
				h.Advance(Ready)
				h.Degrade("stream", "")
			}
		})
		wg.Go(func() {
			for range 100 {
				get(t, mux, "/readyz")
			}
		})
	}
	wg.Wait()
}

func newMetrics() *Metrics {
	return NewMetrics(Catalogues{
		Events:   []string{"event:message", "typing"},
		Outcomes: []string{"ok", "invalid"},
		Closes:   []string{"ping timeout", "slow consumer"},
		Refusals: []string{"origin"},
	})
}

// has checks lines of the metrics as a scraper sees them.
func has(t *testing.T, m *Metrics, lines ...string) {
	t.Helper()
	_, body := get(t, Private(&Health{}, m, slog.Default()), "/metrics")
	for _, line := range lines {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

func TestEverySeriesExistsAtZero(t *testing.T) {
	has(t, newMetrics(),
		`chat_events_total{event="event:message",outcome="ok"} 0`,
		`chat_events_total{event="typing",outcome="invalid"} 0`,
		`chat_events_total{event="other",outcome="other"} 0`,
		`chat_closes_total{reason="ping timeout"} 0`,
		`chat_closes_total{reason="other"} 0`,
		`chat_refusals_total{reason="origin"} 0`,
		`chat_recoveries_total{outcome="recovered"} 0`,
		`chat_recoveries_total{outcome="refused"} 0`,
		`chat_resets_total 0`, `chat_messages_total 0`, `chat_lag_seconds_count 0`)
}

func TestMetricsCount(t *testing.T) {
	m := newMetrics()
	m.Handled("event:message", "ok")
	m.Handled("event:message", "ok")
	m.Handled("event:message", "new code")
	m.Closed("slow consumer")
	m.Closed("new reason")
	m.Refused("origin")
	m.Recovered(true)
	m.Recovered(false)
	m.Recovered(false)
	m.Reset()
	m.Followed(time.Now().Add(-time.Minute).UnixMilli())
	m.Followed(time.Now().Add(time.Minute).UnixMilli()) // a clock that is ahead
	m.Gauge("connections", "Open connections.", func() float64 { return 3 }, "transport", "polling")
	m.Gauge("connections", "Open connections.", func() float64 { return 4 }, "transport", "websocket")
	m.Counter("deliveries_total", "Messages written to clients.", func() float64 { return 5 })
	has(t, m,
		`chat_events_total{event="event:message",outcome="ok"} 2`,
		`chat_events_total{event="other",outcome="other"} 1`,
		`chat_closes_total{reason="slow consumer"} 1`,
		`chat_closes_total{reason="other"} 1`,
		`chat_refusals_total{reason="origin"} 1`,
		`chat_recoveries_total{outcome="recovered"} 1`,
		`chat_recoveries_total{outcome="refused"} 2`,
		`chat_resets_total 1`, `chat_messages_total 2`,
		`chat_lag_seconds_bucket{le="0.0005"} 1`, `chat_lag_seconds_bucket{le="30"} 1`, `chat_lag_seconds_count 2`,
		`chat_connections{transport="polling"} 3`, `chat_connections{transport="websocket"} 4`,
		`chat_deliveries_total 5`)
}

func TestAHistogramThatIsCountedElsewhere(t *testing.T) {
	m := newMetrics()
	m.Histogram("wait_seconds", "Waits.", []time.Duration{time.Millisecond, time.Second}, func() ([]int64, time.Duration) {
		return []int64{3, 0, 1}, 2500 * time.Millisecond
	})
	has(t, m,
		"# TYPE chat_wait_seconds histogram", `chat_wait_seconds_bucket{le="0.001"} 3`, `chat_wait_seconds_bucket{le="1"} 3`,
		`chat_wait_seconds_bucket{le="+Inf"} 4`, "chat_wait_seconds_sum 2.5", "chat_wait_seconds_count 4")
}

func TestCountingAllocatesNothing(t *testing.T) {
	m := newMetrics()
	at := time.Now().UnixMilli()
	if n := testing.AllocsPerRun(100, func() {
		m.Handled("event:message", "ok")
		m.Closed("ping timeout")
		m.Followed(at)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPrivatePortServesProfilesAndHealth(t *testing.T) {
	h := Private(&Health{}, newMetrics(), slog.Default())
	for _, path := range []string{"/livez", "/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline"} {
		if status, _ := get(t, h, path); status != 200 {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := get(t, public(&Health{}), "/metrics"); status != 404 {
		t.Errorf("metrics on the public port: %d", status)
	}
}

func TestLoggerKeepsLevelAndFormat(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(slog.LevelWarn, "json", &out)
	log.Info("not this")
	log.Warn("this", "n", 1)
	var record map[string]any
	if err := json.Unmarshal(out.Bytes(), &record); err != nil || record["msg"] != "this" {
		t.Errorf("%q: %v", out.String(), err)
	}
	out.Reset()
	NewLogger(slog.LevelDebug, "text", &out).Debug("that")
	if !strings.Contains(out.String(), "level=DEBUG msg=that") {
		t.Errorf("%q", out.String())
	}
}

func TestTheLevelChangesAtRunTime(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(slog.LevelInfo, "text", &out)
	child := log.With("part", "x") // made before the change
	h := Private(&Health{}, newMetrics(), log)
	put := func(level string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/log-level", strings.NewReader(level)))
		return w.Code
	}
	child.Debug("before")
	for level, want := range map[string]int{"": 400, "loud": 400, "debug\nx": 400, strings.Repeat("e", 1<<20): 400, "debug": 200} {
		if got := put(level); got != want {
			t.Errorf("%.20q: %d", level, got)
		}
	}
	wantAnswer(t, h, "/log-level", 200, "DEBUG")
	child.Debug("while")
	if put("warn") != 200 {
		t.Error("not set back")
	}
	child.Info("after")
	if s := out.String(); !strings.Contains(s, "msg=while") || strings.Contains(s, "before") || strings.Contains(s, "after") {
		t.Errorf("%q", s)
	}
}
