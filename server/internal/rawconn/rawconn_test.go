//go:build unix

package rawconn

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
)

// pair is a connection over loopback.
func pair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close(); _ = client.Close() })
	return server, client
}

// read waits, by the rules of RawConn, until there is something to read.
func read(t *testing.T, raw syscall.RawConn) (text string, waited bool, err error) {
	t.Helper()
	buf := make([]byte, 8)
	if failed := raw.Read(func(fd uintptr) bool {
		var n int
		n, err = Read(fd, buf)
		text = string(buf[:n])
		waited = waited || errors.Is(err, ErrWouldBlock)
		return !errors.Is(err, ErrWouldBlock)
	}); failed != nil {
		t.Fatal(failed)
	}
	return text, waited, err
}

func TestReadAndWriteDoNotWait(t *testing.T) {
	server, client := pair(t)
	raw := Of(server)
	if raw == nil {
		t.Fatal("a TCP connection has no raw socket")
	}
	go func() {
		_, _ = client.Write([]byte("hello"))
		_ = client.(*net.TCPConn).CloseWrite()
	}()
	if text, _, err := read(t, raw); text != "hello" || err != nil {
		t.Fatalf("read %q, %v", text, err)
	}
	if _, _, err := read(t, raw); !errors.Is(err, io.EOF) {
		t.Fatalf("at the end: %v", err)
	}
	chunk, written := make([]byte, 1<<20), 0
	var full error
	if err := raw.Write(func(fd uintptr) bool {
		for full == nil {
			var n int
			n, full = Write(fd, chunk)
			written += n
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(full, ErrWouldBlock) || written == 0 {
		t.Errorf("wrote %d bytes until %v", written, full)
	}
}

func TestHiddenSocketHasNoRawConn(t *testing.T) {
	server, _ := pair(t)
	if Of(struct{ net.Conn }{server}) != nil {
		t.Error("a connection that hides its socket has one")
	}
}
