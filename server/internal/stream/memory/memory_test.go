package memory

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/dedupe"
	"scalable-chat/server/internal/stream/streamtest"
	"scalable-chat/server/internal/test/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	streamtest.Run(t, func(t *testing.T) streamtest.Harness {
		now := &clock.Clock{}
		s := New(Options{Now: now.Now})
		return streamtest.Harness{
			Stream: s,
			Close:  s.Close,
			Trim:   s.trim,
			Flush:  s.flush,
			Expire: func() { now.Advance(s.opts.DedupeTTL) },
		}
	})
}

func (s *Stream) trim(keep int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.entries.Len() > keep {
		s.forget()
	}
}

// flush simulates a loss of everything, keys included: only a new entry without an event is left.
func (s *Stream) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.entries.Len() > 0 {
		s.forget()
	}
	s.keys = dedupe.NewTable(s.opts.DedupeTTL, s.opts.DedupeMax)
	s.first++
	s.add(nil, s.opts.Now())
	for f := range s.followers {
		f.wake()
	}
}

func TestP6_RetentionIsBoundedByCountAndBytes(t *testing.T) {
	for _, c := range []struct {
		name       string
		opts       Options
		size, want int
	}{
		{"count", Options{MaxEntries: 7}, 10, 7},
		{"bytes", Options{MaxBytes: 10 * (100 + EntryOverhead)}, 100, 10},
		{"newest stays although it is too big", Options{MaxBytes: 50}, 1000, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(c.opts)
			for range 100 {
				put(t, s, "", make([]byte, c.size))
			}
			entries, err := s.Last(t.Context(), stream.Offset{}, 1000)
			if err != nil || len(entries) != c.want {
				t.Fatalf("%d entries (%v), want %d", len(entries), err, c.want)
			}
			if want := c.want * (c.size + EntryOverhead); s.bytes != want {
				t.Fatalf("%d bytes counted, want %d", s.bytes, want)
			}
		})
	}
}

func TestP6_KeysAreBoundedAndOldestIsForgottenFirst(t *testing.T) {
	s := New(Options{DedupeMax: 3})
	first := map[string]stream.Offset{}
	for _, key := range []string{"a", "b", "c", "d"} {
		first[key] = put(t, s, key, []byte("x"))
	}
	if s.keys.Len() != 3 {
		t.Fatalf("%d keys remembered, want 3", s.keys.Len())
	}
	for _, key := range []string{"b", "c", "d"} {
		if got := put(t, s, key, []byte("x")); got != first[key] {
			t.Fatalf("key %s is not remembered", key)
		}
	}
	if put(t, s, "a", []byte("x")) == first["a"] {
		t.Fatal("the oldest key is still remembered")
	}
}

func TestP4_KeyIsRememberedForTTLOfItsFirstUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{DedupeTTL: time.Minute})
		first := put(t, s, "key", []byte("x"))
		time.Sleep(time.Minute - time.Nanosecond)
		if got := put(t, s, "key", []byte("x")); got != first {
			t.Fatal("forgotten too early")
		}
		time.Sleep(time.Nanosecond)
		if got := put(t, s, "key", []byte("x")); got == first {
			t.Fatal("remembered for too long")
		}
	})
}

func TestOffsetsGrowWhenTheClockStepsBack(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	s := New(Options{Now: func() time.Time { return now }})
	var got []string
	for _, step := range []time.Duration{0, 5 * time.Millisecond, -time.Second, 0, 2 * time.Second} {
		now = now.Add(step)
		got = append(got, put(t, s, "", []byte("x")).String())
	}
	want := "[1000000-1 1000005-0 1000005-1 1000005-2 1001005-0]"
	if fmt.Sprint(got) != want {
		t.Fatalf("offsets %v, want %s", got, want)
	}
}

// TestDoneMayBlock: while a done does not return, other appends go on until 1,024 outcomes wait; then they block until
// ctx ends.
func TestDoneMayBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		release := make(chan struct{})
		go func() { _ = s.Append(t.Context(), "", []byte("x"), func(stream.Offset, error) { <-release }) }()
		synctest.Wait()
		called := 0
		count := func(stream.Offset, error) { called++ }
		for range maxPending - 1 {
			if err := s.Append(t.Context(), "", []byte("x"), count); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := s.Append(ctx, "", []byte("x"), count)
		if !errors.Is(err, stream.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error %v of an append to a full queue", err)
		}
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Close returned %v while a done was running", err)
		}
		close(release)
		if err := s.Close(t.Context()); err != nil || called != maxPending-1 {
			t.Fatalf("Close: %v after %d calls of done, want %d", err, called, maxPending-1)
		}
	})
}

func TestAppendAllocatesOnlyTheEvent(t *testing.T) {
	s := New(Options{MaxEntries: 100, DedupeMax: 100})
	event, done := make([]byte, 200), func(stream.Offset, error) {}
	for _, key := range []string{"", "a key as long as the digests that the caller uses"} {
		n := testing.AllocsPerRun(1000, func() { _ = s.Append(t.Context(), key, event, done) })
		if n > 1 {
			t.Errorf("%v allocations per append with key %q, want 1", n, key)
		}
	}
}

func BenchmarkAppendAndFollow(b *testing.B) {
	s := New(Options{})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- s.Follow(ctx, stream.Offset{}, func([]stream.Entry) error { return nil }) }()
	event := make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		_ = s.Append(ctx, "", event, func(stream.Offset, error) {})
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) && !errors.Is(err, stream.ErrGap) {
		b.Fatal(err)
	}
}

func put(t *testing.T, s *Stream, key string, event []byte) (offset stream.Offset) {
	t.Helper()
	err := s.Append(t.Context(), key, event, func(o stream.Offset, err error) {
		if err != nil {
			t.Error(err)
		}
		offset = o
	})
	if err != nil {
		t.Fatal(err)
	}
	return offset
}

// One Append reports the outcomes of others, but only a limited number of them.
func TestAppendReturnsWhileOthersAppend(t *testing.T) {
	s := New(Options{})
	var others atomic.Int64
	var again func(stream.Offset, error)
	ended := make(chan struct{})
	again = func(stream.Offset, error) {
		if others.Add(1) < 100_000 {
			// Each outcome causes the next append, so that new outcomes keep coming.
			if err := s.Append(t.Context(), "", []byte("x"), again); err != nil {
				t.Error(err)
			}
			return
		}
		close(ended)
	}
	if err := s.Append(t.Context(), "", []byte("x"), again); err != nil {
		t.Fatal(err)
	}
	if n := others.Load(); n >= 100_000 {
		t.Errorf("Append returned after %d outcomes of others", n)
	}
	<-ended
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
