package forward

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/test/assert"
)

// dialWebSocket asks the member for an upgrade of the session and returns the connection and the answer's head.
func dialWebSocket(t *testing.T, m *member, sid string) (*net.TCPConn, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", m.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprint(conn, upgradeTo(sid))
	// Byte by byte, so that nothing after the head is swallowed.
	head, err := http.ReadResponse(bufio.NewReader(iotest.OneByteReader(conn)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn), head
}

func upgradeTo(sid string) string {
	return "GET " + testPath + "?EIO=4&transport=websocket&sid=" + sid + " HTTP/1.1\r\nHost: chat.example\r\n" +
		"Origin: https://app.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
}

// switching answers an upgrade and hands the raw connection to fn, which runs in the handler.
func switching(early string, fn func(conn *net.TCPConn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !isWebSocket(r) {
			http.Error(w, "no upgrade", http.StatusBadRequest)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		// Sent in one piece, so that the first bytes arrive together with the head.
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Accept: %s\r\n\r\n%s", r.Header.Get("Sec-WebSocket-Key")+r.Host+r.Header.Get("Origin")+r.RemoteAddr, early)
		rw.Flush()
		fn(conn.(*net.TCPConn))
	}
}

func echo(conn *net.TCPConn) {
	_, _ = io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
	_ = conn.CloseWrite()
}

func TestP7_TunnelCarriesAWebSocket(t *testing.T) {
	a, b := pair(t, switching("hello", echo), nil)
	conn, head := dialWebSocket(t, a, nodeid.NewSession(nodeB))
	assert.Equal(t, "status", head.StatusCode, 101)
	assert.Equal(t, "seen by the owner", head.Header.Get("Sec-WebSocket-Accept"),
		"eA==chat.examplehttps://app.example"+conn.LocalAddr().String())

	early := make([]byte, 5)
	_, err := io.ReadFull(conn, early)
	assert.Equal(t, "early bytes", line(string(early), err), "hello <nil>")

	sent := make([]byte, 5<<20)
	_, _ = rand.Read(sent)
	go func() {
		_, _ = conn.Write(sent)
		_ = conn.CloseWrite() // the end of our direction must arrive, and the answer still come back
	}()
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%d of %d bytes came back, %v", len(got), len(sent), err)
	}
	assert.Eventually(t, "tunnel gone", func() bool { return a.f.Stats() == Stats{Forwarded: 1} })
	assert.Equal(t, "received", b.f.Stats().Received, 1)
}

func TestTunnelPassesOnARefusal(t *testing.T) {
	a, _ := pair(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Reason", "taken")
		w.WriteHeader(400)
		io.WriteString(w, `{"code":3}`)
	}, nil)
	conn, head := dialWebSocket(t, a, nodeid.NewSession(nodeB))
	body := make([]byte, 10)
	_, err := io.ReadFull(conn, body)
	assert.Equal(t, "answer", line(head.StatusCode, head.Header.Get("X-Reason"), string(body), err), `400 taken {"code":3} <nil>`)
	assert.Equal(t, "active", a.f.Stats().Tunnels, 0)
}

func TestTunnelEndsWhenEitherSideDies(t *testing.T) {
	owners := make(chan *net.TCPConn)
	ended := make(chan error)
	a, _ := pair(t, switching("", func(conn *net.TCPConn) {
		owners <- conn
		_, err := io.Copy(io.Discard, conn)
		ended <- err
	}), func(_ *Config, times *timings) { times.linger = 50 * time.Millisecond })
	for name, die := range map[string]func(client, owner *net.TCPConn){
		"client closes": func(client, _ *net.TCPConn) { client.Close() },
		"client resets": func(client, _ *net.TCPConn) { client.SetLinger(0); client.Close() },
		"owner closes":  func(_, owner *net.TCPConn) { owner.Close() },
		"owner resets":  func(_, owner *net.TCPConn) { owner.SetLinger(0); owner.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := dialWebSocket(t, a, nodeid.NewSession(nodeB))
			die(client, <-owners)
			<-ended
			_, _ = io.Copy(io.Discard, client)
			assert.Eventually(t, "tunnel gone", func() bool { return a.f.Stats().Tunnels == 0 })
			assert.Equal(t, "places", a.f.active.Load(), 0)
		})
	}
}

func TestTunnelHalfClosedIsNotKeptForEver(t *testing.T) {
	release := make(chan bool)
	a, _ := pair(t, switching("", func(conn *net.TCPConn) { <-release }), // ignores the end of the client
		func(_ *Config, times *timings) { times.linger = 50 * time.Millisecond })
	defer close(release)
	client, _ := dialWebSocket(t, a, nodeid.NewSession(nodeB))
	_ = client.CloseWrite()
	_, _ = io.Copy(io.Discard, client)
	assert.Eventually(t, "tunnel gone", func() bool { return a.f.Stats().Tunnels == 0 })
}

func TestP6_TunnelOfAClientThatNeverReadsIsBounded(t *testing.T) {
	ended := make(chan int64)
	a, _ := pair(t, switching("", func(conn *net.TCPConn) {
		n, _ := io.Copy(struct{ io.Writer }{conn}, zeros{})
		ended <- n
	}), func(_ *Config, times *timings) { times.stall = 200 * time.Millisecond })
	client, _ := dialWebSocket(t, a, nodeid.NewSession(nodeB))
	defer client.Close()
	if n := <-ended; n > 64<<20 {
		t.Fatalf("%d bytes are lost", n)
	}
	assert.Eventually(t, "tunnel gone", func() bool { return a.f.Stats().Tunnels == 0 })
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestTunnelServesASlowReaderAtItsSpeed(t *testing.T) {
	const size = 8 << 20
	a, _ := pair(t, switching("", func(conn *net.TCPConn) {
		_, _ = conn.Write(make([]byte, size))
		_ = conn.CloseWrite()
	}), func(_ *Config, times *timings) { times.stall = 500 * time.Millisecond })
	client, _ := dialWebSocket(t, a, nodeid.NewSession(nodeB))
	got := 0
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if got += n; err != nil {
			break
		}
		_ = pace.Sleep(t.Context(), 10*time.Millisecond)
	}
	assert.Equal(t, "bytes", got, size)
}

func TestTunnelOwnerThatNeverAnswers(t *testing.T) {
	release := make(chan bool)
	a, _ := pair(t, func(http.ResponseWriter, *http.Request) { <-release },
		func(_ *Config, times *timings) { times.handshake = 50 * time.Millisecond })
	defer close(release)
	_, head := dialWebSocket(t, a, nodeid.NewSession(nodeB))
	assert.Equal(t, "status", head.StatusCode, 400)
	assert.Equal(t, "counted", a.f.Stats().Unreachable, 1)
}

func TestTunnelClientThatLeavesDuringTheHandshake(t *testing.T) {
	begun, ended := make(chan bool), make(chan bool)
	a, _ := pair(t, func(_ http.ResponseWriter, r *http.Request) {
		begun <- true
		<-r.Context().Done()
		ended <- true
	}, nil)
	conn, err := net.Dial("tcp", a.address())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, upgradeTo(nodeid.NewSession(nodeB)))
	<-begun
	conn.Close()
	<-ended
	assert.Eventually(t, "place given back", func() bool { return a.f.active.Load() == 0 })
}

func TestTunnelRefusesAnEndlessHead(t *testing.T) {
	endless, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer endless.Close()
	var served sync.WaitGroup
	served.Go(func() {
		if conn, err := endless.Accept(); err == nil {
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n")
			_, _ = io.Copy(struct{ io.Writer }{conn}, strings.NewReader(strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 10_000)))
		}
	})
	a, _ := pair(t, answer(200, "b"), nil)
	a.dir.at[nodeC] = endless.Addr().String()
	_, head := dialWebSocket(t, a, nodeid.NewSession(nodeC))
	assert.Equal(t, "status", head.StatusCode, 400)
	served.Wait()
}

func TestTunnelsEndWithTheServer(t *testing.T) {
	a, _ := pair(t, switching("", echo), nil)
	var clients []*net.TCPConn
	for range 20 {
		client, _ := dialWebSocket(t, a, nodeid.NewSession(nodeB))
		clients = append(clients, client)
	}
	assert.Eventually(t, "all open", func() bool { return a.f.Stats().Tunnels == 20 })
	began := time.Now()
	a.f.Shutdown(t.Context(), 200*time.Millisecond)
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Fatalf("all at once: %v", took)
	}
	assert.Equal(t, "tunnels", a.f.Stats().Tunnels, 0)
	assert.Equal(t, "places", a.f.active.Load(), 0)
	for _, client := range clients {
		if _, err := client.Read(make([]byte, 1)); err == nil {
			t.Fatal("still open")
		}
	}
	late, err := net.Dial("tcp", a.address())
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	fmt.Fprint(late, upgradeTo(nodeid.NewSession(nodeB)))
	if got, _ := io.ReadAll(late); len(got) > 0 {
		t.Fatalf("a tunnel after the end: %q", got)
	}
}

func TestTunnelsEndAtOnceWhenTimeIsUp(t *testing.T) {
	a, _ := pair(t, switching("", echo), nil)
	for range 5 {
		dialWebSocket(t, a, nodeid.NewSession(nodeB))
	}
	assert.Eventually(t, "all open", func() bool { return a.f.Stats().Tunnels == 5 })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	a.f.Shutdown(ctx, time.Hour)
	assert.Equal(t, "tunnels", a.f.Stats().Tunnels, 0)
}

// The owner is a bare listener here, so that the tunnels hold nearly all memory.
func TestP6_IdleTunnelHoldsNoBuffer(t *testing.T) {
	owner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan net.Conn, 1000)
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := owner.Accept()
			if err != nil {
				return
			}
			conns <- conn
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		}
	})
	defer func() {
		owner.Close()
		accepting.Wait()
		for len(conns) > 0 {
			(<-conns).Close()
		}
	}()
	a, _ := pair(t, answer(200, "b"), nil)
	a.dir.at[nodeC] = owner.Addr().String()
	open := func(n int) {
		for range n {
			dialWebSocket(t, a, nodeid.NewSession(nodeC))
		}
	}
	open(20)
	before := memory()
	const n = 300
	open(n)
	perTunnel := (memory() - before) / n
	t.Logf("%d bytes per idle tunnel, the test's own ends included", perTunnel)
	if perTunnel > 32<<10 {
		t.Fatalf("%d bytes per idle tunnel", perTunnel)
	}
}

// memory is what the heap and the stacks hold after a collection.
func memory() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse + m.StackInuse)
}
