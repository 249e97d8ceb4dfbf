package redis

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

func sized(n int) record {
	return record{event: make([]byte, n), deadline: time.Now().Add(time.Second)}
}

// TestP6_QueueIsBounded: by count and by bytes; a caller that finds it full waits in order, until deadline or ctx.
func TestP6_QueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(3, 100)
		for _, size := range []int{40, 40, 20} {
			assert.NoError(t, q.put(t.Context(), sized(size)))
		}
		started := time.Now()
		if err := q.put(t.Context(), sized(1)); !errors.Is(err, stream.ErrUnavailable) || !errors.Is(err, errFull) {
			t.Errorf("error %v at the deadline", err)
		}
		if took := time.Since(started); took != time.Second {
			t.Errorf("waited %v, want 1s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := q.put(ctx, sized(1)); !errors.Is(err, stream.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v at the end of ctx", err)
		}
		if err := q.put(t.Context(), sized(101)); err == nil || errors.Is(err, stream.ErrUnavailable) {
			t.Errorf("error %v for an event that can never fit", err)
		}
		if q.records.Len() != 3 || q.bytes != 100 || q.line.Len() != 0 {
			t.Errorf("%d records, %d bytes, %d in line", q.records.Len(), q.bytes, q.line.Len())
		}
	})
}

func TestP2_QueueAdmitsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(2, 100)
		admitted := make(chan int, 10)
		put := func(ctx context.Context, i, size int) {
			go func() {
				if q.put(ctx, sized(size)) == nil {
					admitted <- i
				}
			}()
			synctest.Wait()
		}
		big, cancel := context.WithCancel(t.Context())
		put(t.Context(), 0, 60)
		put(big, 1, 90) // does not fit; the callers behind it wait although theirs would
		put(t.Context(), 2, 30)
		put(t.Context(), 3, 5)
		if n := len(admitted); n != 1 {
			t.Fatalf("%d were admitted, want 1", n)
		}
		cancel()
		synctest.Wait()
		batch, _ := q.take(nil, 1, 1000)
		synctest.Wait()
		rest, last := q.take(nil, 10, 1000)
		sizes := []int{}
		for _, r := range append(batch, rest...) {
			sizes = append(sizes, len(r.event))
		}
		if len(sizes) != 3 || sizes[0] != 60 || sizes[1] != 30 || sizes[2] != 5 || last {
			t.Fatalf("sizes %v taken, last %v", sizes, last)
		}
	})
}

func TestQueueTakesAtLeastOneAndClosesOnce(t *testing.T) {
	q := newQueue(10, 1000)
	for _, size := range []int{500, 100, 100, 300} {
		assert.NoError(t, q.put(t.Context(), sized(size)))
	}
	for _, want := range []int{1, 2, 1, 0} {
		batch, last := q.take(nil, 10, 250)
		if len(batch) != want || last {
			t.Fatalf("took %d, last %v, want %d", len(batch), last, want)
		}
	}
	assert.NoError(t, q.put(t.Context(), sized(1)))
	q.close()
	if err := q.put(t.Context(), sized(1)); !errors.Is(err, stream.ErrClosed) {
		t.Errorf("error %v after close", err)
	}
	if batch, last := q.take(nil, 10, 250); len(batch) != 1 || !last {
		t.Errorf("took %d after close, last %v", len(batch), last)
	}
}

func TestQueueCloseRefusesThoseInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1, 100)
		assert.NoError(t, q.put(t.Context(), sized(1)))
		refused := make(chan error)
		go func() { refused <- q.put(t.Context(), sized(1)) }()
		synctest.Wait()
		q.close()
		if err := <-refused; !errors.Is(err, stream.ErrClosed) {
			t.Errorf("error %v", err)
		}
	})
}
