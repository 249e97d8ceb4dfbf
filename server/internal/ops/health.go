// Package ops owns what operators see: health, metrics, profiles and the form of the log.
//
// The other packages do not know it. They take and offer plain functions, which the app
// connects to the methods of [Health] and [Metrics].
package ops

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// State is the phase of the process. It only moves forward.
type State int

// The states.
const (
	Starting State = iota // the record is being loaded
	Ready                 // new clients are welcome
	Draining              // clients are sent elsewhere
)

// String is the state as /readyz calls it.
func (s State) String() string { return [...]string{"starting", "ready", "draining"}[s] }

// Health answers /livez and /readyz. The zero Health is starting. Its methods may be called from any goroutine.
type Health struct {
	mu       sync.Mutex
	state    State
	degraded map[string]string // by part
}

// Advance moves to a later state; an earlier one is ignored, so that the end of a slow start cannot undo a drain.
func (h *Health) Advance(to State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = max(h.state, to)
}

// Degrade notes why a part does not work as it should; an empty reason means that it works again. Degraded is not
// unready: every node shares the same Redis, and restarting them all would not bring it back. The reason is public, so
// it names no addresses.
func (h *Health) Degrade(part, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if reason == "" {
		delete(h.degraded, part)
		return
	}
	if h.degraded == nil {
		h.degraded = map[string]string{}
	}
	h.degraded[part] = reason
}

// Report is the body of /readyz.
type Report struct {
	Status   string `json:"status"`             // a [State]
	Degraded string `json:"degraded,omitempty"` // the parts that do not work as they should, and why
}

// Report returns the state of this moment.
func (h *Health) Report() Report {
	_, r := h.report()
	return r
}

func (h *Health) report() (State, Report) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var reasons []string
	for part, reason := range h.degraded {
		reasons = append(reasons, part+": "+reason)
	}
	slices.Sort(reasons)
	return h.state, Report{Status: h.state.String(), Degraded: strings.Join(reasons, "; ")}
}

// Live is /livez: 200 for as long as the process can answer at all.
func (h *Health) Live(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "alive"})
}

// Ready is /readyz: 200 from the end of the start to the beginning of the drain, else 503.
func (h *Health) Ready(w http.ResponseWriter, _ *http.Request) {
	state, report := h.report()
	status := http.StatusServiceUnavailable
	if state == Ready {
		status = http.StatusOK
	}
	answer(w, status, report)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone
}
