package chat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

type messageCase struct {
	Spec, Name string
	Args       []any
	Ack        map[string]any
	Published  map[string]any
}

func TestMSG_GoldenMessages(t *testing.T) {
	golden := load[struct {
		Event  string
		Limits Limits
		Cases  []messageCase
	}](t, "client-message.json")
	assert.Equal(t, "event", golden.Event, EventMessage)
	for _, c := range golden.Cases {
		t.Run(c.Spec+" "+c.Name, func(t *testing.T) {
			d, counts, a := &desk{}, &tally{}, &acks{}
			s := New(Options{Limits: golden.Limits, Record: d, Archive: d, Hooks: Hooks{Handled: counts.handled}})
			s.Message(t.Context(), guest(s, "s1"), c.Args, a.add)
			if c.Published == nil {
				assert.Equal(t, "published", len(d.queue), 0)
				checkRefusal(t, a.one(t), c.Ack)
				assert.Equal(t, "counted", counts.n, map[string]int{"event:message " + c.Ack["code"].(string): 1})
				return
			}
			assert.Equal(t, "counted", counts.n, map[string]int{"event:message ok": 1})
			checkAccepted(t, c, plain(t, a.one(t)).(map[string]any), d.queue[0])
		})
	}
}

// checkAccepted compares answer and event with the golden ones, where null stands for an id that the server makes.
func checkAccepted(t *testing.T, c messageCase, ack map[string]any, p appended) {
	event := p.event(t, stamp)
	assert.Equal(t, "at", []any{ack["at"], event["at"]}, []any{float64(stamp), float64(stamp)})
	assert.Equal(t, "id", ack["id"], event["id"])
	assert.Equal(t, "from", event["from"], any("~s1"))
	delete(event, "from")
	assert.Equal(t, "has a key", p.key != "", c.Ack["id"] != nil)
	if c.Ack["id"] == nil {
		if id, ok := ack["id"].(string); !ok || len(id) != 16 {
			t.Errorf("the server made the id %#v", ack["id"])
		}
		ack["id"], event["id"] = nil, nil
	}
	delete(ack, "at")
	delete(event, "at")
	assert.Equal(t, "ack", ack, c.Ack)
	assert.Equal(t, "published", event, c.Published)
}

func TestMSG10_AKeyTellsMessagesApart(t *testing.T) {
	seen := map[string]string{}
	for _, id := range []string{"1", "1 ", "11"} {
		for _, name := range []string{"a", "1", "1a"} {
			for _, text := range []string{"a", "1a", "\x00a", "a\x00", "aa"} {
				for _, by := range []string{"a", "1", "a1", "\x00\x00\x00\x01"} {
					m := message{text: text, id: id, author: author{id: by, name: name}}
					key, what := dedupeKey(m), fmt.Sprintf("%q", []string{by, id, name, text})
					if other, twice := seen[key]; twice {
						t.Errorf("%s and %s have the same key", what, other)
					}
					seen[key] = what
					assert.Equal(t, "the key of a retry", dedupeKey(m), key)
				}
			}
		}
	}
}

func TestMSG2_ServerMadeIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		seen[newID()] = true
	}
	assert.Equal(t, "different ids", len(seen), 1000)
}

func TestP4_AckOnlyAfterStored(t *testing.T) {
	d, counts, a := &desk{hold: true}, &tally{}, &acks{}
	s := New(Options{Record: d, Hooks: Hooks{Handled: counts.handled}})
	s.Message(t.Context(), guest(s, "s1"), object(`{"message":"m","username":"u","id":"x"}`), a.add)
	assert.Equal(t, "answers before it is stored", len(a.all), 0)
	assert.Equal(t, "counted before it is stored", len(counts.n), 0)
	d.queue[0].done(Position{Ms: 7}, nil)
	assert.Equal(t, "answer", a.one(t), any(Stored{Status: "ok", ID: "x", At: 7}))
}

func TestP4_FailureIsAnsweredOnceAndHidesItsCause(t *testing.T) {
	cause := errors.New("dial 10.0.0.1: refused")
	for name, d := range map[string]*desk{"not queued": {refuse: cause}, "not stored": {hold: true}} {
		t.Run(name, func(t *testing.T) {
			a := &acks{}
			s := New(Options{Record: d})
			s.Message(t.Context(), guest(s, "s1"), object(`{"message":"m","username":"u"}`), a.add)
			for _, p := range d.queue {
				p.done(Position{}, cause)
			}
			assert.Equal(t, "code", a.code(t), "unavailable")
			if strings.Contains(a.one(t).(Refusal).Message, "10.0.0.1") {
				t.Error("the cause was told to the client")
			}
		})
	}
}

func TestMSG_AckIsOptional(t *testing.T) {
	d := &desk{}
	s := New(Options{Record: d})
	c := guest(s, "s1")
	s.Message(t.Context(), c, object(`{"message":"m","username":"u"}`), nil)
	s.Message(t.Context(), c, object(`{"message":"","username":"u"}`), nil)
	d.refuse = errors.New("closed")
	s.Message(t.Context(), c, object(`{"message":"m","username":"u"}`), nil)
	assert.Equal(t, "published", len(d.queue), 1)
}

func TestLIM_DefaultsAndGoldenNumbersAgree(t *testing.T) {
	golden := load[struct {
		MaxMessageChars, MaxUsernameChars, MaxIDChars, MaxHistoryMessages, MaxHistoryBytes, TypingIntervalMs int
		Anonymous, Whitespace, NotWhitespace                                                                 string
	}](t, "limits.json")
	l := Limits{}.withDefaults()
	assert.Equal(t, "message", l.MaxMessageChars, golden.MaxMessageChars)
	assert.Equal(t, "username", l.MaxUsernameChars, golden.MaxUsernameChars)
	assert.Equal(t, "id", MaxIDChars, golden.MaxIDChars)
	assert.Equal(t, "history", []int{HistoryMessages, maxHistoryJSON}, []int{golden.MaxHistoryMessages, golden.MaxHistoryBytes})
	assert.Equal(t, "typing", typingInterval.Milliseconds(), int64(golden.TypingIntervalMs))
	assert.Equal(t, "anonymous", Anonymous, golden.Anonymous)
	for _, r := range golden.Whitespace {
		assert.Equal(t, fmt.Sprintf("%U is space", r), isSpace(r), true)
	}
	for _, r := range golden.NotWhitespace {
		assert.Equal(t, fmt.Sprintf("%U is space", r), isSpace(r), false)
	}
}

func TestERR_GoldenCodesAreTheOutcomes(t *testing.T) {
	golden := load[struct{ Codes, TokenCodes []struct{ Code string } }](t, "errors.json")
	want := []string{OutcomeOK}
	for _, c := range slices.Concat(golden.Codes, golden.TokenCodes) {
		want = append(want, c.Code)
	}
	assert.Equal(t, "outcomes", Outcomes(), want)
}

func TestERR_TheCauseStaysReachable(t *testing.T) {
	cause := errors.New("the cause")
	err := error(unavailable("Words.", cause))
	assert.Equal(t, "is the cause", errors.Is(err, cause), true)
	assert.Equal(t, "text", err.Error(), "unavailable: Words. (the cause)")
}

func TestLIM_PacedNotDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		s := New(Options{Limits: Limits{MessageRate: 50, MessageBurst: 200}, Record: d})
		c := guest(s, "s1")
		send := func(n int) func() {
			return func() {
				for i := range n {
					s.Message(t.Context(), c, object(fmt.Sprintf(`{"message":"%d","username":"u"}`, i)), nil)
				}
			}
		}
		assert.Equal(t, "a burst of 200", elapsed(send(200)), 0)
		assert.Equal(t, "100 more at 50 a second", elapsed(send(100)), 2*time.Second)
		time.Sleep(10 * time.Second)
		assert.Equal(t, "a burst after a rest", elapsed(send(200)), 0)
		assert.Equal(t, "published", len(d.queue), 500)
		for i, p := range d.queue[:200] {
			assert.Equal(t, "order", p.event(t, 0)["message"], any(fmt.Sprint(i)))
		}
	})
}

func TestLIM_GarbageIsPacedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Limits: Limits{MessageRate: 10, MessageBurst: 1}, Record: &desk{}, Archive: &desk{}})
		c := guest(s, "s1")
		took := elapsed(func() {
			for range 10 {
				s.Message(t.Context(), c, nil, nil)
				s.History(t.Context(), c, nil, nil)
				s.Typing(t.Context(), c, nil, nil)
			}
		})
		assert.Equal(t, "30 events at 10 a second", took, 2900*time.Millisecond)
	})
}

func TestLIM_ClientsArePacedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Limits: Limits{MessageRate: 1}, Record: &desk{}})
		var wg sync.WaitGroup
		took := elapsed(func() {
			for i := range 20 {
				c := guest(s, fmt.Sprint(i))
				wg.Go(func() {
					for range 3 {
						s.Message(t.Context(), c, object(`{"message":"m","username":"u"}`), nil)
					}
				})
			}
			wg.Wait()
		})
		assert.Equal(t, "all of them", took, 2*time.Second)
	})
}

func TestLIM_PacingEndsWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, a := &desk{}, &acks{}
		s := New(Options{Limits: Limits{MessageRate: 1}, Record: d})
		c := guest(s, "s1")
		s.Message(t.Context(), c, object(`{"message":"m","username":"u"}`), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		took := elapsed(func() { s.Message(ctx, c, object(`{"message":"m","username":"u"}`), a.add) })
		assert.Equal(t, "took", took, 100*time.Millisecond)
		assert.Equal(t, "code", a.code(t), "unavailable")
		assert.Equal(t, "published", len(d.queue), 1)
	})
}

func TestLIM_RateZeroIsUnlimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		s := New(Options{Record: d})
		c := guest(s, "s1")
		took := elapsed(func() {
			for range 10_000 {
				s.Message(t.Context(), c, object(`{"message":"m","username":"u"}`), nil)
			}
		})
		assert.Equal(t, "took", took, 0)
		assert.Equal(t, "published", len(d.queue), 10_000)
	})
}

func TestP11_AnIdentityWithANameSpeaksUnderThatName(t *testing.T) {
	d := &desk{}
	var relayed []Typing
	s := New(Options{Record: d, Relay: func(_ string, notice Typing) { relayed = append(relayed, notice) }})
	c := member(s, "s1", auth.Identity{ID: "a", Name: "Ada"})
	said := object(`{"message":"m","username":"Bob","typing":true}`)
	s.Message(t.Context(), c, said, nil)
	s.Typing(t.Context(), c, said, nil)
	assert.Equal(t, "author", d.queue[0].event(t, stamp)["username"], any("Ada"))
	assert.Equal(t, "typist", relayed[0].Username, "Ada")
}

// TestP9_TracingAllocatesNothing while the log is not at level debug.
func TestP9_TracingAllocatesNothing(t *testing.T) {
	for what, logger := range map[string]*slog.Logger{"none": nil, "info": slog.New(slog.NewTextHandler(io.Discard, nil))} {
		s := New(Options{Record: nowhere{}, Hooks: Hooks{Logger: logger}})
		c := guest(s, "s1")
		allocs := testing.AllocsPerRun(1000, func() { s.trace(stored, c, "id", Position{1, 2}); s.handled(c, EventMessage, nil) })
		assert.Equal(t, "allocations with the log "+what, allocs, 0)
	}
}
