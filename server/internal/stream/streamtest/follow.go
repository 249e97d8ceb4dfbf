package streamtest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

func testFollowFromEveryOffset(t *testing.T, h Harness) {
	const n = 12
	for i := range n {
		mustAppend(t, h, "", fmt.Sprint("old ", i))
	}
	all := last(t, h, stream.Offset{}, n+1)
	followers := []*follower{follow(t, h, stream.Offset{})}
	for _, e := range all {
		followers = append(followers, follow(t, h, e.Offset))
	}
	for i := range 5 {
		mustAppend(t, h, "", fmt.Sprint("new ", i))
	}
	all = last(t, h, stream.Offset{}, 100)
	for i, f := range followers {
		sameEntries(t, f.wait(len(all)-i), all[i:])
	}
}

func testFollowContext(t *testing.T, h Harness) {
	f := follow(t, h, stream.Offset{})
	mustAppend(t, h, "", "event")
	f.wait(2)
	f.cancel()
	isError(t, f.end(), context.Canceled)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := h.Stream.Follow(ctx, stream.Offset{}, func([]stream.Entry) error { t.Error("called after the end"); return nil })
	isError(t, err, context.Canceled)
}

func testFollowCallbackError(t *testing.T, h Harness) {
	enough := errors.New("enough")
	mustAppend(t, h, "", "event")
	f := follow(t, h, stream.Offset{}, func([]stream.Entry) error { return enough })
	assert.Equal(t, "error of Follow", f.end(), enough)
}

func testGapUnknownOffset(t *testing.T, h Harness) {
	for i := range 10 {
		mustAppend(t, h, "", fmt.Sprint("event ", i))
	}
	all := last(t, h, stream.Offset{}, 100)
	newest := all[10].Offset
	for _, unknown := range []stream.Offset{
		{Ms: 1},
		{Ms: all[0].Offset.Ms, Seq: all[0].Offset.Seq + 1000},
		{Ms: newest.Ms, Seq: newest.Seq + 1},
		{Ms: newest.Ms + 60_000},
	} {
		isError(t, follow(t, h, unknown).end(), stream.ErrGap)
	}
	h.Trim(3)
	for _, e := range all[:8] {
		isError(t, follow(t, h, e.Offset).end(), stream.ErrGap)
	}
	isError(t, follow(t, h, stream.Offset{}).end(), stream.ErrGap)
	sameEntries(t, follow(t, h, all[8].Offset).wait(2), all[9:])
}

// testGapSleepingFollower: entries that a busy follower has not read yet are trimmed. It gets a gapless prefix and then
// ErrGap, never an entry beyond the hole.
func testGapSleepingFollower(t *testing.T, h Harness) {
	asleep, awake := make(chan struct{}, 100), make(chan struct{})
	f := follow(t, h, last(t, h, stream.Offset{}, 1)[0].Offset, func([]stream.Entry) error {
		asleep <- struct{}{}
		<-awake
		return nil
	})
	mustAppend(t, h, "", "the entry it sleeps over")
	assert.Receive(t, "the sleeping follower", asleep)
	flood(t, h, 2, 1000)
	all := last(t, h, stream.Offset{}, 3000)[1:]
	h.Trim(5)
	close(awake)
	isError(t, f.end(), stream.ErrGap)
	got := f.seen()
	if len(got) >= len(all)-5 {
		t.Fatalf("%d of %d entries were handed out after all but 5 were trimmed", len(got), len(all))
	}
	sameEntries(t, got, all[:len(got)])
}

func testGapFlushed(t *testing.T, h Harness) {
	for i := range 5 {
		mustAppend(t, h, "", fmt.Sprint("old ", i))
	}
	old := last(t, h, stream.Offset{}, 10)
	f := follow(t, h, old[0].Offset)
	f.wait(5)
	h.Flush()
	isError(t, f.end(), stream.ErrGap)
	assert.Equal(t, "entries followed", len(f.seen()), 5)

	offset := mustAppend(t, h, "", "new")
	fresh := last(t, h, stream.Offset{}, 10)
	assert.Equal(t, "entries after the flush", len(fresh), 2)
	assert.Equal(t, "offset", fresh[1].Offset, offset)
	assert.Equal(t, "event of the new genesis", len(fresh[0].Event), 0)
	growing(t, append(old, fresh...))
	for _, e := range old {
		isError(t, follow(t, h, e.Offset).end(), stream.ErrGap)
	}
	sameEntries(t, follow(t, h, fresh[0].Offset).wait(1), fresh[1:])
}

// testTrimBehindFollower: trimming entries that a follower has read does not affect it.
func testTrimBehindFollower(t *testing.T, h Harness) {
	f := follow(t, h, stream.Offset{})
	for i := range 20 {
		mustAppend(t, h, "", fmt.Sprint("event ", i))
		f.wait(i + 2)
		h.Trim(1)
	}
	isError(t, f.stop(), context.Canceled)
}
