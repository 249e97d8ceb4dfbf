package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"scalable-chat/server/internal/stream"
)

// entry is one record of the stream.
type entry struct {
	at     stream.Offset
	prev   string
	id     string // of the message; empty for a genesis
	sender string
	from   string // the author's id
	text   string
	// era counts how often Redis had forgotten everything, deduplication included, when the entry was stored.
	era int
}

func (e entry) genesis() bool { return e.id == "" }

// past is the common order: every entry that was ever in the stream, also those trimmed since.
type past struct {
	entries map[stream.Offset]entry
	era     int
}

func newPast() *past { return &past{entries: map[stream.Offset]entry{}} }

// keep takes what redis-cli --json printed of XRANGE.
func (p *past) keep(printed string) error {
	var rows [][2]json.RawMessage // offset, fields
	if err := json.Unmarshal([]byte(printed), &rows); err != nil {
		return fmt.Errorf("XRANGE printed %.200q: %w", printed, err)
	}
	for _, row := range rows {
		e, err := readEntry(row)
		if err != nil {
			return fmt.Errorf("entry %s: %w", row, err)
		}
		if _, known := p.entries[e.at]; !known {
			e.era = p.era
			p.entries[e.at] = e
		}
	}
	return nil
}

// keepGenesis takes the first offset of a room that has no message yet, or nothing.
func (p *past) keepGenesis(printed string) error {
	text := strings.Trim(strings.TrimSpace(printed), `"`)
	if text == "" {
		return nil
	}
	at, err := stream.ParseOffset(text)
	if _, known := p.entries[at]; err == nil && !known {
		p.entries[at] = entry{at: at, prev: "0-0", era: p.era}
	}
	return err
}

func readEntry(row [2]json.RawMessage) (e entry, err error) {
	var offset string
	var fields []string
	if err = errors.Join(json.Unmarshal(row[0], &offset), json.Unmarshal(row[1], &fields)); err != nil {
		return e, err
	}
	if e.at, err = stream.ParseOffset(offset); err != nil {
		return e, err
	}
	for i := 0; i+1 < len(fields); i += 2 {
		switch fields[i] {
		case "prev":
			e.prev = fields[i+1]
		case "event":
			// The mark of the time stamp is not JSON.
			err = e.readEvent(strings.ReplaceAll(fields[i+1], "\x00", "0"))
		default:
			err = errors.New("unknown field")
		}
	}
	return e, err
}

func (e *entry) readEvent(event string) error {
	var args []json.RawMessage
	var m struct{ ID, Username, From, Message string }
	err := json.Unmarshal([]byte(event), &args)
	if err == nil && len(args) == 2 {
		err = json.Unmarshal(args[1], &m)
	}
	if err == nil && m.ID == "" {
		err = errors.New("no message")
	}
	e.id, e.sender, e.from, e.text = m.ID, m.Username, m.From, m.Message
	return err
}

// order returns every entry, oldest first.
func (p *past) order() []entry {
	return slices.SortedFunc(maps.Values(p.entries), func(a, b entry) int { return a.at.Compare(b.at) })
}

// checkLinks finds entries that do not name the one before them.
func checkLinks(order []entry) (faults []string) {
	for i, e := range order {
		want := "0-0"
		if i > 0 && !e.genesis() {
			want = order[i-1].at.String()
		}
		if e.prev != want {
			faults = append(faults, fmt.Sprintf("stream: %s says that %s comes before it, it is %s", e.at, e.prev, want))
		}
	}
	return faults
}

// checkAuthors finds messages that are not from their sender: each has one id for as long as it lives, over all reconnects,
// and nobody else has it. A visitor of rooms sends in each visit under a name that begins with its own and an x.
func checkAuthors(order []entry) (faults []string) {
	ids, people := map[string]string{}, map[string]string{}
	for _, e := range order {
		if e.genesis() {
			continue
		}
		person, _, _ := strings.Cut(e.sender, "x")
		if ids[e.sender] == "" {
			ids[e.sender] = e.from
		}
		if people[e.from] == "" {
			people[e.from] = person
		}
		if e.from == "" || ids[e.sender] != e.from || people[e.from] != person {
			faults = append(faults, fmt.Sprintf("P11: %s is from %q, who is %s; %s is %q", e.id, e.from, people[e.from], e.sender, ids[e.sender]))
		}
	}
	return faults
}

// checkSender compares the record with what one sender knows: each message once, each acked message present, and those
// that were sent once in the order of sending.
func checkSender(order []entry, s *sender) (faults []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults = append(faults, s.errors...)
	type place struct{ n, era int }
	seen := map[place]bool{}
	stored := map[int]bool{}
	newest := -1 // sent once
	for _, e := range order {
		var n int
		if e.sender != s.name {
			continue
		}
		if _, err := fmt.Sscanf(e.id, s.name+"-%d", &n); err != nil || n >= len(s.said) || e.text != textOf(e.id) {
			faults = append(faults, fmt.Sprintf("%s never said what is at %s: %s %.80q", s.name, e.at, e.id, e.text))
			continue
		}
		if at := (place{n, e.era}); seen[at] {
			faults = append(faults, fmt.Sprintf("P4: %s is stored twice, again at %s", e.id, e.at))
		} else {
			seen[at], stored[n] = true, true
		}
		if !s.said[n].repeated {
			if n < newest {
				faults = append(faults, fmt.Sprintf("P2: %s was stored behind %s", e.id, messageID(s.name, newest)))
			}
			newest = max(newest, n)
		}
	}
	for n, u := range s.said {
		if u.acked && !stored[n] {
			faults = append(faults, fmt.Sprintf("P4: %s was acked and is not stored", messageID(s.name, n)))
		}
		if !u.acked {
			faults = append(faults, fmt.Sprintf("%s was never acked", messageID(s.name, n)))
		}
	}
	return faults
}
