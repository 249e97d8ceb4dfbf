package rooms

import (
	"context"
	"errors"
	"testing"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/test/assert"
)

func TestAPI14_ARoomIsHeldOpenForARequest(t *testing.T) {
	n := start(t, func(_ *Options, b *bounds) { b.linger, b.tick = 1, 1 })
	held, release, err := n.Hold(t.Context(), "cats")
	assert.NoError(t, err)
	assert.Equal(t, "the place", held, Place(n.place("cats")))
	again, releaseAgain, err := n.Hold(t.Context(), "cats")
	assert.NoError(t, err)
	assert.Equal(t, "the same", again == held, true)
	release()
	_, releaseOther, err := n.Hold(t.Context(), "dogs")
	assert.NoError(t, err)
	releaseOther()
	assert.Eventually(t, "what is not held closes", func() bool { return n.Stats().Open == 1 })
	assert.Equal(t, "what is held stays", n.place("cats").did().closed, 0)
	releaseAgain()
	assert.Eventually(t, "and closes then", func() bool { return n.place("cats").did().closed == 1 })
}

func TestAPI14_HoldingIsRefusedOrWaits(t *testing.T) {
	n := start(t, func(o *Options, _ *bounds) { o.Max = 1 })
	for name, want := range map[string]string{"": codeInvalid, "a/b": codeInvalid, "..": codeInvalid, "\x00": codeInvalid, "secret": codeForbidden} {
		_, _, err := n.Hold(t.Context(), name)
		var refusal *engineio.Refusal
		if !errors.As(err, &refusal) || refusal.Code != want {
			t.Errorf("%q: %v", name, err)
		}
	}
	_, release, err := n.Hold(t.Context(), "cats")
	assert.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, _, err := n.Hold(ctx, "dogs")
		failed <- err
	}()
	assert.Eventually(t, "it waits for a place", func() bool { return n.Stats().Waiting == 1 })
	cancel()
	assert.Equal(t, "error", errors.Is(assert.Receive(t, "the end", failed), context.Canceled), true)
	release()
	n.Close()
	_, _, err = n.Hold(t.Context(), "cats")
	assert.Equal(t, "after the end", err, errDraining)
}

func TestAPI11_OpenRoomsAreListedInPages(t *testing.T) {
	n := start(t, nil)
	for _, name := range []string{"c", "a", "b", "d"} {
		_, release, err := n.Hold(t.Context(), name)
		assert.NoError(t, err)
		defer release()
	}
	n.backend.record("b").sink.Members(7)
	for _, c := range []struct {
		after string
		n     int
		names string
		more  bool
	}{{"", 3, "abc", true}, {"c", 3, "d", false}, {"a", 2, "bc", true}, {"aa", 1, "b", true}, {"d", 1, "", false}, {"", 4, "abcd", false}} {
		rooms, more := n.Open(c.after, c.n)
		names := ""
		for _, r := range rooms {
			names += r.Name
		}
		assert.Equal(t, "names", names, c.names)
		assert.Equal(t, "more", more, c.more)
	}
	rooms, _ := n.Open("a", 1)
	assert.Equal(t, "members", rooms, []chat.Listed{{Name: "b", Online: 7}})
}
