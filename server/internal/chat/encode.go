package chat

import (
	"strings"
	"unicode/utf8"
)

// The stored form of a message. [Decode] reads it back.
const (
	beforeText     = `["message",{"message":"`
	beforeUsername = `","username":"`
	beforeID       = `","id":"`
	beforeFrom     = `","from":"`
	beforeAtProven = `","verified":true,"at":`
	beforeAt       = `","at":`
	afterAt        = `}]`
)

// encode writes the arguments of the server's message event as compact JSON with a [TimeMark] for the time stamp. It
// allocates once unless something has to be escaped.
func encode(m message) []byte {
	const fixed = len(beforeText) + len(beforeUsername) + len(beforeID) + len(beforeFrom) + len(beforeAtProven) + 1 + len(afterAt)
	b := make([]byte, 0, fixed+len(m.text)+len(m.author.name)+len(m.id)+len(m.author.id))
	b = append(b, beforeText...)
	b = appendEscaped(b, m.text)
	b = append(b, beforeUsername...)
	b = appendEscaped(b, m.author.name)
	b = append(b, beforeID...)
	b = appendEscaped(b, m.id)
	if m.author.id != "" {
		b = append(b, beforeFrom...)
		b = appendEscaped(b, m.author.id)
	}
	if m.author.verified {
		b = append(b, beforeAtProven...)
	} else {
		b = append(b, beforeAt...)
	}
	b = append(b, TimeMark)
	return append(b, afterAt...)
}

// appendEscaped writes s as the inside of a JSON string. encoding/json would also escape <, > and & for old browsers and
// U+2028 for JavaScript before 2019, and every client would receive those extra bytes.
func appendEscaped(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, c)
		start = i + 1
	}
	return append(b, s[start:]...)
}

// appendEscape writes the escape sequence of one byte, the short one where JSON has it.
func appendEscape(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
}
