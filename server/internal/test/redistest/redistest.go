// Package redistest runs real redis-server processes for tests: single, with TLS, as a Cluster and under Sentinels, and a
// proxy that cuts connections. Everything listens on free loopback ports, keeps its data under t.TempDir and ends with the
// test. A missing redis-server fails the test: nothing that needs Redis is ever skipped.
package redistest

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take for each step before the test fails.
const patience = 20 * time.Second

// Server is one redis-server process. Its methods are for one goroutine at a time.
type Server struct {
	Addr string // host:port
	Port string
	Dir  string // working directory; outlives a Restart

	t      testing.TB
	args   []string
	conf   string   // not empty: a Sentinel's configuration file, which the process rewrites
	caFile string   // not empty: the port speaks TLS
	auth   []string // options that log redis-cli in
	cmd    *exec.Cmd
	output *output
}

// Start starts a redis-server without persistence; args override settings, such as "--appendonly", "yes". It returns when
// the server answers.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := newServer(t)
	s.args = append([]string{"--port", s.Port}, args...)
	s.start()
	return s
}

func newServer(t testing.TB) *Server {
	t.Helper()
	for _, program := range []string{"redis-server", "redis-cli"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is not on PATH; this test needs a real one (Debian: apt-get install redis-server)", program)
		}
	}
	port := FreePort(t)
	s := &Server{t: t, Addr: net.JoinHostPort("127.0.0.1", port), Port: port, Dir: t.TempDir()}
	t.Cleanup(s.Kill)
	return s
}

// URL is the address in the form that clients are configured with.
func (s *Server) URL() string {
	if s.caFile != "" {
		return "rediss://" + s.Addr
	}
	return "redis://" + s.Addr
}

func (s *Server) start() {
	s.t.Helper()
	s.output = &output{}
	args := []string{"--bind", "127.0.0.1", "--dir", s.Dir, "--save", "", "--appendonly", "no", "--daemonize", "no"}
	if s.conf != "" {
		args = []string{s.conf, "--sentinel", "--bind", "127.0.0.1", "--dir", s.Dir}
	}
	s.cmd = exec.Command("redis-server", append(args, s.args...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	s.cmd.SysProcAttr = dieWithParent()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
	s.WaitReady()
}

// WaitReady waits until the server answers commands: it has started, and has loaded its data.
func (s *Server) WaitReady() {
	s.t.Helper()
	Eventually(s.t, "redis-server answers", func() error {
		out, err := s.cli("PING")
		if err == nil && !strings.Contains(out, "PONG") && !strings.Contains(out, "NOAUTH") {
			err = fmt.Errorf("PING: %s", out)
		}
		if err != nil {
			return fmt.Errorf("%w; its log:\n%s", err, s.output)
		}
		return nil
	})
}

// CLI runs one command with redis-cli and returns what it printed.
func (s *Server) CLI(args ...string) string {
	s.t.Helper()
	out, err := s.cli(args...)
	if err != nil {
		s.t.Fatalf("redis-cli %v: %v", args, err)
	}
	return out
}

func (s *Server) cli(args ...string) (string, error) {
	base := []string{"-h", "127.0.0.1", "-p", s.Port}
	if s.caFile != "" {
		base = append(base, "--tls", "--cacert", s.caFile)
	}
	base = append(base, s.auth...)
	out, err := exec.Command("redis-cli", append(base, args...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return strings.TrimSpace(string(out)), nil
}

// Stop freezes the process: connections stay open and nothing is answered.
func (s *Server) Stop() { s.signal(Freeze) }

// Cont lets a frozen process go on.
func (s *Server) Cont() { s.signal(Thaw) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("%v: %v", sig, err)
	}
}

// Kill ends the process at once, as kill -9 does, and waits for its end. Killing it again does nothing.
func (s *Server) Kill() {
	if s.cmd == nil || s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Restart kills the process and starts it anew on the same port and directory. It returns when the server answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.start()
}

// Eventually calls check until it returns nil, and fails the test with its last error if that takes more than 20 seconds.
func Eventually(t testing.TB, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s: %v", what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

var ports struct {
	sync.Mutex
	given map[string]bool
}

// FreePort is a loopback port that nothing listens on and that this process has not been given before. The port 10,000
// above it, where a Cluster node has its bus, is free too.
func FreePort(t testing.TB) string {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	if ports.given == nil {
		ports.given = map[string]bool{}
	}
	for range 1000 {
		port := tryPort(0)
		n, _ := strconv.Atoi(port)
		if port != "" && n < 55_000 && !ports.given[port] && tryPort(n+10_000) != "" {
			ports.given[port] = true
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

// tryPort listens on the port for a moment and returns its number, or nothing if it is taken.
func tryPort(n int) string {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(n)))
	if err != nil {
		return ""
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// output keeps what a process printed, for the message of a failure.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write keeps p.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String is the last 40 lines.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []string
	for scan := bufio.NewScanner(bytes.NewReader(o.buf.Bytes())); scan.Scan(); {
		lines = append(lines, scan.Text())
	}
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}
