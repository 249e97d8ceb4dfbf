package main

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// child is the environment variable that makes the test binary run as chatd.
const child = "BE_CHATD"

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		main()
	}
	os.Exit(m.Run())
}

const patience = 30 * time.Second

func TestHelpAndVersion(t *testing.T) {
	var out, bad bytes.Buffer
	assert.Equal(t, "exit code of --help", run([]string{"--help"}, &out, &bad), exitOK)
	for _, text := range []string{"--port", "--redis-url", "--drain-timeout"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("--help does not tell of %s", text)
		}
	}
	out.Reset()
	assert.Equal(t, "exit code of --version", run([]string{"--version"}, &out, &bad), exitOK)
	if !strings.HasPrefix(out.String(), "chatd "+Version+" ") || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("version: %q", out.String())
	}
	assert.Equal(t, "errors", bad.String(), "")
}

func TestAllProblemsInOneMessage(t *testing.T) {
	var out, bad bytes.Buffer
	assert.Equal(t, "exit code", run([]string{"--config=/dev/null", "--port=x", "--ping-interval=1", "--redis-tls"}, &out, &bad), exitUsage)
	for _, key := range []string{"PORT", "PING_INTERVAL", "REDIS_TLS"} {
		if !strings.Contains(bad.String(), key) {
			t.Errorf("%s is not mentioned in: %s", key, &bad)
		}
	}
}

func TestTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer taken.Close()
	var out, bad bytes.Buffer
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	assert.Equal(t, "exit code", run([]string{"--config=/dev/null", "--host=127.0.0.1", "--port=" + port}, &out, &bad), exitFailed)
	if !strings.Contains(bad.String(), "address already in use") {
		t.Errorf("message: %s", &bad)
	}
}

// process is a chatd in its own process.
type process struct {
	cmd  *exec.Cmd
	url  string
	done chan error
}

func start(t *testing.T, flags ...string) *process {
	t.Helper()
	p := newProcess(t, flags...)
	p.run(t)
	return p
}

// newProcess returns a process that has not started.
func newProcess(t *testing.T, flags ...string) *process {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	addr := free.Addr().String()
	assert.NoError(t, free.Close())
	_, port, _ := net.SplitHostPort(addr)

	p := &process{url: "http://" + addr, done: make(chan error, 1)}
	p.cmd = exec.Command(os.Args[0], append([]string{"--config=/dev/null", "--host=127.0.0.1", "--port=" + port, "--log-level=error", "--data-dir=off"}, flags...)...)
	p.cmd.Env = append(os.Environ(), child+"=1")
	p.cmd.Stderr = os.Stderr
	return p
}

// run starts the process and waits until it is ready.
func (p *process) run(t *testing.T) {
	t.Helper()
	assert.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	go func() { p.done <- p.cmd.Wait() }()
	p.answers(t, http.StatusOK)
}

// answers waits until /readyz has one of the given statuses.
func (p *process) answers(t *testing.T, status ...int) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		answer, err := http.Get(p.url + "/readyz")
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if slices.Contains(status, answer.StatusCode) {
			return
		}
	}
	t.Fatalf("/readyz never answered %d", status)
}

// ends waits until the process ends and returns its exit code.
func (p *process) ends(t *testing.T) int {
	t.Helper()
	select {
	case err := <-p.done:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatal("it does not end")
		return 0
	}
}

func TestSignalStopsInOrder(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := start(t, "--drain-delay=0s")
		assert.NoError(t, p.cmd.Process.Signal(signal))
		assert.Equal(t, "exit code", p.ends(t), exitOK)
	}
}

func TestSecondSignalForces(t *testing.T) {
	p := start(t, "--drain-delay=1h")
	assert.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.answers(t, http.StatusServiceUnavailable)
	assert.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, "exit code", p.ends(t), exitFailed)
}
