package chat

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"scalable-chat/server/internal/auth"
)

// MaxIDChars is the longest message id that a client may choose.
const MaxIDChars = 128

// Stored is the answer to a message that is in the stream.
type Stored struct {
	Status string `json:"status"` // always "ok"
	ID     string `json:"id"`     // the message's own id
	At     int64  `json:"at"`     // milliseconds since the epoch, by the stream's clock
}

// message is a message that keeps the rules.
type message struct {
	text   string // as sent, with its white space
	author author
	id     string // chosen by the client, or made here
	key    string // identifies a retry; empty if the server made the id
}

// notStored tells a sender to try again.
const notStored = "The message could not be stored right now. Please try again."

// Message handles the event [EventMessage]. args are its arguments as the JSON decoder made them, without the ack. It
// blocks while the connection exceeds its rate and while the stream's queue is full, at most until ctx ends; it refuses the
// message if it would wait for more than a second and the client leaves. It returns when the message is queued for the stream
// or refused. It drops nothing else and queues the messages of one client in the order of the calls.
//
// ack, if it is not nil, is called exactly once, from any goroutine: with a [Stored] when the message is in the stream,
// or with a [Refusal].
func (s *Service) Message(ctx context.Context, c *Client, args []any, ack func(any)) {
	m, bad := message{}, s.pace(ctx, c)
	if bad == nil {
		m, bad = s.said(c, args)
	}
	if bad != nil {
		s.refuse(c, EventMessage, bad, ack)
		return
	}
	id := m.id // the rest of m need not live until the ack
	s.trace(accepted, c, id, Position{})
	done := func(at Position, err error) {
		if err != nil {
			s.refuse(c, EventMessage, unavailable(notStored, err), ack)
			return
		}
		s.trace(stored, c, id, at)
		s.handled(c, EventMessage, nil)
		if ack != nil {
			ack(Stored{Status: OutcomeOK, ID: id, At: int64(at.Ms)})
		}
	}
	if err := s.record.Append(ctx, m.key, encode(m), done); err != nil {
		s.refuse(c, EventMessage, unavailable(notStored, err), ack)
	}
}

// said checks the arguments of a message event and remembers the name in it.
func (s *Service) said(c *Client, args []any) (message, *Error) {
	fields, bad := first(args)
	if bad != nil {
		return message{}, bad
	}
	m, bad := s.readMessage(c.speaker.Identity(), fields)
	if bad == nil {
		c.show(m.author)
	}
	return m, bad
}

// readMessage checks a message that somebody sends to the room.
func (s *Service) readMessage(who auth.Identity, fields map[string]any) (message, *Error) {
	if bad := s.mayWrite(who); bad != nil {
		return message{}, bad
	}
	text, ok := fields["message"].(string)
	if !ok {
		return message{}, invalid("The message must be text.")
	}
	by, bad := s.authorOf(who, fields)
	if bad != nil {
		return message{}, bad
	}
	if bad := s.checkText(text); bad != nil {
		return message{}, bad
	}
	id, bad := readID(fields)
	if bad != nil {
		return message{}, bad
	}
	m := message{text: text, author: by, id: id}
	if id == "" {
		m.id = newID()
	} else {
		m.key = dedupeKey(m)
	}
	return m, nil
}

// mayWrite holds a user's right in the room against what speaking needs.
func (s *Service) mayWrite(who auth.Identity) *Error {
	if who.In(s.room) < auth.Write {
		return &Error{Code: Forbidden, Message: "You may read here, but not write."}
	}
	return nil
}

func (s *Service) checkText(text string) *Error {
	if blank(text) {
		return &Error{Code: Empty, Message: "There is nothing in the message."}
	}
	if longer(text, s.limits.MaxMessageChars) {
		words := fmt.Sprintf("The message may have at most %d characters.", s.limits.MaxMessageChars)
		return &Error{Code: TooLong, Message: words}
	}
	return nil
}

// readID returns the id that the client chose, empty if it is absent or null.
func readID(fields map[string]any) (string, *Error) {
	value := fields["id"]
	if value == nil {
		return "", nil
	}
	id, ok := value.(string)
	if !ok || id == "" || len(id) > MaxIDChars || strings.ContainsFunc(id, unprintable) {
		return "", invalid("The message id must be 1 to %d printable ASCII characters.", MaxIDChars)
	}
	return id, nil
}

// dedupeKey identifies a retry: a message of the same author with the same id and content. So two users who both choose the id
// "1" keep both messages, and nobody can use up the id of somebody else. A name that its author typed is content; a name that
// comes from a token is not, because a renewed token may change it between two tries. Two different messages never have the
// same key: the length of each part is written before it.
func dedupeKey(m message) string {
	name := m.author.name
	if m.author.verified {
		name = "" // no typed name is empty
	}
	text := make([]byte, 0, 512) // on the stack; few messages need more
	for _, part := range [...]string{m.author.id, EventMessage, m.id, name, m.text} {
		text = binary.BigEndian.AppendUint32(text, uint32(len(part)))
		text = append(text, part...)
	}
	sum := sha256.Sum256(text)
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

// What is logged of a message. Each node's copy of the room says, by the offset, when it delivers it.
const (
	accepted = "message accepted" // by the rules; it waits to be stored
	stored   = "message stored"
)

// logs reports whether debug records are wanted.
func (s *Service) logs() bool {
	return s.hooks.Logger != nil && s.hooks.Logger.Enabled(context.Background(), slog.LevelDebug)
}

// trace logs, at debug level, where a message is on its way. At any other level it allocates nothing and takes no lock.
func (s *Service) trace(what string, c *Client, id string, at Position) {
	if !s.logs() {
		return
	}
	attrs := []slog.Attr{
		slog.String("room", s.room), slog.String("message", fingerprint(id)), slog.String("user", c.Identity().ID),
	}
	if c.id != "" { // empty: it came by the HTTP API
		attrs = append(attrs, slog.String("socket", c.id))
	}
	if at != (Position{}) {
		attrs = append(attrs, slog.String("offset", at.String()))
	}
	s.hooks.Logger.LogAttrs(context.Background(), slog.LevelDebug, what, attrs...)
}

// fingerprint stands for the id of a message in logs: the first 16 hexadecimal digits of its SHA-256. Clients choose ids, and may
// put into them what belongs in no log.
func fingerprint(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}
