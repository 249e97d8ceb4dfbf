package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
)

// side is what the archive has on one side of a place, the nearest first.
type side struct {
	entries []Entry // up to one more than wanted
	wanted  int
	next    int       // the entry that is looked at next
	taken   []Message // for the answer
	open    bool      // the archive may have more than entries
	err     error     // of the archive
}

// reading is one of the methods of [Archive].
type reading func(ctx context.Context, offset string, n, enough int) ([]Entry, error)

// beside reads a side of a place. It asks the archive for one entry more than wanted.
func beside(ctx context.Context, read reading, offset string, wanted, enough int) *side {
	entries, err := read(ctx, offset, wanted+1, enough)
	size := 0
	for _, e := range entries {
		size += len(e.Args)
	}
	return &side{entries: entries, wanted: wanted, open: size > enough || err != nil, err: err}
}

// older is the side before an offset; empty: that of the newest messages.
func (s *Service) older(ctx context.Context, before string, wanted, enough int) *side {
	found := beside(ctx, s.archive.Before, before, wanted, enough)
	slices.Reverse(found.entries)
	return found
}

// past finds the answer to a history request. The two sides of a place share what one side has alone.
func (s *Service) past(ctx context.Context, place Place, limit int) (Past, *Error) {
	if s.archive == nil {
		return Past{}, unavailable("This server keeps no older messages.", nil)
	}
	older, newer := &side{}, &side{}
	switch {
	case place.After != "":
		older.open = true // what the offset names, or named
		newer = beside(ctx, s.archive.After, place.After, limit, maxHistoryJSON)
	case place.Around != "":
		older = s.older(ctx, place.Around, limit/2, maxHistoryJSON/2)
		newer = beside(ctx, s.archive.From, place.Around, limit-limit/2, maxHistoryJSON/2)
	default:
		older = s.older(ctx, place.Before, limit, maxHistoryJSON)
	}
	take(newer, older)
	past := answer(older, newer)
	if place.After != "" || place.Around != "" {
		more := newer.hasMore() && len(past.Messages) > 0
		past.Newer = &more
	}
	if err := errors.Join(older.err, newer.err); err != nil && len(past.Messages) == 0 {
		return Past{}, unavailable("Older messages cannot be loaded right now. Please try again.", err)
	}
	return past, nil
}

// answer joins the sides. Without a message there is no offset to continue from.
func answer(older, newer *side) Past {
	slices.Reverse(older.taken)
	messages := append(append([]Message{}, older.taken...), newer.taken...) // never nil
	return Past{Status: OutcomeOK, Messages: messages, More: older.hasMore() && len(messages) > 0}
}

// take takes messages from the sides in turn until an answer has no room for the next one. It takes at least one.
func take(sides ...*side) {
	size, some := 0, false
	for more := true; more; {
		more = false
		for _, s := range sides {
			m, ok := s.peek()
			if !ok {
				continue
			}
			if size += jsonSize(m); size > maxHistoryJSON && some {
				return
			}
			s.taken = append(s.taken, m)
			s.next++
			more, some = true, true
		}
	}
}

// peek is the next message of a side. It skips entries that are not messages.
func (s *side) peek() (m Message, ok bool) {
	for ; s.next < min(len(s.entries), s.wanted); s.next++ {
		if m, ok = Decode(s.entries[s.next]); ok {
			return m, true
		}
	}
	return m, false
}

// hasMore reports whether a side may have more than was taken.
func (s *side) hasMore() bool { return s.next < len(s.entries) || s.open }

// jsonSize is the size of m in an answer. The encoder of the answer escapes more than this package does.
func jsonSize(m Message) int {
	text, err := json.Marshal(m)
	if err != nil { // strings and numbers always encode
		return maxHistoryJSON
	}
	return len(text) + len(",")
}

// Decode reads a stored event. It reports false if the event is not a message of this package. It keeps nothing of e.
func Decode(e Entry) (Message, bool) {
	if !bytes.HasPrefix(e.Args, []byte(beforeText)) {
		return Message{}, false
	}
	text := bytes.Replace(e.Args, []byte{TimeMark}, []byte("0"), 1)
	var m Message
	if err := json.Unmarshal(text, &[2]any{nil, &m}); err != nil {
		return Message{}, false
	}
	m.At, m.Offset = e.At, e.Offset
	return m, true
}
