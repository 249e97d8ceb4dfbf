package pace

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/test/assert"
)

func TestP6_AThinnedLoggerWritesFewRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := Thinned(slog.New(slog.NewTextHandler(&out, nil)), 3, time.Minute)
		for n := range 10_000 {
			log.With("room", n).WithGroup("g").Warn("a gap")
			log.Debug("below the level")
		}
		assert.Equal(t, "records", strings.Count(out.String(), "\n"), 3)
		assert.Equal(t, "left out", strings.Contains(out.String(), "left_out"), false)
		out.Reset()
		time.Sleep(time.Minute)
		for range 2 {
			log.Warn("later")
		}
		lines := strings.Split(out.String(), "\n")
		assert.Equal(t, "how many were left out", strings.Contains(lines[0], "left_out_before=9997"), true)
		assert.Equal(t, "none since", strings.Contains(lines[1], "left_out"), false)
	})
}
