package adapter

import (
	"encoding/binary"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zishang520/engine.io-go-parser/packet"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/transports"
	"github.com/zishang520/engine.io/v2/types"

	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// fake is a session without a transport.
type fake struct {
	unused
	events.EventEmitter

	id      string
	conn    *fanout.Conn
	pending chan struct{}

	volatile atomic.Int64 // pieces sent

	mu      sync.Mutex
	turned  sync.Cond
	turn    uint64
	busy    bool
	connect bool // a CONNECT is in turn
	state   string
	queue   []string // payloads of frames that were taken and not yet read
	lost    []fanout.Lost
}

// unused is what the hub and the library never call.
type unused struct{ engine.Socket }

var _ session = (*fake)(nil)

// open makes a session and hands it to the library.
func (n *node) open() *fake {
	id, err := n.engine.GenerateId(nil)
	assert.NoError(n.t, err)
	f := &fake{EventEmitter: events.New(), id: id, state: "open", pending: make(chan struct{}, 1)}
	f.turned.L = &f.mu
	f.conn = n.sweepers.NewConn(f)
	n.engine.Emit("connection", f)
	n.t.Cleanup(func() { f.close("transport close") })
	return f
}

func (f *fake) Lost(l fanout.Lost) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = append(f.lost, l)
}

func (f *fake) Pending() {
	select {
	case f.pending <- struct{}{}:
	default:
	}
}

func (f *fake) Follow(at fanout.Cursor, first []byte) { f.conn.Join(at, first) }
func (f *fake) Unfollow(l *fanout.Log)                { f.conn.Leave(l) }
func (f *fake) SendFrame(frame []byte) bool           { return f.conn.Send(frame) }
func (f *fake) Pass(string) any                       { return nil }
func (f *fake) Id() string                            { return f.id }
func (f *fake) Protocol() int                         { return 4 }
func (f *fake) RemoteAddress() string                 { return "127.0.0.1" }
func (f *fake) Transport() transports.Transport       { return transport{} }

func (f *fake) SendVolatile(frames []byte) bool {
	f.volatile.Add(1)
	return f.conn.SendVolatile(frames)
}

type transport struct{ transports.Transport }

func (transport) Writable() bool { return true }

type noResponse struct{}

func (noResponse) Header() http.Header         { return http.Header{} }
func (noResponse) Write(p []byte) (int, error) { return len(p), nil }
func (noResponse) WriteHeader(int)             {}

func (f *fake) Request() *types.HttpContext {
	r, _ := http.NewRequest(http.MethodGet, "/socket.io/?EIO=4", nil)
	c := types.NewHttpContext(noResponse{}, r)
	c.Flush()
	return c
}

func (f *fake) ReadyState() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *fake) Write(r io.Reader, _ *packet.Options, _ engine.SendCallback) engine.Socket {
	b, _ := io.ReadAll(r)
	f.conn.Send(wire.AppendMessage(nil, b))
	f.mu.Lock()
	refused, turn := f.connect && b[0] == '4', f.turn
	f.mu.Unlock()
	if refused {
		f.EndTurn(turn)
	}
	return f
}

func (f *fake) Close(bool) { go f.close("forced close") }

// close ends the session as the edge does: the state first, then the event.
func (f *fake) close(reason string) {
	f.mu.Lock()
	was := f.state
	f.state = "closed"
	f.turned.Broadcast()
	f.mu.Unlock()
	if was == "open" {
		f.Emit("close", reason, nil)
		f.conn.Close()
	}
}

func (f *fake) Joined(string, engineio.Resident) {}

func (f *fake) Left(string) {}

func (f *fake) Parted(string) {}

func (f *fake) Turn(string) engineio.Turn {
	f.mu.Lock()
	defer f.mu.Unlock()
	return engineio.NewTurn(f, f.turn)
}

func (f *fake) EndTurn(turn uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy && f.turn == turn {
		f.busy, f.connect = false, false
		f.turned.Broadcast()
	}
}

// send hands one packet to the library in its turn. It does not wait for the end of that turn.
func (f *fake) send(p string) {
	f.mu.Lock()
	for f.busy && f.state == "open" {
		f.turned.Wait()
	}
	f.turn++
	f.busy, f.connect = p[0] != '3', p[0] == '0'
	open := f.state == "open"
	f.mu.Unlock()
	if open {
		f.Emit("data", types.NewStringBufferString(p))
	}
}

func (f *fake) isBusy() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.busy
}

// next returns the next packet for the client, without the Engine.IO type.
func (f *fake) next(t *testing.T) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		if p, ok := f.take(); ok {
			return p
		}
		select {
		case <-f.pending:
		case <-deadline:
			t.Fatal("no packet for the client")
		}
	}
}

func (f *fake) take() (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		for b := f.conn.Take(nil, 1<<20); len(b) > 0; {
			size, n := 2, int(b[1])
			switch n {
			case 126:
				size, n = 4, int(binary.BigEndian.Uint16(b[2:]))
			case 127:
				size, n = 10, int(binary.BigEndian.Uint64(b[2:]))
			}
			start := size + 1 // without the packet's type, which binary packets do not have
			if b[0]&0xf == byte(wire.OpBinary) {
				start = size
			}
			f.queue = append(f.queue, string(b[start:size+n]))
			b = b[size+n:]
		}
	}
	if len(f.queue) == 0 {
		return "", false
	}
	p := f.queue[0]
	f.queue = f.queue[1:]
	return p, true
}

func (f *fake) want(t *testing.T, packets ...string) {
	t.Helper()
	for _, p := range packets {
		if got := f.next(t); got != p {
			t.Errorf("packet for the client:\n got %s\nwant %s", got, p)
		}
	}
}

// silent checks that nothing is left for the client; its last packet must have been handled.
func (f *fake) silent(t *testing.T) {
	t.Helper()
	if p, ok := f.take(); ok {
		t.Errorf("unexpected packet for the client: %s", p)
	}
}
