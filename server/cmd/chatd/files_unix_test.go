//go:build unix

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/journal"
)

// startWithin starts a chatd with the given soft and hard limits of open files.
func startWithin(t *testing.T, soft, hard int, flags ...string) (*process, *journal.Journal) {
	t.Helper()
	p, output := newProcess(t, flags...), &journal.Journal{}
	limited := fmt.Sprintf(`ulimit -S -n %d && ulimit -H -n %d && exec "$0" "$@"`, soft, hard)
	p.cmd = exec.Command("sh", append([]string{"-c", limited}, p.cmd.Args...)...)
	p.cmd.Env = append(os.Environ(), child+"=1")
	p.cmd.Stderr = output
	p.run(t)
	return p, output
}

// TestLIM13_ANodeIsNotDeafAtItsLimitOfFiles: a node raises the soft limit, logs when the hard limit is too low for its
// settings, and still answers when clients try more connections than it may have.
func TestLIM13_ANodeIsNotDeafAtItsLimitOfFiles(t *testing.T) {
	p, output := startWithin(t, 64, 512, "--log-level=warn")
	if output.Count("MAX_CONNECTIONS is more than the limit of open files allows") == 0 || output.Count("open_files=51") == 0 {
		t.Errorf("log: %s", output)
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
	assert.Equal(t, "accept errors", output.Count("no connection can be accepted") > 0, false)

	_, output = startWithin(t, 64, 1024, "--log-level=warn", "--max-connections=500")
	assert.Equal(t, "a limit that is high enough is no warning", output.Count("MAX_CONNECTIONS") > 0, false)
}
