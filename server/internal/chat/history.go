package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How much history one connection may request. Excess requests are refused, not delayed, so that a flood does not keep
// the archive busy.
const (
	maxHistory     = 100       // messages in one answer
	maxHistoryJSON = 48 * 1024 // bytes of one answer, so that it fits the queue of private frames
	historyRate    = 2         // requests per second
	historyBurst   = 10
	historyTimeout = 5 * time.Second
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
	At       int64  `json:"at"`     // milliseconds since the epoch
	Offset   string `json:"offset"` // the client sends it as before to get older messages
}

// History handles the event [EventHistory]: { before?: offset, limit?: number }. It blocks for pacing and at most five
// seconds for the archive. Before it returns it calls ack, if that is not nil, once with a [Past] or a [Refusal]. An
// answer holds at most 100 messages and 48 KiB of them, but at least one message if there is one.
func (s *Service) History(ctx context.Context, c *Client, args []any, ack func(any)) {
	past, err := Past{}, s.pace(ctx, c)
	if err == nil {
		past, err = s.past(ctx, c, args, ack != nil)
	}
	if err != nil {
		s.refuse(c, EventHistory, err, ack)
		return
	}
	s.handled(c, EventHistory, nil)
	ack(past)
}

func (s *Service) past(ctx context.Context, c *Client, args []any, wanted bool) (Past, *Error) {
	before, limit, bad := readHistory(args)
	switch {
	case bad != nil:
		return Past{}, bad
	case !wanted:
		return Past{}, invalid("A request for history needs a callback.")
	case !c.conn.request():
		return Past{}, &Error{Code: RateLimited, Message: "Older messages were asked for too often. Please wait a moment."}
	case s.archive == nil:
		return Past{}, unavailable("This server keeps no older messages.", nil)
	}
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
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
	object, bad := first(args)
	if bad != nil {
		return "", 0, bad
	}
	if value := object["before"]; value != nil {
		var ok bool
		if before, ok = value.(string); !ok || !isOffset(before) {
			return "", 0, invalid("before must be the offset of a message.")
		}
	}
	limit = maxHistory
	if value := object["limit"]; value != nil {
		n, ok := whole(value)
		if !ok || n < 1 {
			return "", 0, invalid("limit must be a whole number from 1 to %d.", maxHistory)
		}
		limit = min(n, maxHistory)
	}
	return before, limit, nil
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
