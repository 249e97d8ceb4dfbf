package chat

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

func TestTOK_GoldenTokens(t *testing.T) {
	golden := load[struct {
		Event string
		Cases []struct {
			Spec, Name string
			Args       []any
			Ack        map[string]any
		}
	}](t, "client-token.json")
	assert.Equal(t, "event", golden.Event, EventToken)
	for _, c := range golden.Cases {
		t.Run(c.Spec+" "+c.Name, func(t *testing.T) {
			counts, answers := &tally{}, &acks{}
			s := New(Options{Record: &desk{}, Hooks: Hooks{Handled: counts.handled}})
			client := socket(s, (&issuer{}).speaker(t, "ada"))
			s.Token(t.Context(), client, c.Args, answers.add)
			if c.Ack["status"] == "error" {
				checkRefusal(t, answers.one(t), c.Ack)
				assert.Equal(t, "the present token holds", client.speaker.Identity().Expires.IsZero(), true)
			} else {
				assert.Equal(t, "answer", plain(t, answers.one(t)), any(c.Ack))
			}
			assert.Equal(t, "counted", counts.n["token "+answers.code(t)], 1)
		})
	}
}

func TestP11_AGuestCannotBecomeAUser(t *testing.T) {
	s, answers := New(Options{Record: &desk{}}), &acks{}
	s.Token(t.Context(), socket(s, (&issuer{}).speaker(t, "~guest")), object(`{"token":"ada"}`), answers.add)
	assert.Equal(t, "answer", answers.code(t), "unauthorized")
	fixed := &acks{}
	s.Token(t.Context(), guest(s, "s1"), object(`{"token":"~s1"}`), fixed.add)
	assert.Equal(t, "without a connection", fixed.code(t), "unauthorized")
}

func TestTOK3_KeysThatAreAwayAreNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, answers, from := New(Options{Record: &desk{}}), &acks{}, &issuer{}
		c := socket(s, from.speaker(t, "ada"))
		from.away = errAway
		took := elapsed(func() { s.Token(t.Context(), c, object(`{"token":"ada 4102444800"}`), answers.add) })
		assert.Equal(t, "took", took, 5*time.Second)
		assert.Equal(t, "code", answers.code(t), "unavailable")
		assert.Equal(t, "hidden", strings.Contains(fmt.Sprint(answers.one(t)), "10.0.0.1"), false)
	})
}

func TestERR1_ARefusalOfAnotherAuthenticatorHasACodeOfTheCatalogue(t *testing.T) {
	s, from := New(Options{Record: &desk{}}), &issuer{}
	c := socket(s, from.speaker(t, "ada"))
	for refused, want := range map[string]string{auth.Expired: "expired", auth.Unauthorized: "unauthorized", "banned": "unauthorized"} {
		ctx, end := context.WithCancel(t.Context())
		end()
		answers := &acks{}
		from.away = &auth.Refusal{Code: refused, Message: "No."}
		s.Token(ctx, c, object(`{"token":"ada"}`), answers.add)
		assert.Equal(t, refused, answers.code(t), want)
	}
}

func TestTOK4_ATokenCountsLikeARequest(t *testing.T) {
	s := New(Options{Record: &desk{}, Archive: &desk{}})
	c := socket(s, (&issuer{}).speaker(t, "ada"))
	s.Token(t.Context(), c, object(`{"token":"ada 4102444800"}`), nil)
	assert.Equal(t, "without ack it is ignored", c.speaker.Identity().Expires.IsZero(), true)
	for range RequestBurst / 2 {
		s.Token(t.Context(), c, object(`{"token":"ada"}`), func(any) {})
		s.History(t.Context(), c, object(`{}`), func(any) {})
	}
	answers := &acks{}
	s.Token(t.Context(), c, object(`{"token":"ada"}`), answers.add)
	assert.Equal(t, "one more", answers.code(t), "rate_limited")
}

// TestP11_NobodyLogsTokens: neither a valid nor a refused token appears in the most verbose log.
func TestP11_NobodyLogsTokens(t *testing.T) {
	log, from := &bytes.Buffer{}, &issuer{}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := New(Options{Record: &desk{}, Hooks: Hooks{Logger: logger}})
	c := socket(s, from.speaker(t, "ada"))
	const secret = "s3cr3t"
	for _, args := range []string{`{"token":"ada 4102444800 s3cr3t"}`, `{"token":"bob s3cr3t"}`, `{"token":["s3cr3t"]}`, `{"token":{"s3cr3t":1}}`, `"s3cr3t"`, `{"token":"ada 1 s3cr3t"}`} {
		s.Token(t.Context(), c, object(args), func(v any) {
			assert.Equal(t, "told "+args, strings.Contains(fmt.Sprintf("%+v", v), secret), false)
		})
		s.Token(t.Context(), c, object(args), nil)
	}
	assert.Equal(t, "refusals in the log", strings.Count(log.String(), "event=token") > 5, true)
	assert.Equal(t, "tokens in the log", strings.Contains(log.String(), secret), false)
}

func TestPRE4_GoldenPeople(t *testing.T) {
	golden := load[struct {
		Event  string
		Answer any
	}](t, "people.json")
	assert.Equal(t, "event", golden.Event, EventPeople)
	s, answers := New(Options{Record: &desk{}}), &acks{}
	here := People{3, []Person{{"user-17", "Ada Lovelace", true}, {ID: "~4VkTjqX2h0bQ9sWd", Name: "ada"}, {ID: "~k3J0PpzYb2m1Xc8L", Name: "anonymous"}}}
	s.People(t.Context(), guest(s, "s1"), func(context.Context) (People, error) { return here, nil }, answers.add)
	assert.Equal(t, "answer", plain(t, answers.one(t)), golden.Answer)
}

func TestPRE4_AnAnswerIsBounded(t *testing.T) {
	s := New(Options{Record: &desk{}})
	for _, found := range []int{0, 99, 5000} {
		answers := &acks{}
		find := func(context.Context) (People, error) { return People{found, make([]Person, found)}, nil }
		s.People(t.Context(), guest(s, "s1"), find, answers.add)
		people := answers.one(t).(People)
		assert.Equal(t, "total", people.Total, found)
		assert.Equal(t, "people", len(people.People), min(found, MaxPeople))
		assert.Equal(t, "never null", people.People != nil, true)
	}
}

func TestPRE5_WhoIsNotFoundIsUnavailable(t *testing.T) {
	s := New(Options{Record: &desk{}})
	away := func(context.Context) (People, error) { return People{}, errAway }
	for _, find := range []func(context.Context) (People, error){nil, away} {
		answers := &acks{}
		s.People(t.Context(), guest(s, "s1"), find, answers.add)
		assert.Equal(t, "code", answers.code(t), "unavailable")
	}
	s.People(t.Context(), guest(s, "s1"), away, nil) // ignored
}
