package chaos

import (
	"slices"
	"strings"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/siotest"
)

// said is a record with a genesis and these messages, one each millisecond from 1 on.
func said(ids ...string) []entry {
	order := []entry{{at: stream.Offset{Ms: 1}, prev: "0-0"}}
	for i, id := range ids {
		sender, _, _ := strings.Cut(id, "-")
		order = append(order, entry{
			at: stream.Offset{Ms: uint64(i) + 2}, prev: order[i].at.String(), id: id, sender: sender, from: "~" + sender, text: textOf(id),
		})
	}
	return order
}

func heard(order []entry) (messages []siotest.Message) {
	for _, e := range order {
		if !e.genesis() {
			messages = append(messages, siotest.Message{
				Offset: e.at.String(), Message: e.text, Username: e.sender, ID: e.id, From: e.from, At: int64(e.at.Ms),
			})
		}
	}
	return messages
}

// wantFault checks that there is exactly one fault, with these words, or none.
func wantFault(t *testing.T, faults []string, words string) {
	t.Helper()
	if words == "" && len(faults) > 0 || words != "" && (len(faults) != 1 || !strings.Contains(faults[0], words)) {
		t.Errorf("want a fault with %q, got %q", words, faults)
	}
}

// TestTheCheckOfAClientFinds: the check notices every kind of fault.
func TestTheCheckOfAClientFinds(t *testing.T) {
	order := said("s-0", "s-1", "s-2", "s-3")
	all := heard(order)
	altered := slices.Clone(all)
	altered[1].Message = "another text"
	stolen := all[1]
	stolen.From = "~x"
	segment := func(joined string, messages ...siotest.Message) siotest.Segment {
		return siotest.Segment{Joined: joined, Messages: messages}
	}
	for _, c := range []struct {
		name, fault string
		segments    []siotest.Segment
	}{
		{"nothing wrong", "", []siotest.Segment{segment("1-0", all...)}},
		{"nothing wrong with who came later", "", []siotest.Segment{segment("3-0", all[2:]...)}},
		{"nothing wrong with two whole segments", "", []siotest.Segment{segment("1-0", all[:2]...), segment("5-0")}},
		{"nothing wrong with who was cut off at once", "", []siotest.Segment{segment(""), segment("4-0", all[3])}},
		{"a gap", "message 1 behind 1-0", []siotest.Segment{segment("1-0", all[0], all[2], all[3])}},
		{"a gap behind the joining offset", "message 0 behind 1-0", []siotest.Segment{segment("1-0", all[1:]...)}},
		{"a gap in a segment that ended", "message 1 behind 1-0", []siotest.Segment{segment("1-0", all[0], all[2]), segment("5-0")}},
		{"a duplicate", "message 1 behind 1-0", []siotest.Segment{segment("1-0", all[0], all[0], all[1], all[2], all[3])}},
		{"a duplicate at the end", "behind the end", []siotest.Segment{segment("1-0", append(slices.Clone(all), all[3])...)}},
		{"disorder", "message 0 behind 1-0", []siotest.Segment{segment("1-0", all[1], all[0], all[2], all[3])}},
		{"another text", "message 1 behind 1-0", []siotest.Segment{segment("1-0", altered...)}},
		{"another author", "message 1 behind 1-0", []siotest.Segment{segment("1-0", all[0], stolen)}},
		{"a missing end", "1 messages early", []siotest.Segment{segment("1-0", all[:3]...)}},
		{"an offset of another stream", "never was in the stream", []siotest.Segment{segment("9-9", all...)}},
		{"messages out of nowhere", "without a joining offset", []siotest.Segment{segment("", all...)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFault(t, newTimelines(order).checkClient(siotest.Report{Segments: c.segments}, true), c.fault)
		})
	}
}

func TestTheCheckOfASenderFinds(t *testing.T) {
	acked := utterance{acked: true}
	again := utterance{acked: true, repeated: true}
	for _, c := range []struct {
		name, fault string
		order       []entry
		said        []utterance
	}{
		{"nothing wrong", "", said("s-0", "o-7", "s-1", "s-2"), []utterance{acked, acked, acked}},
		{"nothing wrong with an order that repeats made", "", said("s-1", "s-0"), []utterance{again, acked}},
		{"a loss", "P4: s-1 was acked and is not stored", said("s-0"), []utterance{acked, acked}},
		{"a duplicate", "P4: s-0 is stored twice", said("s-0", "s-1", "s-0"), []utterance{again, acked}},
		{"disorder", "P2: s-0 was stored behind s-1", said("s-1", "s-0"), []utterance{acked, acked}},
		{"something that was not said", "never said", said("s-0", "s-1"), []utterance{acked}},
		{"a message without an end", "never acked", said("s-0", "s-1"), []utterance{acked, {}}},
	} {
		t.Run(c.name, func(t *testing.T) { wantFault(t, checkSender(c.order, &sender{name: "s", said: c.said}), c.fault) })
	}
}

func TestTheCheckOfAuthorsFinds(t *testing.T) {
	wantFault(t, checkAuthors(said("s-0", "o-0", "s-1", "vx1-0", "vx2-0")), "")
	for from, words := range map[string]string{"": "s-1 is from \"\"", "~y": "s-1 is from \"~y\"", "~o": "who is o"} {
		order := said("s-0", "o-0", "s-1")
		order[3].from = from
		wantFault(t, checkAuthors(order), words)
	}
}

func TestTheCheckOfLinksFinds(t *testing.T) {
	order := said("s-0", "s-1", "s-2")
	wantFault(t, checkLinks(order), "")
	wantFault(t, checkLinks(slices.Delete(slices.Clone(order), 2, 3)), "says that 3-0 comes before it, it is 2-0")
}
