package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// load appends from many callers until it is stopped, and records what was acknowledged. The callers named "retry" send one
// event at a time, with a key, and repeat it until it is stored. Those named "once" keep eight events in flight, without a
// key, and never repeat one.
type load struct {
	t       *testing.T
	stop    chan struct{} // closed by end
	abort   chan struct{} // closed when the test is over
	callers sync.WaitGroup

	mu     sync.Mutex
	acked  map[string]stream.Offset
	failed int
}

func startLoad(t *testing.T, streams ...*Stream) *load {
	l := &load{t: t, stop: make(chan struct{}), abort: make(chan struct{}), acked: map[string]stream.Offset{}}
	for i, s := range streams {
		for c := range 3 {
			l.callers.Go(func() { l.once(s, fmt.Sprintf("once%d.%d", i, c)) })
			l.callers.Go(func() { l.retry(s, fmt.Sprintf("retry%d.%d", i, c)) })
		}
	}
	t.Cleanup(func() {
		close(l.abort)
		l.callers.Wait()
	})
	return l
}

func (l *load) running() bool {
	select {
	case <-l.stop:
		return false
	case <-l.abort:
		return false
	default:
		return true
	}
}

func (l *load) once(s *Stream, name string) {
	slots := make(chan struct{}, 8)
	for n := 0; l.running(); n++ {
		event := name + "/" + strconv.Itoa(n)
		slots <- struct{}{}
		var calls atomic.Int32
		done := func(o stream.Offset, err error) {
			l.note(event, o, err)
			if calls.Add(1) > 1 {
				l.t.Errorf("done of %s was called again", event)
				return
			}
			<-slots
		}
		if err := s.Append(context.Background(), "", []byte(event), done); err != nil {
			done(stream.Offset{}, err)
		}
	}
	for range cap(slots) {
		slots <- struct{}{}
	}
}

func (l *load) retry(s *Stream, name string) {
	for n := 0; l.running(); n++ {
		event := name + "/" + strconv.Itoa(n)
		for {
			o, err := tryPut(s, "key of "+event, event)
			l.note(event, o, err)
			if err == nil {
				break
			}
			select {
			case <-l.abort:
				return
			default:
			}
		}
	}
}

func (l *load) note(event string, o stream.Offset, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.acked[event] = o
	case errors.Is(err, stream.ErrUnavailable):
		l.failed++
	default:
		l.t.Errorf("append %s: %v", event, err)
	}
}

func (l *load) counts() (acked, failed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked), l.failed
}

// flows waits until n more events are acknowledged, and returns how long that took.
func (l *load) flows(n int) time.Duration {
	l.t.Helper()
	started := time.Now()
	before, _ := l.counts()
	redistest.Eventually(l.t, "appends flow", func() error {
		if now, failed := l.counts(); now < before+n {
			return fmt.Errorf("%d acknowledged, then %d, %d failed", before, now, failed)
		}
		return nil
	})
	return time.Since(started)
}

// end stops the callers. Those that retry an event continue until it is stored.
func (l *load) end() {
	close(l.stop)
	l.callers.Wait()
}

// check compares the record with what was acknowledged: no event twice, each caller's in the order of its calls, and each
// acknowledged event under its offset. It returns how many acknowledged events are missing.
func (l *load) check(entries []stream.Entry) (missing int) {
	l.t.Helper()
	stored, next := map[string]stream.Offset{}, map[string]int{}
	for _, e := range entries {
		if len(e.Event) == 0 {
			continue
		}
		stored[string(e.Event)] = e.Offset
		caller, text, _ := strings.Cut(string(e.Event), "/")
		n, _ := strconv.Atoi(text)
		if n < next[caller] {
			l.t.Fatalf("%s/%d comes after %s/%d: twice or out of order", caller, n, caller, next[caller]-1)
		}
		next[caller] = n + 1
	}
	for event, offset := range l.acked {
		switch o, ok := stored[event]; {
		case !ok:
			missing++
		case o != offset:
			l.t.Fatalf("%s is at %s, was acknowledged at %s", event, o, offset)
		}
	}
	l.t.Logf("%d entries, %d acknowledged, %d of them missing, %d times unavailable", len(entries), len(l.acked), missing, l.failed)
	return missing
}

// everything returns all entries of the stream.
func everything(t *testing.T, s *Stream) []stream.Entry {
	t.Helper()
	entries, err := s.Last(t.Context(), stream.Offset{}, 1<<20)
	assert.NoError(t, err)
	return entries
}

// watcher follows a stream as a node does: after a gap it starts afresh with what is there.
type watcher struct {
	t       *testing.T
	cancel  context.CancelFunc
	ended   chan struct{}
	mu      sync.Mutex
	entries []stream.Entry
	gaps    int
}

func watch(t *testing.T, s *Stream) *watcher {
	ctx, cancel := context.WithCancel(t.Context())
	w := &watcher{t: t, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		after := stream.Offset{}
		for {
			err := s.Follow(ctx, after, w.add)
			if !errors.Is(err, stream.ErrGap) {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Follow: %v", err)
				}
				return
			}
			if after, err = w.reset(ctx, s); err != nil {
				return
			}
		}
	}()
	t.Cleanup(w.stop)
	return w
}

func (w *watcher) add(batch []stream.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = append(w.entries, batch...)
	return nil
}

// reset drops everything and begins with what is in the stream now.
func (w *watcher) reset(ctx context.Context, s *Stream) (after stream.Offset, err error) {
	var entries []stream.Entry
	for ctx.Err() == nil {
		if entries, err = s.Last(ctx, stream.Offset{}, 1<<20); err == nil {
			break
		}
	}
	if err != nil {
		return after, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = entries
	w.gaps++
	return entries[len(entries)-1].Offset, nil
}

func (w *watcher) stop() {
	w.cancel()
	<-w.ended
}

// sees waits until the watcher has followed exactly want, and returns how many gaps there were.
func (w *watcher) sees(want []stream.Entry) (gaps int) {
	w.t.Helper()
	redistest.Eventually(w.t, "the follower has seen all", func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		gaps = w.gaps
		if len(w.entries) != len(want) {
			return fmt.Errorf("%d of %d entries", len(w.entries), len(want))
		}
		for i, e := range w.entries {
			if e.Offset != want[i].Offset || string(e.Event) != string(want[i].Event) {
				return fmt.Errorf("entry %d is %s %.50q, want %s %.50q", i, e.Offset, e.Event, want[i].Offset, want[i].Event)
			}
		}
		return nil
	})
	return gaps
}

// becomes waits until Degraded contains all of the words, or is empty if there are none.
func becomes(t *testing.T, s *Stream, words ...string) {
	t.Helper()
	redistest.Eventually(t, fmt.Sprintf("Degraded says %q", words), func() error {
		got := s.Degraded()
		if len(words) == 0 && got != "" {
			return fmt.Errorf("it says %q", got)
		}
		for _, w := range words {
			if !strings.Contains(got, w) {
				return fmt.Errorf("it says %q", got)
			}
		}
		return nil
	})
}
