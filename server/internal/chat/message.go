package chat

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Anonymous is the name of a sender whose own name is empty.
const Anonymous = "anonymous"

// maxIDChars is the longest message id that a client may choose.
const maxIDChars = 128

// Stored is the answer to a message that is in the stream.
type Stored struct {
	Status string `json:"status"` // always "ok"
	ID     string `json:"id"`     // the message's own id
	At     int64  `json:"at"`     // milliseconds since the epoch, by the stream's clock
}

// message is a message that keeps the rules.
type message struct {
	text     string // as sent, with its white space
	username string // trimmed, never empty
	id       string // chosen by the client, or made here
	key      string // identifies a retry; empty if the server made the id
}

// Message handles the event [EventMessage]. args are its arguments as the JSON decoder made them, without the ack. It
// blocks while the connection exceeds its rate and while the stream's queue is full, at most until ctx ends. It returns
// when the message is queued for the stream or refused. It drops nothing and queues the messages of one client in the
// order of the calls.
//
// ack, if it is not nil, is called exactly once, from any goroutine: with a [Stored] when the message is in the stream,
// or with a [Refusal].
func (s *Service) Message(ctx context.Context, c *Client, args []any, ack func(any)) {
	m, bad := message{}, s.pace(ctx, c)
	if bad == nil {
		m, bad = s.readMessage(c, args)
	}
	if bad != nil {
		s.refuse(c, EventMessage, bad, ack)
		return
	}
	id := m.id // the rest of m need not live until the ack
	const words = "The message could not be stored right now. Please try again."
	done := func(at int64, err error) {
		if err != nil {
			s.refuse(c, EventMessage, unavailable(words, err), ack)
			return
		}
		s.handled(c, EventMessage, nil)
		if ack != nil {
			ack(Stored{Status: OutcomeOK, ID: id, At: at})
		}
	}
	if err := s.record.Append(ctx, m.key, encode(m.text, m.username, id), done); err != nil {
		s.refuse(c, EventMessage, unavailable(words, err), ack)
	}
}

// readMessage checks the arguments of a message event.
func (s *Service) readMessage(c *Client, args []any) (message, *Error) {
	object, bad := first(args)
	if bad != nil {
		return message{}, bad
	}
	text, ok := object["message"].(string)
	if !ok {
		return message{}, invalid("The message must be text.")
	}
	username, bad := s.readUsername(c, object)
	if bad != nil {
		return message{}, bad
	}
	if blank(text) {
		return message{}, &Error{Code: Empty, Message: "There is nothing in the message."}
	}
	if longer(text, s.limits.MaxMessageChars) {
		words := fmt.Sprintf("The message may have at most %d characters.", s.limits.MaxMessageChars)
		return message{}, &Error{Code: TooLong, Message: words}
	}
	id, bad := readID(object)
	if bad != nil {
		return message{}, bad
	}
	m := message{text: text, username: username, id: id}
	if id == "" {
		m.id = newID()
	} else {
		m.key = dedupeKey(id, username, text)
	}
	return m, nil
}

// readUsername returns the name of the client's identity. A guest has none: it gets the visible form of the name in the
// event, or [Anonymous] if that is empty.
func (s *Service) readUsername(c *Client, object map[string]any) (string, *Error) {
	if c.who.Name != "" {
		return c.who.Name, nil
	}
	name, ok := object["username"].(string)
	if !ok {
		return "", invalid("The username must be text.")
	}
	if name = trim(name); strings.ContainsFunc(name, unicode.IsControl) {
		return "", invalid("The username may not contain control characters.")
	}
	switch name = visibleName(name); {
	case name == "":
		return Anonymous, nil
	case longer(name, s.limits.MaxUsernameChars):
		return "", invalid("The username may have at most %d characters.", s.limits.MaxUsernameChars)
	}
	return name, nil
}

// readID returns the id that the client chose, empty if it is absent or null.
func readID(object map[string]any) (string, *Error) {
	value := object["id"]
	if value == nil {
		return "", nil
	}
	id, ok := value.(string)
	if !ok || id == "" || len(id) > maxIDChars || strings.ContainsFunc(id, unprintable) {
		return "", invalid("The message id must be 1 to %d printable ASCII characters.", maxIDChars)
	}
	return id, nil
}

// dedupeKey identifies a retry. Two different messages never have the same key: neither id nor username can contain the
// separator, a NUL. The key includes the name and the text, so that two strangers who both choose the id "1" keep both
// messages.
func dedupeKey(id, username, text string) string {
	parts := make([]byte, 0, len(id)+len(username)+len(text)+2)
	parts = append(parts, id...)
	parts = append(parts, 0)
	parts = append(parts, username...)
	parts = append(parts, 0)
	parts = append(parts, text...)
	sum := sha256.Sum256(parts)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// newID makes a random, unique id of 16 characters.
func newID() string {
	var b [12]byte
	rand.Read(b[:]) // never fails: it ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// longer reports whether s has more than n characters. It does not count a string that has too many bytes anyway.
func longer(s string, n int) bool {
	return len(s) > n && (len(s) > n*utf8.UTFMax || utf8.RuneCountInString(s) > n)
}

// trim and blank follow the white space of JavaScript, so that browser and server agree on what is empty.
func trim(s string) string { return strings.TrimFunc(s, isSpace) }

func blank(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return !isSpace(r) }) < 0 }

func isSpace(r rune) bool { return r == '\uFEFF' || (r != '\u0085' && unicode.IsSpace(r)) }

func unprintable(r rune) bool { return r < ' ' || r > '~' }
