//go:build unix

package fanout

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// crowd is many connections over loopback that follow the log, with their clients.
type crowd struct {
	conns   []*Conn
	servers []*net.TCPConn
	clients []*net.TCPConn
	buf     []byte
}

func newCrowd(t testing.TB, l *Log, size int) *crowd {
	g := &crowd{buf: make([]byte, 64<<10)}
	for range size {
		server, client := tcpPair(t, 256<<10)
		c := l.sweepers.NewConn(newOwner())
		t.Cleanup(c.Close)
		c.Attach(server)
		c.Join(l.Head(), nil)
		g.conns, g.servers, g.clients = append(g.conns, c), append(g.servers, server), append(g.clients, client)
	}
	return g
}

// drain reads n bytes from each client.
func (g *crowd) drain(t testing.TB, n int) {
	for _, client := range g.clients {
		if _, err := io.ReadFull(client, g.buf[:n]); err != nil {
			t.Fatal(err)
		}
	}
}

// batch is a few frames that the test appends repeatedly, each time with later offsets.
type batch struct {
	frames []Frame
	size   int
	next   uint64
}

func newBatch(frames, payload int) *batch {
	b := &batch{frames: logFrames(1, uint64(frames), sized(payload)), next: 1}
	for _, f := range b.frames {
		b.size += len(f.Bytes)
	}
	return b
}

func (b *batch) appendTo(l *Log) {
	for i := range b.frames {
		b.frames[i].Offset = offset(b.next)
		b.next++
	}
	l.Append(b.frames)
}

// deliver appends the batch and waits until it is written to each of size connections.
func (b *batch) deliver(l *Log, size int) {
	want := l.sweepers.Stats().Deliveries + int64(size*len(b.frames))
	b.appendTo(l)
	for l.sweepers.Stats().Deliveries < want {
		runtime.Gosched()
	}
}

func TestP9_DeliveriesAllocateNothing(t *testing.T) {
	const size = 64
	l := newTestLog(t, settings{})
	g := newCrowd(t, l, size)
	b := newBatch(10, 150)
	round := func() {
		b.deliver(l, size)
		g.drain(t, b.size)
	}
	round()
	// What remains are the segments, one in about forty rounds.
	if allocs := testing.AllocsPerRun(200, round); allocs != 0 {
		t.Errorf("%v allocations for %d deliveries", allocs, size*len(b.frames))
	}
	assert.Equal(t, "parks", l.sweepers.Stats().Parks, 0)
	want := int64((200 + 2) * size * len(b.frames))
	assert.Equal(t, "deliveries", l.sweepers.Stats().Deliveries, want)
}

func TestP9_PrivateFramesThatAreWrittenAtOnceAllocateNothing(t *testing.T) {
	l := newTestLog(t, settings{})
	g := newCrowd(t, l, 1)
	f := frame(kindPrivate, 1, 100)
	for _, send := range []func([]byte) bool{g.conns[0].Send, g.conns[0].SendVolatile} {
		allocs := testing.AllocsPerRun(200, func() {
			send(f)
			g.drain(t, len(f))
		})
		assert.Equal(t, "allocations", allocs, 0)
	}
}

// BenchmarkDelivery compares an append and its sweep with a bare loop of write(2) of the same bytes on the same sockets,
// in turns and both on this goroutine: x-bare is the ratio of their times. Reading does not count.
func BenchmarkDelivery(b *testing.B) {
	for _, frames := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("frames=%d", frames), func(b *testing.B) {
			const size = 500
			l := makeLog(settings{Shards: 1})
			l.sweepers.Close() // the benchmark is the sweeper
			g := newCrowd(b, l, size)
			fds := make([]int, size)
			for i, server := range g.servers {
				raw, err := server.SyscallConn()
				assert.NoError(b, err)
				assert.NoError(b, raw.Control(func(fd uintptr) { fds[i] = int(fd) }))
			}
			shots := newBatch(frames, 150)
			bytes := make([]byte, shots.size)
			var ours, bare time.Duration
			for b.Loop() {
				start := time.Now()
				shots.appendTo(l)
				l.sweepers.shards[0].round()
				ours += time.Since(start)
				g.drain(b, shots.size)

				start = time.Now()
				for _, fd := range fds {
					if n, err := syscall.Write(fd, bytes); n != len(bytes) {
						b.Fatal(n, err)
					}
				}
				bare += time.Since(start)
				g.drain(b, shots.size)
			}
			b.ReportMetric(float64(b.N*size*frames)/ours.Seconds(), "deliveries/s")
			b.ReportMetric(ours.Seconds()/bare.Seconds(), "x-bare")
		})
	}
}
