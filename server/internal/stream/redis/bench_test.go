package redis

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// BenchmarkAppend compares the appender with one XADD at a time, as from a node that waits for each.
func BenchmarkAppend(b *testing.B) {
	server := redistest.Start(b)
	event := make([]byte, 200)

	b.Run("XADD", func(b *testing.B) {
		client, err := NewClient(ClientOptions{Addrs: []string{server.Addr}})
		assert.NoError(b, err)
		defer client.Close()
		server.CLI("CONFIG", "RESETSTAT")
		for b.Loop() {
			assert.NoError(b, client.XAdd(context.Background(), &redis.XAddArgs{
				Stream: "plain", MaxLen: 10_000, Approx: true, Values: []any{"event", event},
			}).Err())
		}
		report(b, server)
	})
	for _, keyed := range []bool{false, true} {
		b.Run(fmt.Sprintf("batches/keyed=%v", keyed), func(b *testing.B) {
			s := open(b, server.Addr, Options{Key: fmt.Sprint("room", keyed), AppendTimeout: time.Minute})
			server.CLI("CONFIG", "RESETSTAT")
			var pending sync.WaitGroup
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				pending.Add(1)
				key := ""
				if keyed {
					key = fmt.Sprint("key ", time.Now().UnixNano(), n)
				}
				assert.NoError(b, s.Append(context.Background(), key, event, func(_ stream.Offset, err error) {
					if err != nil {
						b.Error(err)
					}
					pending.Done()
				}))

			}
			pending.Wait()
			report(b, server)
		})
	}
}

// report adds the rate, and the time that Redis spends in commands for one append. The latter does not depend on other
// load on the machine.
func report(b *testing.B, server *redistest.Server) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
	for _, command := range []string{"cmdstat_evalsha:", "cmdstat_xadd:"} {
		_, rest, ok := strings.Cut(server.CLI("INFO", "commandstats"), command)
		_, rest, _ = strings.Cut(rest, "usec=")
		text, _, _ := strings.Cut(rest, ",")
		if usec, err := strconv.ParseFloat(text, 64); ok && err == nil {
			b.ReportMetric(usec/float64(b.N), "redis-µs/append")
			return
		}
	}
}

// BenchmarkLatency is the time from Append on one node to the follower of another, one event at a time.
func BenchmarkLatency(b *testing.B) {
	server := redistest.Start(b)
	from, to := open(b, server.Addr, Options{}), open(b, server.Addr, Options{})
	after := put(b, from, "", "first")
	seen := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = to.Follow(ctx, after, func([]stream.Entry) error {
			seen <- struct{}{}
			return nil
		})
	}()
	event := make([]byte, 200)
	var took []time.Duration
	for b.Loop() {
		started := time.Now()
		assert.NoError(b, from.Append(b.Context(), "", event, func(stream.Offset, error) {}))
		<-seen
		took = append(took, time.Since(started))
	}
	cancel()
	<-ended
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
