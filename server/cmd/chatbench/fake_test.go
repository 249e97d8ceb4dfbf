package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// fake is a Socket.IO chat. Its nodes share the rooms, and a test can spoil its deliveries.
type fake struct {
	// deliver returns the packets that a client gets instead of one message. client counts connections from 0, n counts
	// messages from 1. A nil slice closes the connection of that client.
	deliver func(client, n int, packet string) []string
	leaky   bool // every message goes to every room

	mu    sync.Mutex
	conns []membership
	count int
}

// membership is one connection in one namespace: "" or "/rooms/<name>,".
type membership struct {
	conn      net.Conn
	namespace string
}

func honest(_, _ int, packet string) []string { return []string{packet} }

// node starts one more node and returns its address. It ends with the test.
func (f *fake) node(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				f.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait() // the clients have closed their ends
	})
	return "http://" + listener.Addr().String()
}

func (f *fake) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	if _, err := http.ReadRequest(r); err != nil {
		return
	}
	// In one piece, as a fast server might: the first packet must not be lost behind the header.
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n"+serverFrame(opText, `0{"sid":"x"}`))
	for {
		packet, err := clientFrame(r)
		switch {
		case err != nil:
			return
		case strings.HasPrefix(packet, "40"):
			f.join(conn, packet[2:])
		case strings.HasPrefix(packet, "42"):
			namespace, _, _ := strings.Cut(packet[2:], "[")
			f.broadcast(namespace, strings.Replace(packet, "event:message", "message", 1))
		}
	}
}

func (f *fake) join(conn net.Conn, namespace string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns = append(f.conns, membership{conn, namespace})
	io.WriteString(conn, serverFrame(opText, "40"+namespace+`{"sid":"y"}`)+serverFrame(opText, `42["presence",{"online":1}]`)+serverFrame(opText, "2"))
}

func (f *fake) broadcast(namespace, packet string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	for i, m := range f.conns {
		if m.namespace != namespace && !f.leaky {
			continue
		}
		conn := m.conn
		packets := f.deliver(i, f.count, packet)
		if packets == nil {
			io.WriteString(conn, serverFrame(opClose, "\x03\xe9bye"))
			conn.Close()
		}
		for _, p := range packets {
			io.WriteString(conn, serverFrame(opText, p))
		}
	}
}

// serverFrame makes a frame of up to 64 KiB.
func serverFrame(op byte, payload string) string {
	if len(payload) < 126 {
		return string([]byte{0x80 | op, byte(len(payload))}) + payload
	}
	return string([]byte{0x80 | op, 126, byte(len(payload) >> 8), byte(len(payload))}) + payload
}

// clientFrame reads a masked frame; the mask must be zero, as chatbench's is.
func clientFrame(r io.Reader) (string, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", err
	}
	size := int(head[1] & 0x7f)
	if head[1]&0x80 == 0 || size > 126 {
		return "", fmt.Errorf("unexpected frame %x", head)
	}
	if size == 126 {
		if _, err := io.ReadFull(r, head); err != nil {
			return "", err
		}
		size = int(head[0])<<8 | int(head[1])
	}
	body := make([]byte, 4+size)
	_, err := io.ReadFull(r, body)
	return string(body[4:]), err
}
