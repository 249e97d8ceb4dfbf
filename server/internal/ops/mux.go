package ops

import (
	"log/slog"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Public adds /livez and /readyz to the mux of the main port.
func Public(mux *http.ServeMux, h *Health) {
	mux.HandleFunc("GET /livez", h.Live)
	mux.HandleFunc("GET /readyz", h.Ready)
}

// Private is the handler of the private port: metrics, profiles, health once more, and the level of the log if [NewLogger] made it. It must not be public: profiles
// reveal memory contents and cost CPU time.
func Private(h *Health, m *Metrics, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	Public(mux, h)
	serveLevel(mux, log)
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
