package shard

import (
	"fmt"
	"strings"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// forge publishes a text on the channel of a room, as anybody can who may write to Redis.
func forge(t *testing.T, r *room, text string) {
	t.Helper()
	assert.NoError(t, r.rooms.opts.Client.Publish(t.Context(), r.channel(), text).Err())
}

func TestP10_ForgedNewsChangesNoTimeline(t *testing.T) {
	s := start(t, Options{}, redistest.Start(t).Addr)
	r, sink := follow(t, s, "cats")
	var sent outcomes
	say(t, r, &sent, "a", "b")
	b := sent.stored(t, 2)[1]
	assert.Eventually(t, "both come", func() bool { return sink.events() == "a b" })
	for what, forged := range map[string]struct {
		text  string
		count func(Stats) uint64
	}{
		"nonsense":               {"\x00\xff", func(s Stats) uint64 { return s.Malformed }},
		"nothing":                {"", func(s Stats) uint64 { return s.Malformed }},
		"a repetition":           {fmt.Sprintf("e%s %s 1 b", sent.offsets[0], b), func(s Stats) uint64 { return s.Old }},
		"an old entry":           {"e1-0 2-0 1 x", func(s Stats) uint64 { return s.Old }},
		"an entry after another": {"e1-0 99999999999999-0 1 x", func(s Stats) uint64 { return s.Unchained }},
		"entries that go back":   {fmt.Sprintf("e%s 99999999999999-1 1 x99999999999999-0 1 y", b), func(s Stats) uint64 { return s.Unchained }},
	} {
		before := forged.count(s.Stats())
		assert.Eventually(t, what+" is counted", func() bool {
			forge(t, r, forged.text)
			return forged.count(s.Stats()) > before
		})
	}
	say(t, r, &sent, "c")
	assert.Eventually(t, "the next one comes", func() bool { return sink.events() == "a b c" })
	assert.Equal(t, "resets", sink.count(), 1)
}

// TestP10_ForgedNewsThatChainsIsFoundOut: whoever can write to Redis is trusted, and yet a check finds the difference.
func TestP10_ForgedNewsThatChainsIsFoundOut(t *testing.T) {
	s := start(t, Options{}, redistest.Start(t).Addr)
	r, sink := follow(t, s, "cats")
	var sent outcomes
	say(t, r, &sent, "a")
	a := sent.stored(t, 1)[0]
	assert.Eventually(t, "it comes", func() bool { return sink.events() == "a" })
	forge(t, r, fmt.Sprintf("e%s 99999999999999-0 6 forged", a))
	assert.Eventually(t, "the forged one comes", func() bool { return sink.events() == "a forged" })
	assert.Eventually(t, "the room begins anew", func() bool { return sink.events() == "a" })
	assert.Equal(t, "gaps", s.Stats().Gaps, 1)
	say(t, r, &sent, "b")
	assert.Eventually(t, "the next one comes", func() bool { return sink.events() == "a b" })
}

// TestP10_MissedNewsIsRead: an entry whose news nobody tells is found, at once by the node that stored it, by a check on
// all others.
func TestP10_MissedNewsIsRead(t *testing.T) {
	addr := redistest.Start(t).Addr
	here, there := start(t, Options{}, addr), start(t, Options{}, addr)
	r, own := follow(t, here, "cats")
	_, other := follow(t, there, "cats")
	id, err := here.opts.Client.Get(t.Context(), r.genesis()).Result()
	assert.NoError(t, err)
	for _, args := range [][]any{
		{"xadd", r.stream(), id, "prev", "0-0"},
		{"xadd", r.stream(), "99999999999999-0", "prev", id, "event", "silent"},
		{"del", r.genesis()},
	} {
		assert.NoError(t, here.opts.Client.Do(t.Context(), args...).Err())
	}
	here.feeds.stored(r, stream.Offset{Ms: 99999999999999})
	for node, sink := range map[string]*record{"own": own, "other": other} {
		assert.Eventually(t, "it comes to the "+node+" node", func() bool { return sink.events() == "silent" })
		assert.Equal(t, "resets", sink.count(), 1)
	}
	assert.Equal(t, "missed here", here.Stats().Missed, 1)
	assert.Equal(t, "entries read there", there.Stats().ByRead, 1)
}

// TestP10_ALinkThatBringsNothingIsReplaced: it lives, and does what it was not asked for.
func TestP10_ALinkThatBringsNothingIsReplaced(t *testing.T) {
	s := start(t, Options{}, redistest.Start(t).Addr)
	r, sink := follow(t, s, "cats")
	d := r.feed.Load()
	d.mu.Lock()
	l := d.link
	d.mu.Unlock()
	assert.NoError(t, l.pubsub.Unsubscribe(t.Context(), d.channel))
	var sent outcomes
	want := ""
	for n := 0; s.Stats().Resyncs == 0; n++ {
		say(t, r, &sent, fmt.Sprint(n))
		want += fmt.Sprint(" ", n)
		assert.Eventually(t, "it is read", func() bool { return " "+sink.events() == want })
	}
	assert.Equal(t, "resets", sink.count(), 1)

	assert.Eventually(t, "the channel brings news again", func() bool {
		say(t, r, &sent, "more")
		return s.Stats().ByChannel > 0
	})
}

// An entry that does not follow the one before it, as an operator's command may leave, is a gap: the room begins anew after it.
func TestP10_AHoleInTheStreamIsAGap(t *testing.T) {
	s := start(t, Options{}, redistest.Start(t).Addr)
	r, sink := follow(t, s, "cats")
	var sent outcomes
	say(t, r, &sent, "a")
	sent.stored(t, 1)
	assert.Eventually(t, "it comes", func() bool { return sink.events() == "a" })
	assert.NoError(t, s.opts.Client.Do(t.Context(), "xadd", r.stream(), "*", "x", "y").Err())
	say(t, r, &sent, "b")
	sent.stored(t, 2)
	assert.Eventually(t, "the room begins anew", func() bool { return strings.HasSuffix(sink.events(), "b") })
}

// Messages to other nodes are no reason to wait for a master for ever.
func TestP10_AFrozenMasterIsGivenUpAlsoWhilePeopleType(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{}, server.Addr)
	r, _ := follow(t, s, "cats")
	server.Stop()
	defer server.Cont()
	assert.Eventually(t, "the link is given up", func() bool {
		r.Publish([]byte("typing"))
		return s.Stats().Resyncs > 0
	})
}
