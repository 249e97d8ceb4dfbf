package streamtest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// follower records what one Follow hands out.
type follower struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // after ended

	mu      sync.Mutex
	entries []stream.Entry
	more    chan struct{} // closed and replaced whenever entries grows
}

// follow starts a follower. It records every batch and then runs each hook with it.
func follow(t *testing.T, h Harness, after stream.Offset, hooks ...func([]stream.Entry) error) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &follower{t: t, cancel: cancel, ended: make(chan struct{}), more: make(chan struct{})}
	go func() {
		defer close(f.ended)
		f.err = h.Stream.Follow(ctx, after, func(batch []stream.Entry) error {
			if len(batch) == 0 {
				t.Error("Follow gave an empty batch")
			}
			f.record(batch)
			for _, hook := range hooks {
				if err := hook(batch); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	t.Cleanup(func() { f.stop() })
	return f
}

func (f *follower) record(batch []stream.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = append(f.entries, batch...)
	close(f.more)
	f.more = make(chan struct{})
}

// seen returns the entries handed out so far.
func (f *follower) seen() []stream.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.entries
}

// wait waits until n entries were handed out and returns them. It fails if there are more than n.
func (f *follower) wait(n int) []stream.Entry {
	f.t.Helper()
	patience := time.After(Patience)
	for {
		f.mu.Lock()
		entries, more := f.entries, f.more
		f.mu.Unlock()
		if len(entries) >= n {
			assert.Equal(f.t, "entries followed", len(entries), n)
			return entries
		}
		select {
		case <-more:
		case <-f.ended:
			if len(f.seen()) < n {
				f.t.Fatalf("Follow ended after %d of %d entries: %v", len(f.seen()), n, f.err)
			}
		case <-patience:
			f.t.Fatalf("followed %d entries, want %d", len(entries), n)
		}
	}
}

// end waits until Follow returns by itself, and returns its error.
func (f *follower) end() error {
	f.t.Helper()
	select {
	case <-f.ended:
		return f.err
	case <-time.After(Patience):
		f.t.Fatal("Follow did not return")
		return nil
	}
}

// stop ends the follower and returns the error of Follow.
func (f *follower) stop() error {
	f.cancel()
	<-f.ended
	return f.err
}

// tryAppend appends one event and waits for its outcome.
func tryAppend(t *testing.T, h Harness, key, event string) (stream.Offset, error) {
	type result struct {
		offset stream.Offset
		err    error
	}
	results := make(chan result, 2)
	err := h.Stream.Append(t.Context(), key, []byte(event), func(o stream.Offset, err error) { results <- result{o, err} })
	if err != nil {
		return stream.Offset{}, err
	}
	select {
	case r := <-results:
		return r.offset, r.err
	case <-time.After(Patience):
		return stream.Offset{}, errors.New("done was not called")
	}
}

func mustAppend(t *testing.T, h Harness, key, event string) stream.Offset {
	t.Helper()
	offset, err := tryAppend(t, h, key, event)
	assert.NoError(t, err)
	return offset
}

func last(t *testing.T, h Harness, before stream.Offset, n int) []stream.Entry {
	t.Helper()
	entries, err := h.Stream.Last(t.Context(), before, n)
	assert.NoError(t, err)
	return entries
}

// collect calls f from n goroutines at once and returns their results.
func collect[T any](t *testing.T, n int, f func() (T, error)) []T {
	t.Helper()
	values, errs := make([]T, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { values[i], errs[i] = f() })
	}
	wg.Wait()
	assert.NoError(t, errors.Join(errs...))
	return values
}

func sameEntries(t *testing.T, got, want []stream.Entry) {
	t.Helper()
	assert.Equal(t, "entries", len(got), len(want))
	for i := range got {
		assert.Equal(t, "offset", got[i].Offset, want[i].Offset)
		if !bytes.Equal(got[i].Event, want[i].Event) {
			t.Fatalf("event at %s: %.40q, want %.40q", got[i].Offset, got[i].Event, want[i].Event)
		}
	}
}

func isError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}
