package chat

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

func TestPublish_AMessageIsStoredLikeThatOfAClient(t *testing.T) {
	d := &desk{}
	s := New(Options{Record: d})
	stored, bad := s.Publish(t.Context(), System("deploys"), PublishedMessage{Text: "done", Username: "ignored", ID: "x"})
	assert.Equal(t, "error", bad, nil)
	assert.Equal(t, "answer", stored, Stored{Status: "ok", ID: "x", At: stamp})
	want := map[string]any{"message": "done", "username": "deploys", "id": "x", "from": "~system", "verified": true, "at": float64(stamp)}
	assert.Equal(t, "published", d.last(t), want)
	_, bad = s.Publish(t.Context(), auth.Identity{ID: "user-17"}, PublishedMessage{Text: "hi", Username: " A\u200Bda "})
	assert.Equal(t, "error", bad, nil)
	assert.Equal(t, "without a name of its own", []any{d.last(t)["username"], d.last(t)["verified"]}, []any{"Ada", nil})
	assert.Equal(t, "an id of the server", []any{len(d.last(t)["id"].(string)), d.queue[1].key}, []any{16, ""})
}

func TestPublish_RetriesAreThoseOfTheUser(t *testing.T) {
	d := &desk{}
	s := New(Options{Record: d})
	s.Message(t.Context(), member(s, "s1", ada), object(`{"message":"m","id":"1"}`), nil)
	for _, by := range []auth.Identity{ada, System("Ada")} {
		_, bad := s.Publish(t.Context(), by, PublishedMessage{Text: "m", ID: "1"})
		assert.Equal(t, "error", bad, nil)
	}
	assert.Equal(t, "the same user", d.queue[1].key, d.queue[0].key)
	assert.Equal(t, "the system is another one", d.queue[2].key == d.queue[0].key, false)
}

func TestPublish_TheRulesHold(t *testing.T) {
	d := &desk{}
	s := New(Options{Limits: Limits{MaxMessageChars: 5}, Record: d})
	reader := auth.Identity{ID: "user-17", Rooms: auth.Rights{"*": auth.Read}}
	for _, c := range []struct {
		by   auth.Identity
		m    PublishedMessage
		want Code
	}{
		{ada, PublishedMessage{}, Empty},
		{ada, PublishedMessage{Text: "123456"}, TooLong},
		{ada, PublishedMessage{Text: "m", ID: "\n"}, Invalid},
		{System("a\x07b"), PublishedMessage{Text: "m"}, Invalid},
		{System(strings.Repeat("x", 65)), PublishedMessage{Text: "m"}, Invalid},
		{auth.Identity{ID: "user-17"}, PublishedMessage{Text: "m", Username: "a\x07b"}, Invalid},
		{reader, PublishedMessage{Text: "m"}, Forbidden},
	} {
		_, bad := s.Publish(t.Context(), c.by, c.m)
		if bad == nil || bad.Code != c.want {
			t.Errorf("%+v: %v instead of %s", c.m, bad, c.want)
		}
	}
	assert.Equal(t, "published", len(d.queue), 0)
}

func TestP4_PublishReturnsWhenTheMessageIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{hold: true}
		s := New(Options{Record: d})
		publish := func(ctx context.Context) Code {
			_, bad := s.Publish(ctx, ada, PublishedMessage{Text: "m"})
			if bad == nil {
				return "stored"
			}
			return bad.Code
		}
		outcome := make(chan Code, 1)
		go func() { outcome <- publish(t.Context()) }()
		synctest.Wait()
		assert.Equal(t, "outcomes before it is stored", len(outcome), 0)
		d.queue[0].done(Position{Ms: 7}, nil)
		assert.Equal(t, "outcome", <-outcome, "stored")
		go func() { outcome <- publish(t.Context()) }()
		synctest.Wait()
		d.queue[1].done(Position{}, errAway)
		assert.Equal(t, "not stored", <-outcome, Unavailable)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.Equal(t, "given up", publish(ctx), Unavailable)
		d.queue[2].done(Position{Ms: 7}, nil) // nobody waits for it
		d.refuse = errAway
		assert.Equal(t, "not queued", publish(t.Context()), Unavailable)
	})
}

func TestHIS_ReadFindsWhatAClientWould(t *testing.T) {
	d := room(5, "m")
	s := New(Options{Record: d, Archive: d})
	past, bad := s.Read(t.Context(), Place{}, 2)
	assert.Equal(t, "error", bad, nil)
	assert.Equal(t, "messages", []any{past.Messages[0].ID, past.Messages[1].ID, past.More}, []any{"3", "4", true})
	past, bad = s.Read(t.Context(), Place{Before: past.Messages[0].Offset}, 1000)
	assert.Equal(t, "error", bad, nil)
	assert.Equal(t, "older ones", len(past.Messages), 3)
	for _, c := range []struct {
		place Place
		limit int
	}{{Place{Before: "yesterday"}, 1}, {Place{}, 0}, {Place{}, -1}, {Place{After: "1-"}, 1}, {Place{After: "1-0", Around: "1-0"}, 1}} {
		if _, bad := s.Read(t.Context(), c.place, c.limit); bad == nil || bad.Code != Invalid {
			t.Errorf("%+v: %v", c, bad)
		}
	}
	d.fail = errAway
	_, bad = s.Read(t.Context(), Place{}, 1)
	assert.Equal(t, "code", bad.Code, Unavailable)
}
