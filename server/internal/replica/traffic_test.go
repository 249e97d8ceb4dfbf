package replica

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// near checks a rate within a twentieth.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > want/20 {
		t.Errorf("%s: %v, want about %v", what, got, want)
	}
}

// TestTrafficIsARateOfTheLastSeconds: it settles at what comes, and is gone soon after nothing comes any more.
func TestTrafficIsARateOfTheLastSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in traffic
		batch := []stream.Entry{{Event: make([]byte, 60)}, {Event: make([]byte, 40)}}
		assert.Equal(t, "at first", in.now(), Traffic{})
		for range 600 {
			batch[0].Offset.Ms = uint64(time.Now().UnixMilli())
			in.count(batch)
			time.Sleep(100 * time.Millisecond)
		}
		near(t, "messages", in.now().Messages, 20)
		near(t, "bytes", in.now().Bytes, 1000)
		time.Sleep(trafficMemory)
		near(t, "a while later", in.now().Messages, 20/math.E)
		time.Sleep(20 * trafficMemory)
		assert.Equal(t, "long after", in.now().Messages < 1e-6, true)
		time.Sleep(200 * 365 * 24 * time.Hour)
		batch[0].Offset.Ms = uint64(time.Now().UnixMilli())
		in.count(batch)
		near(t, "after a pause", in.now().Messages, 2/trafficMemory.Seconds())
	})
}

func TestTrafficCountsWhatIsDelivered(t *testing.T) {
	h := newHouse(t)
	h.fill("cats", 100)
	r := h.open("cats", 10, nil)
	assert.Equal(t, "what the log began with", r.Traffic(), Traffic{})
	assert.NoError(t, r.Append(t.Context(), "", []byte(`["m",1]`), func(stream.Offset, error) {}))
	assert.Eventually(t, "it is counted", func() bool { return r.Traffic().Messages > 0 })
	near(t, "bytes of a message", r.Traffic().Bytes/r.Traffic().Messages, float64(len(`["m",1]`)))
}

// deliverer is a replica that nobody follows, and a batch that can be delivered again and again.
func deliverer(t testing.TB) (r *Replica, deliver func()) {
	s := fanout.New(fanout.Options{Shards: 1})
	r = New(Options{Sweepers: s, Encode: encodePlain, Decode: decodeFrame, Window: fanout.Window{MaxCount: 100, MaxBytes: 1 << 16}})
	t.Cleanup(func() { r.Close(); s.Close() })
	r.restart([]stream.Entry{{Offset: stream.Offset{Ms: 1}}}, false)
	one := []stream.Entry{{Event: []byte(`["message",{"message":"The quick brown fox."}]`)}}
	ms := uint64(1)
	return r, func() {
		ms++
		one[0].Offset.Ms = ms
		r.Deliver(one)
	}
}

// encodePlain is an [Encode] that allocates nothing.
func encodePlain(dst []byte, e stream.Entry) ([]byte, bool) { return append(dst, e.Event...), true }

// TestP9_CountingAndTracingAllocateNothing while the log is not at level debug.
func TestP9_CountingAndTracingAllocateNothing(t *testing.T) {
	r, _ := deliverer(t)
	batch := []stream.Entry{{Event: []byte(`["x"]`)}, {Event: []byte(`["y"]`)}}
	assert.Equal(t, "allocations", testing.AllocsPerRun(1000, func() { r.traffic.count(batch); r.trace(batch) }), 0)
}

// BenchmarkDeliver is what this node does for one entry of a stream, but for the writes to clients.
func BenchmarkDeliver(b *testing.B) {
	_, deliver := deliverer(b)
	b.ReportAllocs()
	for b.Loop() {
		deliver()
	}
}
