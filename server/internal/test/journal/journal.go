// Package journal is a log that a test reads while the code under test writes it.
package journal

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

// Quiet drops everything.
var Quiet = slog.New(slog.DiscardHandler)

// Journal keeps what is logged at info level and above. The zero value is empty and ready; its methods may be called from
// any goroutine.
type Journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write adds to the journal; it never fails.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

// String is all that was logged.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// Count returns how often the text occurs.
func (j *Journal) Count(text string) int { return strings.Count(j.String(), text) }

// Logger returns a logger that writes text lines to the journal.
func (j *Journal) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelInfo}))
}
