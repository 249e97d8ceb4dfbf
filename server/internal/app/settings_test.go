package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"scalable-chat/server/internal/ops"
)

func TestFirstLogLineTellsWhatSomebodyDecided(t *testing.T) {
	logged := func(level slog.Level, format string, flags ...string) string {
		var out bytes.Buffer
		cfg := load(t, append(flags, "--log-format="+format)...)
		(&App{cfg: cfg, log: ops.NewLogger(level, format, &out)}).logSettings()
		return out.String()
	}
	secret := "--cluster-secret=s3cret0123456789"
	first := logged(slog.LevelInfo, "text", "--history-max=7", secret)
	equal(t, "lines at info", strings.Count(first, "\n"), 1)
	all := logged(slog.LevelDebug, "text", "--history-max=7", secret)
	asJSON := logged(slog.LevelInfo, "json", "--history-max=7", secret)
	for _, c := range []struct {
		what, output, part string
		want               bool
	}{
		{"text", first, "config.HISTORY_MAX=7", true},
		{"text", first, "config.CLUSTER_SECRET=***", true},
		{"text", first, "PING_INTERVAL", false},
		{"text at debug", all, "config.HISTORY_MAX=7", true},
		{"text at debug", all, "config.PING_INTERVAL=25s", true},
		{"json", asJSON, `"HISTORY_MAX":"7"`, true},
		{"json", asJSON, `"PING_INTERVAL":"25s"`, true},
		{"text", first, "s3cret", false},
		{"text at debug", all, "s3cret", false},
		{"json", asJSON, "s3cret", false},
	} {
		if strings.Contains(c.output, c.part) != c.want {
			t.Errorf("%s contains %s: %v, want %v: %s", c.what, c.part, !c.want, c.want, c.output)
		}
	}
}
