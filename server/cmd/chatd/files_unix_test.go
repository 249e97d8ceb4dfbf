//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// log collects what a process writes.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), text)
}

// startWithin starts a chatd that may have so many files open, as the system tells it and at most.
func startWithin(t *testing.T, soft, hard int, flags ...string) (*process, *log) {
	t.Helper()
	p, output := newProcess(t, flags...), &log{}
	limited := fmt.Sprintf(`ulimit -S -n %d && ulimit -H -n %d && exec "$0" "$@"`, soft, hard)
	p.cmd = exec.Command("sh", append([]string{"-c", limited}, p.cmd.Args...)...)
	p.cmd.Env = append(os.Environ(), child+"=1")
	p.cmd.Stderr = output
	p.run(t)
	return p, output
}

// TestLIM13_ANodeIsNotDeafAtItsLimitOfFiles: it raises the soft limit, says when the hard one is too low for its settings,
// and still answers when more connections are tried than it may have.
func TestLIM13_ANodeIsNotDeafAtItsLimitOfFiles(t *testing.T) {
	p, output := startWithin(t, 64, 512, "--log-level=warn")
	if !output.has("MAX_CONNECTIONS is more than the limit of open files allows") || !output.has("open_files=51") {
		t.Errorf("log: %s", &output.b)
	}
	for range 600 {
		nc, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		assert.NoError(t, err)
		defer nc.Close()
	}
	began := time.Now()
	p.answers(t, http.StatusOK, http.StatusTooManyRequests)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it answered after %v", took)
	}
	assert.Equal(t, "accept errors", output.has("no connection can be accepted"), false)

	_, output = startWithin(t, 64, 1024, "--log-level=warn", "--max-connections=500")
	assert.Equal(t, "a limit that is high enough is no warning", output.has("MAX_CONNECTIONS"), false)
}
