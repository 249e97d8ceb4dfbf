package chat

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// air records the notices that the others get.
type air struct {
	except  []string
	notices []Typing
}

func (a *air) relay(except string, n Typing) {
	a.except = append(a.except, except)
	a.notices = append(a.notices, n)
}

func TestTYP_GoldenTyping(t *testing.T) {
	golden := load[struct {
		Event string
		Cases []struct {
			Spec, Name string
			Args       []any
			Ack        map[string]any
			Relayed    *Typing
		}
	}](t, "client-typing.json")
	assert.Equal(t, "event", golden.Event, EventTyping)
	for _, c := range golden.Cases {
		t.Run(c.Spec+" "+c.Name, func(t *testing.T) {
			heard, answers := &air{}, &acks{}
			s := New(Options{Record: &desk{}, Relay: heard.relay})
			s.Typing(t.Context(), guest(s, "s1"), c.Args, answers.add)
			if c.Ack["status"] == "error" {
				checkRefusal(t, answers.one(t), c.Ack)
			} else {
				assert.Equal(t, "answer", plain(t, answers.one(t)), any(c.Ack))
			}
			var want []Typing
			if c.Relayed != nil {
				want = []Typing{*c.Relayed}
				assert.Equal(t, "except", heard.except, []string{"s1"})
			}
			assert.Equal(t, "relayed", heard.notices, want)
		})
	}
}

func TestTYP2_GoldenNoticesHaveOurShape(t *testing.T) {
	golden := load[struct{ Cases []struct{ Args []any } }](t, "server-typing.json")
	for _, c := range golden.Cases {
		want := c.Args[0].(map[string]any)
		got := Typing{want["username"].(string), want["id"].(string), want["typing"].(bool)}
		assert.Equal(t, "notice", plain(t, got), any(want))
	}
}

func TestTYP3_AFloodIsThinnedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := &air{}
		s := New(Options{Record: &desk{}, Relay: heard.relay})
		c := guest(s, "s1")
		start := time.Now()
		for time.Since(start) < 10*time.Second {
			s.Typing(t.Context(), c, object(`{"username":"u","typing":true}`), nil)
			s.Typing(t.Context(), c, object(`{"username":"u","typing":false}`), nil)
			time.Sleep(10 * time.Millisecond)
		}
		assert.Equal(t, "beginnings and ends in ten seconds", len(heard.notices), 20)
	})
}

func TestTYP3_TooEarlyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Record: &desk{}})
		c := guest(s, "s1")
		for _, step := range []struct {
			rest time.Duration
			want string
		}{{0, "ok"}, {999 * time.Millisecond, "rate_limited"}, {time.Millisecond, "ok"}, {0, "rate_limited"}, {time.Hour, "ok"}} {
			time.Sleep(step.rest)
			a := &acks{}
			s.Typing(t.Context(), c, object(`{"username":"u","typing":true}`), a.add)
			assert.Equal(t, "answer", a.code(t), step.want)
		}
	})
}

// announce sends a typing event of a client and returns how many notices the others get for it.
func (a *air) announce(t *testing.T, s *Service, c *Client, typing bool) int {
	t.Helper()
	before, answers := len(a.notices), &acks{}
	s.Typing(t.Context(), c, object(fmt.Sprintf(`{"username":"u","typing":%v}`, typing)), answers.add)
	assert.Equal(t, "answer", answers.code(t), "ok")
	return len(a.notices) - before
}

func TestTYP6_WhileManyTypeOthersHearOfSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := &air{}
		s := New(Options{Record: &desk{}, Relay: heard.relay})
		var all []*Client
		for i := range 1500 {
			all = append(all, guest(s, fmt.Sprint("s", i)))
		}
		say := func(clients []*Client, typing bool) (sum int) {
			for _, c := range clients {
				sum += heard.announce(t, s, c, typing)
			}
			return sum
		}
		const half = maxTypists / 2
		for range 3 {
			assert.Equal(t, "beginnings", say(all, true), maxTypists)
			time.Sleep(time.Second)
		}
		assert.Equal(t, "ends of those who were heard of", say(all[:half], false), half)
		assert.Equal(t, "a second end", say(all[:half], false), 0)
		assert.Equal(t, "ends of those who were not", say(all[maxTypists:maxTypists+half], false), 0)
		assert.Equal(t, "beginnings right after the ends", say(all[100:200], true), 0)
		time.Sleep(typingRest)
		assert.Equal(t, "beginnings in their places", say(all[200:300], true), half)
		assert.Equal(t, "the others kept theirs", say(all[half:maxTypists], false), half)
		time.Sleep(typingTTL)
		assert.Equal(t, "the end of somebody forgotten", say(all[200:201], false), 0)
		assert.Equal(t, "beginnings when all are forgotten", say(all[300:400], true), maxTypists)
		assert.Equal(t, "places", len(s.typists.places), maxTypists)
	})
}

func TestTYP5_AnEndFollowsItsBeginning(t *testing.T) {
	heard := &air{}
	s := New(Options{Record: &desk{}, Relay: heard.relay})
	c := guest(s, "s1")
	for _, typing := range []bool{true, false} {
		heard.announce(t, s, c, typing)
	}
	assert.Equal(t, "heard", heard.notices, []Typing{{"u", "s1", true}, {"u", "s1", false}})
}
