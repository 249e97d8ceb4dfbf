package ops

import (
	"io"
	"log/slog"
	"net/http"
)

// leveled is a handler whose level can change.
type leveled struct {
	slog.Handler
	level *slog.LevelVar
}

// NewLogger makes the logger of the process: one line per record to w, format "json" or else text, nothing below level, which
// the private port can change (see [Private]).
func NewLogger(level slog.Level, format string, w io.Writer) *slog.Logger {
	v := &slog.LevelVar{}
	v.Set(level)
	options := &slog.HandlerOptions{Level: v}
	if format == "json" {
		return slog.New(leveled{slog.NewJSONHandler(w, options), v})
	}
	return slog.New(leveled{slog.NewTextHandler(w, options), v})
}

// maxLevel bounds the body that names a level, in bytes.
const maxLevel = 16

// serveLevel answers with the level of a logger that [NewLogger] made, after it has set the one in the body of a PUT. Pages cannot
// send a PUT to another site unless that allows it, and this one allows nothing.
func serveLevel(mux *http.ServeMux, log *slog.Logger) {
	h, ok := log.Handler().(leveled)
	if !ok {
		return
	}
	show := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, h.level.Level().String()+"\n") }
	mux.HandleFunc("GET /log-level", show)
	mux.HandleFunc("PUT /log-level", func(w http.ResponseWriter, r *http.Request) {
		var level slog.Level
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLevel))
		if err != nil || level.UnmarshalText(text) != nil {
			http.Error(w, "the body is debug, info, warn or error", http.StatusBadRequest)
			return
		}
		h.level.Set(level)
		log.Warn("the level of the log has changed", "level", level)
		show(w, r)
	})
}
