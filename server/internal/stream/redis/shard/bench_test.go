package shard

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// nowhere is a sink that forgets all.
type nowhere struct{ entries, resets atomic.Int64 }

func (n *nowhere) Reset([]stream.Entry)           { n.resets.Add(1) }
func (n *nowhere) Deliver(entries []stream.Entry) { n.entries.Add(int64(len(entries))) }
func (n *nowhere) Message([]byte)                 {}
func (n *nowhere) Members(int)                    {}

// BenchmarkRedisCPU appends to random rooms at a fixed rate, which all nodes have open, and tells how much of the CPU of
// Redis one message takes, with the checks.
func BenchmarkRedisCPU(b *testing.B) {
	for _, load := range []struct{ nodes, rooms, rate int }{{1, 1, 500}, {1, 10_000, 500}, {1, 10_000, 5000}, {3, 10_000, 5000}} {
		b.Run(fmt.Sprintf("nodes=%d/rooms=%d/rate=%d", load.nodes, load.rooms, load.rate), func(b *testing.B) {
			server := redistest.Start(b)
			var sink nowhere
			var handles []stream.Room
			for range load.nodes {
				s := start(b, Options{}, server.Addr)
				for i := range load.rooms {
					r := s.Room(fmt.Sprint("room-", i))
					r.Follow(1, &sink)
					b.Cleanup(r.Close)
					handles = append(handles, r)
				}
			}
			assert.Eventually(b, "all rooms are open", func() bool { return sink.resets.Load() == int64(len(handles)) })
			var o outcomes
			var next func(int) int
			send := func(n, rate int) {
				before, began := o.count(), time.Now()
				for i := range n {
					time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))))
					event := strings.Repeat("x", 120)
					assert.NoError(b, handles[next(i)].Append(b.Context(), strconv.FormatUint(rand.Uint64(), 36), []byte(event), o.done))
				}
				assert.Eventually(b, "all are stored", func() bool { return o.count() == before+n })
			}
			next = func(i int) int { return i }
			send(load.rooms, 5000) // so that no message is the first of its room
			next = func(int) int { return rand.IntN(len(handles)) }
			before := cpu(b, server)
			b.ResetTimer()
			send(b.N, load.rate)
			b.ReportMetric(float64((cpu(b, server)-before).Microseconds())/float64(b.N), "redis-µs/op")
		})
	}
}

// cpu is what a server has used so far.
func cpu(t testing.TB, server *redistest.Server) (used time.Duration) {
	for line := range strings.Lines(server.CLI("INFO", "cpu")) {
		name, seconds, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			n, err := strconv.ParseFloat(seconds, 64)
			assert.NoError(t, err)
			used += time.Duration(n * float64(time.Second))
		}
	}
	return used
}
