package ops

import (
	"io"
	"log/slog"
)

// NewLogger makes the logger of the process: one line per record to w, format "json" or else text, nothing below level.
func NewLogger(level slog.Level, format string, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
