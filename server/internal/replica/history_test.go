package replica

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
)

// enough is the most bytes of events that the tests want.
const enough = 48 << 10

// filled is a stream of so many messages of one size that counts what is read from it.
func filled(t *testing.T, messages, size int) *counting {
	t.Helper()
	s := memory.New(memory.Options{MaxEntries: messages + 10, MaxBytes: 1 << 30})
	for i := range messages {
		args := fmt.Appendf(nil, `["message",{"message":"%d %s","username":"u","id":"%d","at":0}]`, i, strings.Repeat("x", size), i)
		assert.NoError(t, s.Append(t.Context(), "", args, func(stream.Offset, error) {}))
	}
	return &counting{Stream: s}
}

// numberOf is the number of a message of [filled].
func numberOf(e stream.Entry) string {
	_, text, _ := strings.Cut(string(e.Event), `"message":"`)
	number, _, _ := strings.Cut(text, " ")
	return number
}

// walk reads everything backwards, and returns the numbers of the messages, newest first.
func walk(t *testing.T, r *Replica, n int) (seen []string) {
	t.Helper()
	for before := (stream.Offset{}); ; {
		entries, err := r.Before(t.Context(), before, n, enough)
		assert.NoError(t, err)
		if len(entries) == 0 {
			return seen
		}
		for i := len(entries) - 1; i >= 0; i-- {
			seen = append(seen, numberOf(entries[i]))
		}
		before = entries[0].Offset
	}
}

func TestHIS7_HistoryComesFromTheWindow(t *testing.T) {
	c := filled(t, 300, 10)
	r := newReplica(t, c, nil)
	loaded := c.entries.Load()
	entries, err := r.Before(t.Context(), stream.Offset{}, 101, enough)
	assert.NoError(t, err)
	assert.Equal(t, "entries", len(entries), 101)
	entries, err = r.Before(t.Context(), entries[0].Offset, 101, enough)
	assert.NoError(t, err)
	assert.Equal(t, "older entries", len(entries), 101)
	assert.Equal(t, "entries read from the stream", c.entries.Load()-loaded, 0)
	// A client finds its message in the history as soon as the stream has reported it stored.
	for i := range 50 {
		stored := make(chan stream.Offset, 1)
		args := fmt.Appendf(nil, `["message",{"message":"new %d"}]`, i)
		assert.NoError(t, r.Append(t.Context(), "", args, func(o stream.Offset, _ error) { stored <- o }))
		<-stored
		entries, err = r.Before(t.Context(), stream.Offset{}, 1, enough)
		assert.NoError(t, err)
		if !strings.Contains(string(entries[0].Event), fmt.Sprintf(`"new %d"`, i)) {
			t.Fatalf("after %d came %s", i, entries[0].Event)
		}
	}
}

func TestHIS7_WindowAndStreamJoinWithoutGapOrOverlap(t *testing.T) {
	for _, page := range []int{1, 3, 50, 101} {
		c := filled(t, 300, 10)
		r := newReplica(t, c, func(o *Options) { o.Window.MaxCount = 40 })
		seen := walk(t, r, page)
		assert.Equal(t, "messages", len(seen), 300)
		for i, number := range seen {
			assert.Equal(t, "newest first", number, fmt.Sprint(299-i))
		}
	}
}

// walkOn reads everything forwards, and returns the numbers of the messages, oldest first.
func walkOn(t *testing.T, r *Replica, n int) (seen []string) {
	t.Helper()
	for at := (stream.Offset{}); ; {
		entries, err := r.After(t.Context(), at, n, enough)
		assert.NoError(t, err)
		if len(entries) == 0 {
			return seen
		}
		for _, e := range entries {
			seen = append(seen, numberOf(e))
			at = e.Offset
		}
	}
}

func TestHIS9_StreamAndWindowJoinForwardsToo(t *testing.T) {
	for _, page := range []int{1, 3, 50, 101} {
		c := filled(t, 300, 10)
		r := newReplica(t, c, func(o *Options) { o.Window.MaxCount = 40 })
		seen := walkOn(t, r, page)
		assert.Equal(t, "messages", len(seen), 300)
		for i, number := range seen {
			assert.Equal(t, "oldest first", number, fmt.Sprint(i))
		}
	}
}

func TestHIS9_WhatTheWindowHasNeedsNoStream(t *testing.T) {
	b := &broken{Stream: filled(t, 300, 10).Stream}
	r := newReplica(t, b, func(o *Options) { o.Window.MaxCount = 60 })
	b.away.Store(true)
	window := r.log.Before(stream.Offset{}, 1000)
	oldest := window[len(window)-1].Offset
	entries, err := r.After(t.Context(), oldest, 20, enough)
	assert.NoError(t, err)
	assert.Equal(t, "entries", len(entries), 20)
	assert.Equal(t, "the next one", entries[0].Offset, window[len(window)-2].Offset)
	entries, err = r.After(t.Context(), window[0].Offset, 20, enough)
	assert.NoError(t, err)
	assert.Equal(t, "after the newest", len(entries), 0)
	_, err = r.After(t.Context(), stream.Offset{}, 20, enough)
	if !errors.Is(err, stream.ErrUnavailable) {
		t.Errorf("before the window: %v", err)
	}
}

func TestHIS9_PagesForwardAreBoundedInBytes(t *testing.T) {
	c := filled(t, 300, 12_000)
	r := newReplica(t, c, func(o *Options) { o.Window.MaxCount = 10 })
	loaded := c.entries.Load()
	entries, err := r.After(t.Context(), stream.Offset{}, 101, enough)
	assert.NoError(t, err)
	assert.Equal(t, "entries", len(entries), enough/12_000+1)
	if read := c.entries.Load() - loaded; read > 3*firstPage {
		t.Errorf("%d entries of 12 KB were read for 48 KiB", read)
	}
}

func TestHIS9_AFutureOffsetHasNothingAfterIt(t *testing.T) {
	r := newReplica(t, filled(t, 3, 10), nil)
	for _, o := range []stream.Offset{{Ms: 99999999999999}, {Ms: math.MaxUint64, Seq: math.MaxUint64}} {
		entries, err := r.After(t.Context(), o, 10, enough)
		assert.NoError(t, err)
		assert.Equal(t, "entries", len(entries), 0)
	}
}

func TestHIS8_PagesBeforeTheWindowAreBoundedInBytes(t *testing.T) {
	c := filled(t, 300, 12_000)
	r := newReplica(t, c, func(o *Options) { o.Window.MaxCount = 10 })
	loaded := c.entries.Load()
	entries, err := r.Before(t.Context(), stream.Offset{}, 101, enough)
	assert.NoError(t, err)
	assert.Equal(t, "entries from the window", len(entries), enough/12_000+1)
	assert.Equal(t, "entries read", c.entries.Load()-loaded, 0)
	oldest := r.log.Before(stream.Offset{}, 1000)
	entries, err = r.Before(t.Context(), oldest[len(oldest)-1].Offset, 101, enough)
	assert.NoError(t, err)
	assert.Equal(t, "entries behind it", len(entries), enough/12_000+1)
	if read := c.entries.Load() - loaded; read > 3*firstPage {
		t.Errorf("%d entries of 12 KB were read for 48 KiB", read)
	}
}

// broken is a stream that becomes unreadable once it is loaded.
type broken struct {
	stream.Stream
	away atomic.Bool
}

func (b *broken) Last(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	if b.away.Load() {
		return nil, stream.ErrUnavailable
	}
	return b.Stream.Last(ctx, before, n)
}

func (b *broken) After(ctx context.Context, after stream.Offset, n int) ([]stream.Entry, error) {
	if b.away.Load() {
		return nil, stream.ErrUnavailable
	}
	return b.Stream.After(ctx, after, n)
}

func TestHIS7_TheWindowIsServedWithoutTheStream(t *testing.T) {
	b := &broken{Stream: filled(t, 300, 10).Stream}
	r := newReplica(t, b, func(o *Options) { o.Window.MaxCount = 60 })
	b.away.Store(true)
	entries, err := r.Before(t.Context(), stream.Offset{}, 50, enough)
	assert.NoError(t, err)
	assert.Equal(t, "entries", len(entries), 50)
	entries, err = r.Before(t.Context(), entries[0].Offset, 50, enough)
	if !errors.Is(err, stream.ErrUnavailable) || len(entries) == 0 || len(entries) > 10 {
		t.Errorf("at the end of the window: %d entries, %v", len(entries), err)
	}
}

func TestHIS7_EntriesThatAreNotDeliveredYetAreReadFromTheStream(t *testing.T) {
	c := filled(t, 3, 10)
	r := newReplica(t, c, nil)
	entries, err := r.Before(t.Context(), stream.Offset{Ms: 99999999999999}, 10, enough)
	assert.NoError(t, err)
	assert.Equal(t, "entries", len(entries), 3)
}

// TestP13_WhatIsTooOldIsNotShown, although the log still has it: nobody begins before it, and history leaves it out.
func TestP13_WhatIsTooOldIsNotShown(t *testing.T) {
	c := filled(t, 300, 10)
	all, err := c.Last(t.Context(), stream.Offset{}, 1000)
	assert.NoError(t, err)
	var since atomic.Pointer[stream.Offset]
	since.Store(&stream.Offset{})
	r := newReplica(t, c, func(o *Options) { o.Since = func() stream.Offset { return *since.Load() } })
	for _, cut := range []int{0, 1, 100, 299, 300, 301} { // of the genesis and 300 messages
		at := stream.Offset{Ms: all[300].Offset.Ms + 1}
		if cut < len(all) {
			at = all[cut].Offset
		}
		since.Store(&at)
		left := len(all) - max(cut, 1)
		assert.Equal(t, fmt.Sprint("messages shown after a cut at ", cut), len(walk(t, r, 50)), left)
		newer, err := r.After(t.Context(), stream.Offset{}, 1000, 1<<30)
		assert.NoError(t, err)
		assert.Equal(t, "messages shown forward", len(newer), left)
		begin := all[max(cut, 1)-1].Offset
		assert.Equal(t, "place of who wants all", r.Start(1000).Offset(), begin)
		assert.Equal(t, "place of who wants the last", r.Start(1).Offset(), all[max(cut, 300)-1].Offset)
	}
}
