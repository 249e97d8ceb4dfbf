package sqlite

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
)

// BenchmarkAppend measures appends whose keys are new, of as many callers as are named. DATA_BENCH_DIR names the directory of
// the disk to measure; without it, it is the one for temporary files. syncs/op is how many commits an append costs.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 64, 512} {
		b.Run(fmt.Sprint(callers, " callers"), func(b *testing.B) {
			commits := 0
			s := openBench(b, Options{DedupeTTL: 10 * time.Minute, DedupeMax: 100_000, Committed: func(time.Duration, error) { commits++ }})
			room := s.Room(Global)
			defer room.Close()
			slots := make(chan struct{}, callers)
			event := []byte(`["message",{"message":"hello there, how are you doing?","username":"somebody","id":"abcdefghijkl0000","from":"0123456789abcdef","at":0}]`)
			n := 0
			for b.Loop() {
				slots <- struct{}{}
				n++
				err := room.Append(b.Context(), fmt.Sprint(n), event, func(_ stream.Offset, err error) {
					if err != nil {
						b.Error(err)
					}
					<-slots
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			for range callers {
				slots <- struct{}{}
			}
			b.ReportMetric(float64(commits)/float64(n), "syncs/op")
		})
	}
}

func openBench(b *testing.B, o Options) *Store {
	dir, err := os.MkdirTemp(os.Getenv("DATA_BENCH_DIR"), "chat-bench-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	o.Dir = dir
	s, err := Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}
