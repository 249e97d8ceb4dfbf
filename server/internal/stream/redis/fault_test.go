package redis

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

const lots = 1 << 20 // retention that no test reaches

// TestP5_FrozenRedis: Redis hangs so long that batches are sent again while earlier attempts wait in its sockets.
func TestP5_FrozenRedis(t *testing.T) {
	server := redistest.Start(t)
	a := open(t, server.Addr, Options{MaxLen: lots, AppendTimeout: 500 * time.Millisecond})
	b := open(t, server.Addr, Options{MaxLen: lots, AppendTimeout: 500 * time.Millisecond})
	w := watch(t, b)
	l := startLoad(t, a, b)
	l.flows(500)

	server.Stop()
	stopped := time.Now()
	for _, s := range []*Stream{a, b} {
		becomes(t, s, "messages cannot be stored: Redis does not answer")
	}
	becomes(t, b, "messages cannot be received: Redis does not answer")
	if took := time.Since(stopped); took > 5*time.Second {
		t.Errorf("it took %v to notice", took)
	}
	_, before := l.counts()
	redistest.Eventually(t, "appends fail in time", func() error {
		if _, failed := l.counts(); failed < before+20 {
			return fmt.Errorf("%d, then %d", before, failed)
		}
		return nil
	})
	server.Cont()

	l.flows(500)
	l.end()
	becomes(t, a)
	becomes(t, b)
	entries := everything(t, a)
	if missing := l.check(entries); missing > 0 {
		t.Errorf("%d acknowledged entries are missing", missing)
	}
	if gaps := w.sees(entries); gaps > 0 {
		t.Errorf("%d gaps", gaps)
	}
}

// TestP5_KilledRedisWithAOF: kill -9 and restart, twice; acknowledged entries are on disk.
func TestP5_KilledRedisWithAOF(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	a := open(t, server.Addr, Options{MaxLen: lots})
	b := open(t, server.Addr, Options{MaxLen: lots})
	w := watch(t, b)
	l := startLoad(t, a, b)
	for range 2 {
		l.flows(300)
		server.Kill()
		becomes(t, a, "messages cannot be stored: Redis cannot be reached")
		becomes(t, b, "messages cannot be received: Redis cannot be reached")
		server.Restart()
		l.flows(300)
	}
	l.end()
	entries := everything(t, a)
	if missing := l.check(entries); missing > 0 {
		t.Errorf("%d acknowledged entries are missing", missing)
	}
	if gaps := w.sees(entries); gaps > 0 {
		t.Errorf("%d gaps", gaps)
	}
}

// TestP3_RestartedEmpty: Redis comes back without its data; followers get the gap, and new messages flow.
func TestP3_RestartedEmpty(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{})
	newest := put(t, s, "key", "old")
	w := watch(t, s)
	w.sees(everything(t, s))
	server.Restart()
	offset := put(t, s, "key", "new")
	if offset.Compare(newest) <= 0 {
		t.Errorf("offset %s after %s", offset, newest)
	}
	entries := everything(t, s)
	if len(entries) != 2 || string(entries[1].Event) != "new" {
		t.Errorf("entries %v", entries)
	}
	if gaps := w.sees(entries); gaps != 1 {
		t.Errorf("%d gaps, want 1", gaps)
	}
}

// TestP3_TrimmedWhileCutOff: a node is cut off, and entries that it has not seen are trimmed.
func TestP3_TrimmedWhileCutOff(t *testing.T) {
	server := redistest.Start(t)
	proxy := redistest.StartProxy(t, server.Addr, 1)
	near := open(t, server.Addr, Options{MaxLen: 1000})
	far := open(t, proxy.Addr, Options{MaxLen: 1000})
	putMany(t, near, 10)
	w := watch(t, far)
	w.sees(everything(t, near))

	proxy.SetDown(true)
	becomes(t, far, "messages cannot be received")
	putMany(t, near, 10)
	proxy.SetDown(false)
	if gaps := w.sees(everything(t, near)); gaps != 0 {
		t.Errorf("%d gaps although nothing was trimmed", gaps)
	}

	proxy.SetDown(true)
	becomes(t, far, "messages cannot be received")
	putMany(t, near, 3000)
	proxy.SetDown(false)
	entries := everything(t, near)
	if gaps := w.sees(entries); gaps != 1 {
		t.Errorf("%d gaps, want 1", gaps)
	}
}

// TestP4_CutConnections: connections are cut at random places, in the middle of commands and of answers.
func TestP4_CutConnections(t *testing.T) {
	// Each cut costs a new connection. Many seeds with few cuts let a slow machine come to the end of each.
	for seed := range uint64(9) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			server := redistest.Start(t)
			proxy := redistest.StartProxy(t, server.Addr, seed)
			a := open(t, proxy.Addr, Options{MaxLen: lots})
			b := open(t, proxy.Addr, Options{MaxLen: lots})
			w := watch(t, b)
			proxy.CutEvery(4000)
			l := startLoad(t, a, b)
			redistest.Eventually(t, "many connections were cut", func() error {
				if n := proxy.Cuts(); n < 50 {
					return fmt.Errorf("%d cuts", n)
				}
				return nil
			})
			proxy.CutEvery(0)
			proxy.CutAll()
			l.end()
			entries := everything(t, a)
			if missing := l.check(entries); missing > 0 {
				t.Errorf("%d acknowledged entries are missing", missing)
			}
			if gaps := w.sees(entries); gaps > 0 {
				t.Errorf("%d gaps", gaps)
			}
		})
	}
}

// TestP4_StoredLate: an entry is stored after its caller was told "unavailable"; the retry with its key
// finds it.
func TestP4_StoredLate(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{AppendTimeout: 300 * time.Millisecond})
	put(t, s, "", "first")
	server.Stop()
	if _, err := tryPut(s, "key", "late"); !errors.Is(err, stream.ErrUnavailable) {
		t.Fatalf("error %v while Redis hangs", err)
	}
	server.Cont()
	var entries []stream.Entry
	redistest.Eventually(t, "the entry is stored", func() error {
		if entries = everything(t, s); len(entries) < 3 {
			return fmt.Errorf("%d entries", len(entries))
		}
		return nil
	})
	if offset := put(t, s, "key", "late"); offset != entries[2].Offset || len(everything(t, s)) != 3 {
		t.Errorf("the retry is at %s, the entry at %s", offset, entries[2].Offset)
	}
}

// TestP6_UnreachableRedis: without any Redis, appends are unavailable in time, the queue is bounded, and Close returns.
func TestP6_UnreachableRedis(t *testing.T) {
	const timeout = 400 * time.Millisecond
	s := open(t, "127.0.0.1:"+redistest.FreePort(t), Options{AppendTimeout: timeout, QueueRecords: 10})
	results := make(chan error, 100)
	refused := make(chan error, 100)
	started := time.Now()
	const callers = 30
	for range callers {
		go func() {
			refused <- s.Append(context.Background(), "", []byte("x"), func(_ stream.Offset, err error) { results <- err })
		}()
	}
	queued := 0
	for range callers {
		switch err := <-refused; {
		case err == nil:
			queued++
		case !errors.Is(err, stream.ErrUnavailable):
			t.Errorf("Append: %v", err)
		}
	}
	for range queued {
		if err := <-results; !errors.Is(err, stream.ErrUnavailable) {
			t.Errorf("done: %v", err)
		}
	}
	if took := time.Since(started); took < timeout || took > timeout+2*time.Second {
		t.Errorf("the outcome took %v, want about %v", took, timeout)
	}
	if _, err := s.Last(t.Context(), stream.Offset{}, 1); !errors.Is(err, stream.ErrUnavailable) {
		t.Errorf("Last: %v", err)
	}
	closeTogetherWithAppends(t, s)
}

func closeTogetherWithAppends(t *testing.T, s *Stream) {
	t.Helper()
	results := make(chan error, 10)
	for range 5 {
		assert.NoError(t, s.Append(t.Context(), "", []byte("x"), func(_ stream.Offset, err error) { results <- err }))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v", err)
	}
	if len(results) != 5 {
		t.Fatalf("%d outcomes when Close returned, want 5", len(results))
	}
	for range 5 {
		if err := <-results; !errors.Is(err, stream.ErrUnavailable) {
			t.Errorf("done: %v", err)
		}
	}
}

// TestForgottenScript: Redis forgets its scripts in a restart or a failover.
func TestForgottenScript(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{})
	put(t, s, "", "one")
	server.CLI("SCRIPT", "FLUSH")
	put(t, s, "", "two")
	if reason := s.Degraded(); reason != "" {
		t.Error(reason)
	}
}

// TestDegradedNamesRefusal: Redis answers, but with an error.
func TestDegradedNamesRefusal(t *testing.T) {
	server := redistest.Start(t, "--maxmemory-policy", "noeviction")
	s := open(t, server.Addr, Options{AppendTimeout: 200 * time.Millisecond})
	put(t, s, "", "fits")
	server.CLI("CONFIG", "SET", "maxmemory", "1")
	if _, err := tryPut(s, "", "does not fit"); !errors.Is(err, stream.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	becomes(t, s, "messages cannot be stored: Redis refuses (OOM)")
	server.CLI("CONFIG", "SET", "maxmemory", "0")
	becomes(t, s)
	if entries := everything(t, s); len(entries) != 3 {
		t.Errorf("entries %v", entries)
	}
}

// TestP5_CloseDoesNotWaitForRedis: once all callers were told that Redis does not answer, nothing is left to finish.
func TestP5_CloseDoesNotWaitForRedis(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr, Options{AppendTimeout: 200 * time.Millisecond})
	server.Stop()
	defer server.Cont()
	told := make(chan error, 1)
	assert.NoError(t, s.Append(t.Context(), "", []byte("x"), func(_ stream.Offset, err error) { told <- err }))
	if err := <-told; !errors.Is(err, stream.ErrUnavailable) {
		t.Fatal(err)
	}
	assert.NoError(t, s.Close(t.Context()))
}
