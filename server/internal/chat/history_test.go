package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/test/assert"
)

func entry(m Message) Entry {
	return Entry{Offset: m.Offset, At: m.At, Args: encode(messageOf(m))}
}

// room fills an archive with n messages of the given text.
func room(n int, text string) *desk {
	d := &desk{}
	for i := range n {
		d.entries = append(d.entries, entry(Message{Message: text, Username: "u", ID: fmt.Sprint(i), From: "a", At: int64(i), Offset: fmt.Sprintf("%013d-0", i)}))
	}
	return d
}

func ask(t *testing.T, d *desk, request string) any {
	t.Helper()
	a := &acks{}
	s := New(Options{Record: d, Archive: d})
	s.History(t.Context(), guest(s, "s1"), object(request), a.add)
	return a.one(t)
}

func TestHIS_GoldenHistory(t *testing.T) {
	golden := load[struct {
		Event   string
		Archive []Message
		Cases   []struct {
			Spec, Name string
			Args       []any
			Ack        map[string]any
		}
	}](t, "client-history.json")
	assert.Equal(t, "event", golden.Event, EventHistory)
	d := &desk{}
	for _, m := range golden.Archive {
		d.entries = append(d.entries, entry(m))
	}
	for _, c := range golden.Cases {
		t.Run(c.Spec+" "+c.Name, func(t *testing.T) {
			a := &acks{}
			s := New(Options{Record: d, Archive: d})
			s.History(t.Context(), guest(s, "s1"), c.Args, a.add)
			if c.Ack["status"] == "error" {
				checkRefusal(t, a.one(t), c.Ack)
				return
			}
			assert.Equal(t, "answer", plain(t, a.one(t)), any(c.Ack))
		})
	}
}

func TestHIS4_AnAnswerIsBoundedInMessages(t *testing.T) {
	past := ask(t, room(250, "m"), `{"limit":100000}`).(Past)
	assert.Equal(t, "messages", len(past.Messages), 100)
	assert.Equal(t, "more", past.More, true)
	assert.Equal(t, "newest", past.Messages[99].ID, "249")
}

func TestHIS4_AnAnswerIsBoundedInBytes(t *testing.T) {
	for name, text := range map[string]string{
		"plain": strings.Repeat("x", 4000), "markup": strings.Repeat("<", 4000), "control": strings.Repeat("\x01", 4000),
	} {
		t.Run(name, func(t *testing.T) {
			past := ask(t, room(100, text), `{}`).(Past)
			wire, err := json.Marshal(past.Messages)
			assert.Equal(t, "error", err, nil)
			if len(wire) > 48*1024+2 || len(past.Messages) < 1 {
				t.Errorf("%d messages in %d bytes", len(past.Messages), len(wire))
			}
			assert.Equal(t, "more", past.More, true)
		})
	}
}

func TestHIS4_AtLeastOneMessage(t *testing.T) {
	past := ask(t, room(3, strings.Repeat("x", 100_000)), `{}`).(Past)
	assert.Equal(t, "messages", len(past.Messages), 1)
	assert.Equal(t, "more", past.More, true)
}

func TestHIS_PagesJoinWithoutGapOrOverlap(t *testing.T) {
	d := room(137, strings.Repeat("<", 300))
	var ids []string
	before := ""
	for pages := 0; ; pages++ {
		past := ask(t, d, fmt.Sprintf(`{"before":%s,"limit":30}`, map[bool]string{true: "null", false: `"` + before + `"`}[before == ""])).(Past)
		for i := range past.Messages {
			ids = append(ids, past.Messages[len(past.Messages)-1-i].ID)
		}
		if !past.More || pages > 137 {
			break
		}
		before = past.Messages[0].Offset
	}
	assert.Equal(t, "messages", len(ids), 137)
	for i, id := range ids {
		assert.Equal(t, "newest first", id, fmt.Sprint(136-i))
	}
}

// offsetOf is the offset of a message of [room].
func offsetOf(n int) string { return fmt.Sprintf("%013d-0", n) }

func TestHIS9_PagesForwardsJoinWithoutGapOrOverlap(t *testing.T) {
	d := room(137, strings.Repeat("<", 300))
	var ids []string
	for after, newer := "0-0", true; newer && len(ids) < 1000; {
		past := ask(t, d, fmt.Sprintf(`{"after":%q,"limit":30}`, after)).(Past)
		for _, m := range past.Messages {
			ids = append(ids, m.ID)
			after = m.Offset
		}
		newer = *past.Newer
	}
	assert.Equal(t, "messages", len(ids), 137)
	for i, id := range ids {
		assert.Equal(t, "oldest first", id, fmt.Sprint(i))
	}
}

func TestHIS10_AroundIsHalfAndHalf(t *testing.T) {
	d := room(250, "m")
	for _, c := range []struct {
		at, limit      int
		oldest, newest string
		more, newer    bool
	}{
		{125, 100, "75", "174", true, true},
		{125, 5, "123", "127", true, true},
		{125, 1, "125", "125", true, true},
		{125, 2, "124", "125", true, true},
		{3, 100, "0", "52", false, true},
		{249, 10, "244", "249", true, false},
		{1000, 10, "245", "249", true, false},
	} {
		past := ask(t, d, fmt.Sprintf(`{"around":%q,"limit":%d}`, offsetOf(c.at), c.limit)).(Past)
		all := past.Messages
		got := []any{all[0].ID, all[len(all)-1].ID, past.More, *past.Newer}
		assert.Equal(t, fmt.Sprintf("%d of %d", c.limit, c.at), got, []any{c.oldest, c.newest, c.more, c.newer})
	}
}

func TestHIS11_OnlyAnswersThatLookForwardSayWhatIsNewer(t *testing.T) {
	for request, newer := range map[string]bool{
		`{}`: false,
		fmt.Sprintf(`{"before":%q}`, offsetOf(5)): false,
		fmt.Sprintf(`{"after":%q}`, offsetOf(5)):  true,
		fmt.Sprintf(`{"around":%q}`, offsetOf(5)): true,
	} {
		_, has := plain(t, ask(t, room(9, "m"), request)).(map[string]any)["newer"]
		assert.Equal(t, request, has, newer)
	}
}

func TestHIS10_TheNearestComeFirstWhenBytesRunOut(t *testing.T) {
	past := ask(t, room(100, strings.Repeat("x", 4000)), fmt.Sprintf(`{"around":%q}`, offsetOf(50))).(Past)
	wire, err := json.Marshal(past.Messages)
	assert.Equal(t, "error", err, nil)
	if len(wire) > 48*1024+2 {
		t.Errorf("%d messages in %d bytes", len(past.Messages), len(wire))
	}
	at := slices.IndexFunc(past.Messages, func(m Message) bool { return m.ID == "50" })
	if before, after := at, len(past.Messages)-1-at; before < 5 || after < 5 || before-after > 1 || after-before > 1 {
		t.Errorf("%d before and %d after", before, after)
	}
	assert.Equal(t, "more on both sides", []bool{past.More, *past.Newer}, []bool{true, true})
	one := ask(t, room(3, strings.Repeat("x", 100_000)), fmt.Sprintf(`{"around":%q}`, offsetOf(1))).(Past)
	assert.Equal(t, "messages", len(one.Messages), 1)
	assert.Equal(t, "the one that was asked for", one.Messages[0].ID, "1")
}

func TestHIS_ForeignEntriesAreSkipped(t *testing.T) {
	d := room(2, "m")
	d.entries = append(d.entries, Entry{Offset: "9", Args: nil}, Entry{Offset: "91", Args: []byte(`["other",1]`)},
		Entry{Offset: "92", Args: []byte(beforeText + `broken`)})
	past := ask(t, d, `{}`).(Past)
	assert.Equal(t, "messages", len(past.Messages), 2)
	assert.Equal(t, "more", past.More, false)
	assert.Equal(t, "entries unchanged", bytes.Count(d.entries[0].Args, []byte{TimeMark}), 1)
}

func TestHIS5_TooManyRequestsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := room(1, "m")
		s := New(Options{Record: d, Archive: d})
		c := guest(s, "s1")
		count := func() (ok, refused int) {
			for range 20 {
				a := &acks{}
				s.History(t.Context(), c, object(`{}`), a.add)
				switch code := a.code(t); code {
				case "ok":
					ok++
				case "rate_limited":
					refused++
				default:
					t.Fatal(code)
				}
			}
			return ok, refused
		}
		ok, refused := count()
		assert.Equal(t, "at once", []int{ok, refused}, []int{10, 10})
		time.Sleep(time.Second)
		ok, refused = count()
		assert.Equal(t, "a second later", []int{ok, refused}, []int{2, 18})
	})
}

func TestHIS6_ArchiveAway(t *testing.T) {
	d := &desk{fail: errors.New("dial 10.0.0.1: refused")}
	refusal := ask(t, d, `{}`).(Refusal)
	assert.Equal(t, "code", refusal.Code, Unavailable)
	assert.Equal(t, "asked for one more", d.asked, 101)

	a := &acks{}
	s := New(Options{Record: d})
	s.History(t.Context(), guest(s, "s1"), object(`{}`), a.add)
	assert.Equal(t, "code without archive", a.code(t), "unavailable")
	s.History(t.Context(), guest(s, "s1"), object(`{}`), nil) // a client that wants no answer gets none
}

// slowArchive answers when its context ends.
type slowArchive struct{ Archive }

func (slowArchive) Before(ctx context.Context, _ string, _, _ int) ([]Entry, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestHIS6_ASlowArchiveIsNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &acks{}
		s := New(Options{Record: &desk{}, Archive: slowArchive{}})
		took := elapsed(func() {
			s.History(t.Context(), guest(s, "s1"), object(`{}`), a.add)
		})
		assert.Equal(t, "took", took, 5*time.Second)
		assert.Equal(t, "code", a.code(t), "unavailable")
	})
}

func TestCON3_GoldenWantedHistory(t *testing.T) {
	golden := load[struct {
		HistoryMax int
		Cases      []struct {
			Spec, Name string
			Auth       map[string]any
			History    int
		}
	}](t, "handshake.json")
	for _, c := range golden.Cases {
		assert.Equal(t, c.Spec+" "+c.Name, WantedHistory(c.Auth, golden.HistoryMax), c.History)
	}
}

// torn is an archive that returns some entries and an error.
type torn struct{ *desk }

func (a torn) Before(ctx context.Context, before string, n, enough int) ([]Entry, error) {
	entries, _ := a.desk.Before(ctx, before, n, enough)
	return entries, errors.New("dial 10.0.0.1: refused")
}

func (a torn) From(ctx context.Context, from string, n, enough int) ([]Entry, error) {
	entries, _ := a.desk.From(ctx, from, n, enough)
	return entries, errors.New("dial 10.0.0.1: refused")
}

func TestHIS7_APartialAnswerSaysThatThereMayBeMore(t *testing.T) {
	a := &acks{}
	s := New(Options{Record: &desk{}, Archive: torn{room(3, "m")}})
	s.History(t.Context(), guest(s, "s1"), object(`{}`), a.add)
	past := a.one(t).(Past)
	assert.Equal(t, "messages", len(past.Messages), 3)
	assert.Equal(t, "more", past.More, true)
	b := &acks{}
	s.History(t.Context(), guest(s, "s2"), object(`{"around":"`+offsetOf(1)+`"}`), b.add)
	past = b.one(t).(Past)
	assert.Equal(t, "there may be more on both sides", []any{len(past.Messages), past.More, *past.Newer}, []any{3, true, true})
}

func TestHIS8_AnArchiveMayStopWhenItHasEnough(t *testing.T) {
	// Each control character takes six bytes in the record and two in the answer, so HistoryBytes do not fill this answer.
	past := ask(t, room(3, strings.Repeat("\b", 3000)), `{}`).(Past)
	assert.Equal(t, "messages", len(past.Messages), 3)
	assert.Equal(t, "more", past.More, true)
}

func TestHIS7_EntriesMayComeAsClientsGotThem(t *testing.T) {
	d := &desk{entries: []Entry{{
		Offset: "1700000000000-0", At: 1700000000000,
		Args: []byte(`["message",{"message":"m","username":"u","id":"i","at":1700000000000},"1700000000000-0"]`),
	}}}
	past := ask(t, d, `{}`).(Past)
	assert.Equal(t, "messages", past.Messages, []Message{{Message: "m", Username: "u", ID: "i", At: 1700000000000, Offset: "1700000000000-0"}})
}
