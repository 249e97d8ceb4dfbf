package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// The bounds of one answer.
const (
	// HistoryMessages is how many messages an answer has at most.
	HistoryMessages = 100
	maxHistoryJSON  = 48 * 1024 // bytes, so that it fits the queue of private frames
)

// HistoryBytes is the number of bytes of events that suffices for any answer to a history request.
const HistoryBytes = maxHistoryJSON

// Past is the answer to a history request.
type Past struct {
	Status   string    `json:"status"`   // always "ok"
	Messages []Message `json:"messages"` // oldest first, never null
	More     bool      `json:"more"`     // whether there may be older ones
}

// Message is a message as a history answer carries it.
type Message struct {
	Message  string `json:"message"`
	Username string `json:"username"`
	ID       string `json:"id"`
	From     string `json:"from,omitempty"`     // the id of the author; messages of version 0.1 have none
	Verified bool   `json:"verified,omitempty"` // the username comes from a token
	At       int64  `json:"at"`                 // milliseconds since the epoch
	Offset   string `json:"offset"`             // the client sends it as before to get older messages
}

// History handles the event [EventHistory]: { before?: offset, limit?: number }. It blocks for pacing and at most five
// seconds for the archive. Before it returns it calls ack, if that is not nil, once with a [Past] or a [Refusal]. An
// answer holds at most 100 messages and 48 KiB of them, but at least one message if there is one.
func (s *Service) History(ctx context.Context, c *Client, args []any, ack func(any)) {
	before, limit, bad := readHistory(args)
	s.ask(ctx, c, request{EventHistory, bad, func(ctx context.Context) (any, *Error) { return s.past(ctx, before, limit) }}, ack)
}

// Read returns the newest messages that are older than an offset (empty: the newest of all), at most limit, at most
// [HistoryMessages], oldest first. It blocks at most five seconds. It is [Invalid] if before cannot be an offset or if limit is
// less than one.
func (s *Service) Read(ctx context.Context, before string, limit int) (Past, *Error) {
	if bad := checkHistory(before, limit); bad != nil {
		return Past{}, bad
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return s.past(ctx, before, min(limit, HistoryMessages))
}

func (s *Service) past(ctx context.Context, before string, limit int) (Past, *Error) {
	if s.archive == nil {
		return Past{}, unavailable("This server keeps no older messages.", nil)
	}
	entries, err := s.archive.Before(ctx, before, limit+1)
	past := answer(entries, limit)
	switch {
	case err == nil:
	case len(past.Messages) == 0:
		return Past{}, unavailable("Older messages cannot be loaded right now. Please try again.", err)
	default:
		past.More = true // the error may hide older ones
	}
	return past, nil
}

// readHistory checks the arguments of a history request.
func readHistory(args []any) (before string, limit int, bad *Error) {
	fields, bad := first(args)
	if bad != nil {
		return "", 0, bad
	}
	ok := true
	if value := fields["before"]; value != nil {
		if before, ok = value.(string); !ok || before == "" {
			return "", 0, errBefore
		}
	}
	limit = HistoryMessages
	if value := fields["limit"]; value != nil {
		if limit, ok = whole(value); !ok {
			return "", 0, errLimit
		}
	}
	return before, min(limit, HistoryMessages), checkHistory(before, limit)
}

var (
	errBefore = invalid("before must be the offset of a message.")
	errLimit  = invalid("limit must be a whole number from 1 to %d.", HistoryMessages)
)

func checkHistory(before string, limit int) *Error {
	switch {
	case before != "" && !isOffset(before):
		return errBefore
	case limit < 1:
		return errLimit
	}
	return nil
}

// isOffset reports whether s looks like <ms>-<seq>.
func isOffset(s string) bool {
	ms, seq, ok := strings.Cut(s, "-")
	return ok && len(s) <= 41 && isNumber(ms) && isNumber(seq)
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}

// answer takes the newest messages that fit, oldest first. entries holds up to one more than limit, which shows whether
// there are more.
func answer(entries []Entry, limit int) Past {
	past := Past{Status: OutcomeOK, Messages: []Message{}}
	next, size := len(entries)-1, 0
	for ; next >= 0 && len(entries)-1-next < limit; next-- {
		m, ok := decode(entries[next])
		if !ok {
			continue
		}
		size += jsonSize(m)
		if size > maxHistoryJSON && len(past.Messages) > 0 {
			break
		}
		past.Messages = append(past.Messages, m)
	}
	slices.Reverse(past.Messages)
	more := next >= 0 || len(entries) <= limit && isCut(entries)
	past.More = more && len(past.Messages) > 0 // without a message there is no offset to continue from
	return past
}

// isCut reports whether the archive may have stopped early because these entries reach [HistoryBytes].
func isCut(entries []Entry) bool {
	size := 0
	for _, e := range entries {
		size += len(e.Args)
	}
	return size > HistoryBytes
}

// jsonSize is the size of m in an answer. The encoder of the answer escapes more than this package does.
func jsonSize(m Message) int {
	text, err := json.Marshal(m)
	if err != nil { // strings and numbers always encode
		return maxHistoryJSON
	}
	return len(text) + len(",")
}

// decode reads a stored event. It reports false if the event is not a message of this package.
func decode(e Entry) (Message, bool) {
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

// WantedHistory returns how many past messages the auth of a handshake asks for, at most limit. It is 0 unless the auth
// holds a positive integer.
func WantedHistory(auth map[string]any, limit int) int {
	n, ok := whole(auth["history"])
	if !ok || n < 0 {
		return 0
	}
	return min(n, limit)
}
