package ops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"scalable-chat/server/internal/test/assert"
)

// hostile are texts with which somebody may try to forge lines, to control a terminal, or to fill the disk.
var hostile = []string{
	"x\nlevel=ERROR msg=forged", "x\r\nlevel=ERROR msg=forged", "\x1b[2J\x1b]0;title\x07", "\x00", "\u2028level=ERROR\u2029", "\u0085\u009b31m",
	"\x7f\b\b\b", "\u202emsg=forged\u2066", `" level=ERROR msg="forged`, `","level":"ERROR","msg":"forged`, "\xff\xfe\xc2", "\ufeff", `\n\u001b`,
	strings.Repeat("A", 10<<10), strings.Repeat("\x1b", 10<<10), strings.Repeat("\u009b", 10<<10), strings.Repeat("é", 10<<10),
}

// longestLine is more than a line with one hostile text may have: [MaxLogged] bytes, each as an escape, and the rest.
const longestLine = 8 << 10

// oneLine checks that a log is one line without a character that controls anything.
func oneLine(t *testing.T, log string) {
	t.Helper()
	line, ends := strings.CutSuffix(log, "\n")
	bad := func(r rune) bool { return !unicode.IsPrint(r) }
	if !ends || strings.ContainsFunc(line, bad) || len(line) > longestLine {
		t.Errorf("%d bytes: %.200q", len(log), log)
	}
}

// TestP6_NoTextForgesALine: neither as an attribute of any kind nor as the message of a record, in both formats.
func TestP6_NoTextForgesALine(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log := NewLogger(slog.LevelDebug, format, &out)
		for _, text := range hostile {
			for _, write := range []func(){
				func() { log.Info(text) },
				func() { log.Info("m", "name", text) },
				func() { log.With("name", text).WithGroup("g").Info("m", "n", 1) },
				func() { log.Info("m", slog.Group("g", "name", text)) },
				func() { log.Info("m", "error", fmt.Errorf("wrapped: %w", errors.New(text))) },
				func() { log.Info("m", "panic", struct{ Text string }{text}) },
				func() { slog.NewLogLogger(log.Handler(), slog.LevelDebug).Print(text) },
			} {
				out.Reset()
				write()
				oneLine(t, out.String())
				if format == "json" {
					var record struct{ Level, Msg string }
					assert.NoError(t, json.Unmarshal(out.Bytes(), &record))
					assert.Equal(t, "forged", record.Msg == "forged" || record.Level == "ERROR", false)
				}
			}
		}
	}
}

func TestTheLogSaysWhatItLeavesOut(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(slog.LevelInfo, "text", &out)
	log.Info("m", "name", strings.Repeat("é", MaxLogged), "stack", strings.Repeat("x", 2*MaxLogged))
	assert.Equal(t, "the rest", strings.Contains(out.String(), "… and 1024 more bytes"), true)
	assert.Equal(t, "a stack", strings.Contains(out.String(), strings.Repeat("x", 2*MaxLogged)), true)
	out.Reset()
	log.Info("m", "name", "Zoë 张伟 👋", "error", nil, "n", 1)
	assert.Equal(t, "what is harmless", strings.Contains(out.String(), `name="Zoë 张伟 👋" error=<nil> n=1`), true)
}
