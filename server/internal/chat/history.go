package chat

import (
	"context"
	"strconv"
	"strings"
)

// The bounds of one answer.
const (
	// HistoryMessages is how many messages an answer has at most.
	HistoryMessages = 100
	maxHistoryJSON  = 48 * 1024 // bytes, so that it fits the queue of private frames
)

// Place says which part of the past is wanted. At most one of the offsets is set; none: the newest messages.
type Place struct {
	Before string // the newest messages that are older
	After  string // the oldest messages that are newer
	Around string // the message there, if it exists, and about as many older as newer ones
}

// Past is the answer to a history request.
type Past struct {
	Status   string    `json:"status"`          // always "ok"
	Messages []Message `json:"messages"`        // oldest first, never null
	More     bool      `json:"more"`            // whether there may be older ones
	Newer    *bool     `json:"newer,omitempty"` // whether there may be newer ones; nil unless the place was After or Around
}

// Message is a message as a history answer carries it.
type Message struct {
	Message  string `json:"message"`
	Username string `json:"username"`
	ID       string `json:"id"`
	From     string `json:"from,omitempty"`     // the id of the author; messages of version 0.1 have none
	Verified bool   `json:"verified,omitempty"` // the username comes from a token
	At       int64  `json:"at"`                 // milliseconds since the epoch
	Offset   string `json:"offset"`             // the place of the message, where a client asks on
}

// History handles the event [EventHistory]: { before?, after?, around?: offset, limit?: number }. It blocks for pacing and at
// most five seconds for the archive. Before it returns it calls ack, if that is not nil, once with a [Past] or a [Refusal].
// An answer holds at most 100 messages and 48 KiB of them, but at least one message if there is one.
func (s *Service) History(ctx context.Context, c *Client, args []any, ack func(any)) {
	place, limit, bad := readHistory(args)
	s.ask(ctx, c, request{EventHistory, bad, func(ctx context.Context) (any, *Error) { return s.past(ctx, place, limit) }}, ack)
}

// Read returns the messages at a place, at most limit, at most [HistoryMessages], oldest first. It blocks at most five seconds.
// It is [Invalid] if the place cannot exist or if limit is less than one.
func (s *Service) Read(ctx context.Context, place Place, limit int) (Past, *Error) {
	if bad := checkHistory(place, limit); bad != nil {
		return Past{}, bad
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return s.past(ctx, place, min(limit, HistoryMessages))
}

// readHistory checks the arguments of a history request.
func readHistory(args []any) (place Place, limit int, bad *Error) {
	fields, bad := first(args)
	if bad != nil {
		return place, 0, bad
	}
	for name, offset := range place.fields() {
		value, ok := fields[name].(string)
		if fields[name] != nil && (!ok || value == "") {
			return place, 0, errOffset(name)
		}
		*offset = value
	}
	limit = HistoryMessages
	if value := fields["limit"]; value != nil {
		var ok bool
		if limit, ok = whole(value); !ok {
			return place, 0, errLimit
		}
	}
	return place, min(limit, HistoryMessages), checkHistory(place, limit)
}

func (p *Place) fields() map[string]*string {
	return map[string]*string{"before": &p.Before, "after": &p.After, "around": &p.Around}
}

func errOffset(name string) *Error { return invalid("%s must be the offset of a message.", name) }

var (
	errPlaces = invalid("Only one of before, after and around may be there.")
	errLimit  = invalid("limit must be a whole number from 1 to %d.", HistoryMessages)
)

func checkHistory(place Place, limit int) *Error {
	places := 0
	for name, offset := range place.fields() {
		if *offset == "" {
			continue
		}
		if !isOffset(*offset) {
			return errOffset(name)
		}
		places++
	}
	switch {
	case places > 1:
		return errPlaces
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

// WantedHistory returns how many past messages the auth of a handshake asks for, at most limit. It is 0 unless the auth
// holds a positive integer.
func WantedHistory(auth map[string]any, limit int) int {
	n, ok := whole(auth["history"])
	if !ok || n < 0 {
		return 0
	}
	return min(n, limit)
}
