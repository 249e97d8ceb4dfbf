package chat

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"scalable-chat/server/internal/test/assert"
)

// FuzzEvents sends arbitrary JSON arguments to every handler. Each handler answers exactly once with a known code, and
// stores or relays only what the rules allow.
func FuzzEvents(f *testing.F) {
	for _, file := range []string{"client-message.json", "client-history.json", "client-typing.json", "client-token.json"} {
		golden := load[struct {
			Cases []struct{ Args json.RawMessage }
		}](f, file)
		for _, c := range golden.Cases {
			f.Add([]byte(c.Args))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var args []any
		if json.Unmarshal(text, &args) != nil {
			return
		}
		d, heard := room(3, "m"), &air{}
		s := New(Options{Limits: Limits{MaxMessageChars: 20}, Record: d, Archive: d, Relay: heard.relay})
		c := guest(s, "s1")
		var answers [4]acks
		s.Message(t.Context(), c, args, answers[0].add)
		s.History(t.Context(), c, args, answers[1].add)
		s.Typing(t.Context(), c, args, answers[2].add)
		s.Token(t.Context(), c, args, answers[3].add)
		for i := range answers {
			if code := answers[i].code(t); !slices.Contains(Outcomes(), code) {
				t.Errorf("unknown code %q", code)
			}
		}
		assert.Equal(t, "published", len(d.queue) == 1, answers[0].code(t) == OutcomeOK)
		for _, p := range d.queue {
			checkRules(t, p.event(t, 1))
		}
		for _, n := range heard.notices {
			checkName(t, n.Username)
		}
	})
}

func checkRules(t *testing.T, event map[string]any) {
	assert.Equal(t, "fields", len(event), 5)
	assert.Equal(t, "from", event["from"], any("~s1"))
	text := event["message"].(string)
	if utf8.RuneCountInString(text) > 20 || blank(text) {
		t.Errorf("message %q", text)
	}
	checkName(t, event["username"].(string))
	if id := event["id"].(string); id == "" || len(id) > 128 {
		t.Errorf("id %q", id)
	}
}

func checkName(t *testing.T, name string) {
	if name == "" || utf8.RuneCountInString(name) > 64 || strings.ContainsFunc(name, unicode.IsControl) || strings.TrimSpace(name) != name || visibleName(name) != name {
		t.Errorf("username %q", name)
	}
}
