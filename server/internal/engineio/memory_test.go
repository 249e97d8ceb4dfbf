//go:build unix

package engineio

import (
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// idleFD opens a WebSocket session whose client side uses no memory of the runtime.
func idleFD(t testing.TB, e *edge) int {
	addr, err := net.ResolveTCPAddr("tcp", e.addr)
	assert.NoError(t, err, "address")
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	assert.NoError(t, err, "socket")
	syscall.CloseOnExec(fd) // SOCK_CLOEXEC does it atomically, on Linux only
	to := syscall.SockaddrInet4{Port: addr.Port}
	copy(to.Addr[:], addr.IP.To4())
	assert.NoError(t, syscall.Connect(fd, &to), "connect")
	_, err = syscall.Write(fd, []byte("GET /socket.io/"+eio+"websocket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
	assert.NoError(t, err, "request")
	var answer string
	for buf := make([]byte, 1024); !strings.Contains(answer, "maxPayload"); {
		n, err := syscall.Read(fd, buf)
		assert.NoError(t, err, "answer")
		answer += string(buf[:n])
	}
	return fd
}

// inUse is what the runtime holds for live objects and for stacks.
func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// idleSessions opens sessions that follow the log, and returns what each costs.
func idleSessions(t testing.TB, n int) (bytes float64, goroutines float64) {
	e := newEdge(t, nil, func(o *Options) { o.Raw = false })
	fds := make([]int, 0, n+100)
	open := func(n int) {
		for range n {
			fds = append(fds, idleFD(t, e))
			s := assert.Receive(t, "session", e.sessions)
			s.Follow(e.log.Head(), nil)
		}
	}
	defer func() {
		for _, fd := range fds {
			_ = syscall.Close(fd)
		}
		assert.Eventually(t, "all are forgotten", func() bool { return e.Connections() == 0 })
	}()
	open(100) // for what is built once
	e.publish("to everybody")
	memory, routines := inUse(), runtime.NumGoroutine()
	open(n)
	assert.Eventually(t, "idle", func() bool { return runtime.NumGoroutine() <= routines+n })
	return float64(inUse()-memory) / float64(n), float64(runtime.NumGoroutine()-routines) / float64(n)
}

func TestBudget_AnIdleSessionIsSmall(t *testing.T) {
	bytes, goroutines := idleSessions(t, 500)
	t.Logf("%.0f bytes and %.2f goroutines for each session", bytes, goroutines)
	if bytes > 8<<10 || goroutines > 1 {
		t.Fatalf("%.0f bytes and %.2f goroutines for each idle session", bytes, goroutines)
	}
}

func BenchmarkIdleSession(b *testing.B) {
	for b.Loop() {
		bytes, goroutines := idleSessions(b, 4000)
		b.ReportMetric(bytes, "B/session")
		b.ReportMetric(goroutines, "goroutines/session")
	}
}
