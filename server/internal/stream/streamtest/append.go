package streamtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// testDoneInOrder: with several callers at once, done runs once per event, never two at a time, in the order of the stream.
func testDoneInOrder(t *testing.T, h Harness) {
	const callers, each = 4, 250
	var running sync.Mutex
	var order []stream.Entry
	var pending sync.WaitGroup
	pending.Add(callers * each)
	calls := make([][]int, callers)
	ones := slices.Repeat([]int{1}, each)
	for c := range callers {
		calls[c] = make([]int, each)
		go func() {
			for i := range each {
				err := h.Stream.Append(t.Context(), "", fmt.Appendf(nil, "%d/%d", c, i), func(o stream.Offset, err error) {
					lockAlone(t, &running)
					defer running.Unlock()
					if err != nil {
						t.Error(err)
					}
					order = append(order, stream.Entry{Offset: o})
					calls[c][i]++
					pending.Done()
				})
				if err != nil {
					t.Error(err)
					pending.Done()
				}
			}
		}()
	}
	pending.Wait()
	// A late second call of done is visible once the stream has ended.
	assert.NoError(t, h.Close(t.Context()))
	running.Lock()
	defer running.Unlock()
	growing(t, order)
	for c := range calls {
		assert.Equal(t, fmt.Sprintf("calls of done for caller %d", c), calls[c], ones)
	}
}

// lockAlone locks the mutex that calls of done hold, and fails the test if another call is running.
func lockAlone(t *testing.T, running *sync.Mutex) {
	if !running.TryLock() {
		t.Error("two calls of done at a time")
		running.Lock()
	}
}

func testDedupe(t *testing.T, h Harness) {
	first := mustAppend(t, h, "key", "one")
	assert.Equal(t, "offset of the retry", mustAppend(t, h, "key", "one"), first)
	assert.Equal(t, "offset of the retry with other words", mustAppend(t, h, "key", "two"), first)
	other := mustAppend(t, h, "another key", "three")
	long := string(make([]byte, 5000))
	longFirst := mustAppend(t, h, long, "four")
	assert.Equal(t, "offset of the retry with a long key", mustAppend(t, h, long, "four"), longFirst)
	nearly := mustAppend(t, h, long+"x", "five")
	without := []stream.Offset{mustAppend(t, h, "", "six"), mustAppend(t, h, "", "six")}
	assert.Equal(t, "offset of the late retry", mustAppend(t, h, "key", "one"), first)

	var got []stream.Offset
	for _, e := range last(t, h, stream.Offset{}, 100)[1:] {
		got = append(got, e.Offset)
	}
	assert.Equal(t, "entries", fmt.Sprint(got), fmt.Sprint(append([]stream.Offset{first, other, longFirst, nearly}, without...)))
}

// testDedupeConcurrent: the same key from many goroutines, amid other traffic, makes one entry, and all get its offset.
func testDedupeConcurrent(t *testing.T, h Harness) {
	const keys, retries = 20, 10
	offsets := collect(t, keys*retries, func() (map[int]stream.Offset, error) {
		got := map[int]stream.Offset{}
		for k := range keys {
			o, err := tryAppend(t, h, fmt.Sprint("key ", k), fmt.Sprint("event ", k))
			if err != nil {
				return nil, err
			}
			got[k] = o
		}
		return got, nil
	})
	for _, got := range offsets {
		for k := range keys {
			assert.Equal(t, fmt.Sprint("offset of key ", k), got[k], offsets[0][k])
		}
	}
	assert.Equal(t, "entries", len(last(t, h, stream.Offset{}, 1000)), 1+keys)
}

func testDedupeExpires(t *testing.T, h Harness) {
	first := mustAppend(t, h, "key", "one")
	h.Expire()
	second := mustAppend(t, h, "key", "one")
	if second.Compare(first) <= 0 {
		t.Fatalf("offset %s after the key was forgotten, want one after %s", second, first)
	}
	assert.Equal(t, "offset of the retry", mustAppend(t, h, "key", "one"), second)
	assert.Equal(t, "entries", len(last(t, h, stream.Offset{}, 10)), 3)
}

func testCloseFinishes(t *testing.T, h Harness) {
	const n = 300
	results := make(chan error, 2*n)
	for i := range n {
		assert.NoError(t, h.Stream.Append(t.Context(), "", fmt.Append(nil, i), func(_ stream.Offset, err error) { results <- err }))
	}
	assert.NoError(t, h.Close(t.Context()))
	assert.Equal(t, "calls of done before Close returned", len(results), n)
	for range n {
		assert.NoError(t, <-results)
	}
}

func testCloseEnds(t *testing.T, h Harness) {
	mustAppend(t, h, "", "event")
	f := follow(t, h, stream.Offset{})
	f.wait(2)
	assert.NoError(t, h.Close(t.Context()))
	isError(t, f.end(), stream.ErrClosed)

	err := h.Stream.Append(t.Context(), "", []byte("late"), func(stream.Offset, error) { t.Error("done was called") })
	isError(t, err, stream.ErrClosed)
	isError(t, h.Stream.Follow(t.Context(), stream.Offset{}, func([]stream.Entry) error { return nil }), stream.ErrClosed)
	_, err = h.Stream.Last(context.Background(), stream.Offset{}, 1)
	isError(t, err, stream.ErrClosed)
	_, err = h.Stream.After(context.Background(), stream.Offset{}, 1)
	isError(t, err, stream.ErrClosed)
	assert.NoError(t, h.Close(t.Context()))
}
