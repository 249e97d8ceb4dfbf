package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nobody owns a connection.
type nobody struct{}

func (nobody) Lost(fanout.Lost) {}
func (nobody) Pending()         {}

// encodeEntry is the simplest [Encode]: the event with its offset.
func encodeEntry(dst []byte, e stream.Entry) ([]byte, bool) {
	if !wire.IsEventArgs(e.Event) {
		return dst, false
	}
	return wire.AppendMessage(dst, fmt.Appendf(nil, `2%s,%q]`, e.Event[:len(e.Event)-1], e.Offset)), true
}

func decodeFrame(frame []byte) []byte {
	_, payload, _ := wire.Cut(frame)
	return payload[len("42"):]
}

// newReplica starts a replica; change, which may be nil, edits its options.
func newReplica(t *testing.T, s stream.Stream, change func(*Options)) *Replica {
	t.Helper()
	o := Options{
		Stream: s, Sweepers: fanout.New(fanout.Options{Shards: 1}), Encode: encodeEntry, Decode: decodeFrame,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if change != nil {
		change(&o)
	}
	r := New(o)
	assert.NoError(t, r.Load(r.life))
	var following sync.WaitGroup
	following.Go(func() { _ = r.Run(r.life, s) })
	t.Cleanup(func() {
		r.Close()
		following.Wait()
		o.Sweepers.Close()
	})
	return r
}

// TestP1_AppendsDoNotRunAheadOfTheDelivery: a stream in memory fills without a gap, however fast it is filled, and
// by however many at once.
func TestP1_AppendsDoNotRunAheadOfTheDelivery(t *testing.T) {
	for _, c := range []struct{ window, senders, count int }{{4096, 4, 20_000}, {1000, 3000, 20}, {100, 500, 20}, {1, 20, 100}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			s := memory.New(memory.Options{MaxEntries: c.window + 1})
			r := newReplica(t, s, func(o *Options) {
				o.Window.MaxCount = c.window
				o.Hooks.Reset = func() { t.Error("the stream had a gap") }
			})
			var wg sync.WaitGroup
			for range c.senders {
				wg.Go(func() {
					for range c.count {
						if err := r.Append(t.Context(), "", []byte(`["x"]`), func(stream.Offset, error) {}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			last, err := s.Last(t.Context(), stream.Offset{}, 1)
			assert.NoError(t, err)
			r.Log().Reach(t.Context(), last[0].Offset)
		})
	}
}

// counting is a stream that counts how it is read.
type counting struct {
	stream.Stream
	entries atomic.Int64 // read with Last and After
	now     atomic.Int64 // readers
	most    atomic.Int64 // of them at once
	slow    chan struct{}
}

func (c *counting) Last(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	return c.count(ctx, c.Stream.Last, before, n)
}

func (c *counting) After(ctx context.Context, after stream.Offset, n int) ([]stream.Entry, error) {
	return c.count(ctx, c.Stream.After, after, n)
}

func (c *counting) count(ctx context.Context, read reading, from stream.Offset, n int) ([]stream.Entry, error) {
	now := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	if c.slow != nil {
		<-c.slow
	}
	entries, err := read(ctx, from, n)
	c.entries.Add(int64(len(entries)))
	return entries, err
}

func TestP6_LoadReadsNoMoreThanTheLogTakes(t *testing.T) {
	s := memory.New(memory.Options{MaxEntries: 5000})
	event := []byte(`["` + strings.Repeat("x", 10<<10) + `"]`)
	for range 4000 {
		assert.NoError(t, s.Append(t.Context(), "", event, func(stream.Offset, error) {}))
	}
	c := &counting{Stream: s}
	r := newReplica(t, c, func(o *Options) { o.Window = fanout.Window{MaxCount: 4000, MaxBytes: 1 << 20} })
	last, err := s.Last(t.Context(), stream.Offset{}, 1)
	assert.NoError(t, err)
	assert.Equal(t, "newest", r.Log().Head().Offset(), last[0].Offset)
	if read := c.entries.Load(); read < 100 || read > 2*loadBatch {
		t.Errorf("%d entries were read for a megabyte of %d bytes each", read, len(event))
	}
}

func TestP6_HistoryReadsTakeTurns(t *testing.T) {
	c := &counting{Stream: memory.New(memory.Options{})}
	r := newReplica(t, c, nil)
	c.slow = make(chan struct{})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := r.read(t.Context(), c.Last, stream.Offset{}, 1); err != nil {
				t.Error(err)
			}
		})
	}
	assert.Eventually(t, "some are being answered", func() bool { return c.now.Load() == maxReads })
	for range 50 {
		c.slow <- struct{}{}
	}
	all.Wait()
	assert.Equal(t, "at once", c.most.Load(), maxReads)
	late, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, r.reads.Acquire(t.Context(), maxReads))
	if _, err := r.read(late, c.Last, stream.Offset{}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("who cannot wait: %v", err)
	}
}

// TestMSG12_CreditFollowsWhatTheStreamRetains: where other nodes have a smaller window, less may be in flight.
func TestMSG12_CreditFollowsWhatTheStreamRetains(t *testing.T) {
	retained := 160
	o := Options{Window: fanout.Window{MaxCount: 80}, Retained: func() int { return retained }}
	c := newCredits(o.retained, 1<<20)
	share := func() int64 {
		size, err := c.take(t.Context(), 1, 1)
		assert.NoError(t, err)
		c.giveBack(size)
		return c.most / size
	}
	assert.Equal(t, "entries, by the window of the node", share(), 10)
	retained = 16
	assert.Equal(t, "entries, by that of the others", share(), 2)
}

func TestCredits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCredits(func() int { return 16 }, 1<<20) // two entries
		enter := func() (size int64, took time.Duration) {
			began := time.Now()
			size, err := c.take(t.Context(), 1, 1)
			if (err != nil) != (time.Since(began) == creditTimeout) {
				t.Errorf("error %v after %v", err, time.Since(began))
			}
			return size, time.Since(began)
		}
		free := func(what string, want int) {
			t.Helper()
			got := 0
			for ; got < 3 && c.free.TryAcquire(c.least()); got++ {
			}
			assert.Equal(t, what, got, want)
			c.free.Release(int64(got) * c.least())
		}
		free("at first", 2)
		size, _ := enter()
		c.stored(stream.Offset{Ms: 1}, size)
		size, _ = enter()
		free("two on the way", 0)
		_, took := enter()
		assert.Equal(t, "a third waits, and gives up", took, creditTimeout)
		go func() {
			time.Sleep(time.Second)
			c.reach(stream.Offset{Ms: 2})
		}()
		third, took := enter()
		assert.Equal(t, "or gets the share of the first", took, time.Second)
		c.stored(stream.Offset{Ms: 2}, size)
		free("the second was delivered before the news", 1)
		c.giveBack(third)
		free("the third was refused", 2)
		size, _ = enter()
		c.stored(stream.Offset{Ms: 1}, size)
		free("sent again", 2)
		size, _ = enter()
		c.stored(stream.Offset{Ms: 9}, size)
		c.reach(stream.Offset{Ms: 8})
		free("stored and not delivered", 1)
		c.restart(stream.Offset{Ms: 5})
		free("lost", 2)
		size, err := c.take(t.Context(), 1, 2)
		assert.NoError(t, err)
		free("one entry is the half of one of two nodes", 0)
		c.giveBack(size)
		size, err = c.take(t.Context(), 2<<20, 3)
		assert.NoError(t, err)
		assert.Equal(t, "a huge entry has all", size, c.most)
	})
}

func TestDrainEndsAppendsAndDeliversTheRest(t *testing.T) {
	s := memory.New(memory.Options{})
	r := newReplica(t, s, nil)
	var stored atomic.Int64
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for r.Append(t.Context(), "", []byte(`["x"]`), func(stream.Offset, error) { stored.Add(1) }) == nil {
			}
		})
	}
	assert.Eventually(t, "something is stored", func() bool { return stored.Load() > 100 })
	assert.NoError(t, r.Drain(t.Context()))
	all, err := s.Last(t.Context(), stream.Offset{}, 10_000)
	assert.NoError(t, err)
	assert.Equal(t, "head of the log", r.Log().Head().Offset(), all[len(all)-1].Offset)
	var frames bytes.Buffer
	conn := r.opts.Sweepers.NewConn(nobody{})
	conn.Join(r.Start(len(all)), nil)
	for part := conn.Take(nil, 1<<20); len(part) > 0; part = conn.Take(nil, 1<<20) {
		frames.Write(part)
	}
	assert.Equal(t, "frames", bytes.Count(frames.Bytes(), []byte(`["x"`)), len(all)-1) // all except the genesis
	r.Close()
	senders.Wait()
}

func TestP3_AnOffsetAheadOfThisNodeIsAwaitedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sweepers := fanout.New(fanout.Options{Shards: 1})
		defer sweepers.Close()
		r := New(Options{Stream: memory.New(memory.Options{}), Sweepers: sweepers, Encode: encodeEntry, Decode: decodeFrame})
		defer r.Close()
		r.Log().Reset(stream.Offset{Ms: 1})
		found := make(chan bool, 1)
		go func() {
			at, ok, _ := r.Recover(stream.Offset{Ms: 2})
			found <- ok && at.Offset() == stream.Offset{Ms: 2}
		}()
		synctest.Wait()
		r.Log().Append([]fanout.Frame{{Offset: stream.Offset{Ms: 2}, Bytes: []byte("x")}})
		assert.Equal(t, "found once it is there", <-found, true)
		if _, ok, _ := r.Recover(stream.Offset{Ms: 3}); ok {
			t.Error("found what never came")
		}
	})
}
