//go:build unix

package fanout

import (
	"io"
	"runtime"
	"sync/atomic"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// TestP9_ABurstGathersBeforeTheSweep: on one core, gather reads what has arrived on a socket before it returns.
func TestP9_ABurstGathersBeforeTheSweep(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	server, client := tcpPair(t, smallBuffer)
	var seen atomic.Int64
	go func() {
		b := make([]byte, 1)
		for {
			if _, err := io.ReadFull(server, b); err != nil {
				return
			}
			seen.Add(1)
		}
	}()
	g := newGatherer()
	defer g.close()
	const rounds = 200
	early := 0
	for i := range int64(rounds) {
		assert.Eventually(t, "the reader waits again", func() bool { return seen.Load() == i })
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		g.gather()
		if seen.Load() == i+1 {
			early++
		}
	}
	// The kernel may delay a byte, and the scheduler may preempt: not every round can succeed.
	if early < rounds*9/10 {
		t.Errorf("read before the sweep: %d of %d", early, rounds)
	}
}

func TestGatherAllocatesNothing(t *testing.T) {
	g := newGatherer()
	defer g.close()
	if n := testing.AllocsPerRun(100, g.gather); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
