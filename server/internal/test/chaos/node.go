package chaos

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/test/redistest"
)

// Node is one chatd, which keeps its port across restarts. Its methods are for the test's goroutine.
type Node struct {
	Name string
	Addr string
	Path *redistest.Proxy // its way to Redis, if a proxy is in between

	t      testing.TB
	binary string
	env    []string
	output *tail

	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended
}

// NewNode makes a node on its own port, not yet started. It keeps the record in Redis or, without its address, in a directory or
// in memory. The settings are named as in the environment and override its own. It ends with the test.
func NewNode(t testing.TB, index int, redis, dir string, settings map[string]string) *Node {
	port := redistest.FreePort(t)
	n := &Node{
		Name: "node " + strconv.Itoa(index), Addr: net.JoinHostPort("127.0.0.1", port),
		t: t, binary: chatd(t), output: &tail{},
	}
	n.env = []string{"HOST=127.0.0.1", "PORT=" + port, "NODE_ADDRESS=" + n.Addr, "REDIS_URL=" + redis, "DATA_DIR=" + cmp.Or(dir, "off")}
	for key, value := range settings {
		n.env = append(n.env, key+"="+value)
	}
	t.Cleanup(n.finish)
	return n
}

// finish ends the process and checks the output of all its runs.
func (n *Node) finish() {
	if n.Running() {
		n.Kill()
	}
	for _, trouble := range []string{"DATA RACE", "panic", "fatal error"} {
		if n.said(trouble) {
			n.t.Errorf("%s: %s in its output:\n%s", n.Name, trouble, n.output)
		}
	}
	if n.t.Failed() {
		n.t.Logf("%s, the end of its output:\n%s", n.Name, n.output)
	}
}

// said reports whether the node has printed the text, in this run or an earlier one.
func (n *Node) said(text string) bool { return n.output.contains(text) }

// Start starts the process and does not wait until it is ready: without Redis it never is.
func (n *Node) Start() {
	n.t.Helper()
	n.cmd = exec.Command(n.binary, "--config=/dev/null")
	n.cmd.Env = n.env
	n.cmd.Stdout, n.cmd.Stderr = n.output, n.output
	n.cmd.SysProcAttr = dieWithParent()
	if err := n.cmd.Start(); err != nil {
		n.t.Fatalf("%s: %v", n.Name, err)
	}
	exited := make(chan struct{})
	n.exited = exited
	cmd := n.cmd
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
}

// Running reports whether the process runs.
func (n *Node) Running() bool {
	select {
	case <-n.exited:
		return false
	default:
		return true
	}
}

// Report returns the node's health. A node that is not ready, or has ended, is an error.
func (n *Node) Report() (ops.Report, error) {
	var report ops.Report
	if !n.Running() {
		return report, fmt.Errorf("%s has ended: %v", n.Name, n.cmd.ProcessState)
	}
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	answer, err := client.Get("http://" + n.Addr + "/readyz")
	if err != nil {
		return report, err
	}
	defer answer.Body.Close()
	err = json.NewDecoder(answer.Body).Decode(&report)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: /readyz answers %d: %+v", n.Name, answer.StatusCode, report)
	}
	return report, err
}

// WaitReady waits until the node is ready.
func (n *Node) WaitReady() {
	n.t.Helper()
	redistest.Eventually(n.t, n.Name+" is ready", func() error {
		_, err := n.Report()
		return err
	})
}

// Kill ends the process as kill -9 does.
func (n *Node) Kill() {
	_ = n.cmd.Process.Kill()
	<-n.exited
}

// Signal sends a signal.
func (n *Node) Signal(sig syscall.Signal) {
	n.t.Helper()
	if err := n.cmd.Process.Signal(sig); err != nil {
		n.t.Fatalf("%s: %v", n.Name, err)
	}
}

// Terminate sends SIGTERM, waits for the end and returns the exit code.
func (n *Node) Terminate() int {
	n.t.Helper()
	n.Signal(syscall.SIGTERM)
	if !n.awaitExit(settlePatience) {
		n.t.Errorf("%s does not stop", n.Name)
	}
	return n.cmd.ProcessState.ExitCode()
}

// awaitExit waits for the end of a stopped node, and kills it if that takes too long, as platforms do.
func (n *Node) awaitExit(patience time.Duration) (inTime bool) {
	select {
	case <-n.exited:
		return true
	case <-time.After(patience):
		n.Kill()
		return false
	}
}

// tail keeps the end of what was written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const (
	tailKept  = 256 << 10
	tailShown = 40 // lines
)

// Write keeps p.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buf.Len() > tailKept {
		t.buf.Next(t.buf.Len() - tailKept/2)
	}
	return t.buf.Write(p)
}

func (t *tail) contains(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Contains(t.buf.Bytes(), []byte(text))
}

// String is the last lines.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimRight(t.buf.String(), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-tailShown):], "\n")
}
