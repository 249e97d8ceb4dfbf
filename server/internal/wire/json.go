package wire

import (
	"bytes"
	"strconv"
)

// scanner checks JSON (RFC 8259) in one pass, without allocating: its syntax, the depth, the number of values, that
// numbers fit a float64, and the placeholders of attachments. It recurses once per level, at most [MaxDepth] deep. The
// text is valid UTF-8.
type scanner struct {
	text        []byte
	at          int
	room        int    // how many more values are allowed
	attachments int    // how many attachments the packet announces; 0: placeholders mean nothing
	used        uint16 // bit n: attachment n has its placeholder
}

// document checks one value with nothing but white space around it.
func (s *scanner) document() PacketError {
	s.next()
	if err := s.value(0); err != valid {
		return err
	}
	s.next()
	if s.at != len(s.text) {
		return BadJSON
	}
	if s.used != 1<<s.attachments-1 {
		return BadPlaceholder
	}
	return valid
}

// next skips white space and returns the byte there, without consuming it; 0 at the end. (A zero byte in the text is
// nowhere legal, so the two need not be told apart.)
func (s *scanner) next() byte {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// value checks the value that starts at the current byte; depth is the number of containers around it.
func (s *scanner) value(depth int) PacketError {
	if s.at == len(s.text) {
		return BadJSON
	}
	if s.room == 0 {
		return TooManyValues
	}
	s.room--
	switch c := s.text[s.at]; c {
	case '"':
		_, err := s.str()
		return err
	case '{', '[':
		if depth == MaxDepth {
			return TooDeep
		}
		s.at++
		if c == '{' {
			return s.object(depth + 1)
		}
		return s.array(depth + 1)
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

func (s *scanner) literal(word string) PacketError {
	end := s.at + len(word)
	if end > len(s.text) || string(s.text[s.at:end]) != word {
		return BadJSON
	}
	s.at = end
	return valid
}

// array checks what follows the opening bracket.
func (s *scanner) array(depth int) PacketError {
	if s.next() == ']' {
		s.at++
		return valid
	}
	for {
		s.next()
		if err := s.value(depth); err != valid {
			return err
		}
		c := s.next()
		s.at++
		switch c {
		case ',':
		case ']':
			return valid
		default:
			return BadJSON
		}
	}
}

// object checks what follows the opening brace.
func (s *scanner) object(depth int) PacketError {
	if s.next() == '}' {
		s.at++
		return valid
	}
	var mark placeholder
	for {
		if s.next() != '"' {
			return BadJSON
		}
		key, err := s.str()
		if err != valid {
			return err
		}
		if s.next() != ':' {
			return BadJSON
		}
		s.at++
		s.next()
		start := s.at
		if err := s.value(depth); err != valid {
			return err
		}
		if s.attachments > 0 {
			mark.member(key, s.text[start:s.at])
		}
		c := s.next()
		s.at++
		switch c {
		case ',':
		case '}':
			return s.place(mark)
		default:
			return BadJSON
		}
	}
}

// placeholder collects the members of an object that may stand for an attachment: {"_placeholder":true,"num":n}.
type placeholder struct {
	members int
	marks   int // members called _placeholder
	set     int // and of these, the true ones
	num     int // 1 + the number; 0: none
}

func (p *placeholder) member(key, value []byte) {
	p.members++
	switch {
	case spells(key, "_placeholder"):
		p.marks++
		if string(value) == "true" {
			p.set++
		}
	case string(key) == "num" && len(value) == 1 && isDigit(value[0]):
		p.num = 1 + int(value[0]-'0')
	}
}

// place notes a placeholder. In a binary packet the key is reserved: an object that has it must be a placeholder for an
// announced attachment that has no placeholder yet.
func (s *scanner) place(p placeholder) PacketError {
	if p.marks == 0 {
		return valid
	}
	if p.members != 2 || p.set != 1 || p.num == 0 || p.num > s.attachments || s.used&(1<<(p.num-1)) != 0 {
		return BadPlaceholder
	}
	s.used |= 1 << (p.num - 1)
	return valid
}

// plain marks the bytes that stand for themselves in a string.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// str checks the string whose opening quote is the current byte, and returns what is between the quotes.
func (s *scanner) str() ([]byte, PacketError) {
	text, i := s.text, s.at+1
	start := i
	for {
		for i < len(text) && plain[text[i]] {
			i++
		}
		if i == len(text) || text[i] < ' ' {
			return nil, BadJSON
		}
		if text[i] == '"' {
			s.at = i + 1
			return text[start:i], valid
		}
		_, size := unescape(text[i:])
		if size == 0 {
			return nil, BadJSON
		}
		i += size
	}
}

// unescape decodes the escape sequence at the start of p, one UTF-16 unit, and returns its size; 0 if there is none.
func unescape(p []byte) (unit uint16, size int) {
	if len(p) < 2 {
		return 0, 0
	}
	switch p[1] {
	case '"', '\\', '/':
		return uint16(p[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		if len(p) < 6 {
			return 0, 0
		}
		for _, c := range p[2:6] {
			d := hex(c)
			if d < 0 {
				return 0, 0
			}
			unit = unit<<4 | uint16(d)
		}
		return unit, 6
	}
	return 0, 0
}

// hex is the value of a hexadecimal digit, or -1.
func hex(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// spells reports whether a string, as written between its quotes, decodes to an ASCII word.
func spells(raw []byte, word string) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == word
	}
	for i := range len(word) {
		if len(raw) == 0 {
			return false
		}
		unit, size := uint16(raw[0]), 1
		if raw[0] == '\\' {
			unit, size = unescape(raw)
		}
		if unit != uint16(word[i]) {
			return false
		}
		raw = raw[size:]
	}
	return len(raw) == 0
}

// number checks a number. Anything else is refused as bad JSON.
func (s *scanner) number() PacketError {
	start := s.at
	if s.text[s.at] == '-' {
		s.at++
	}
	digits := s.digits()
	if digits == 0 || (digits > 1 && s.text[s.at-digits] == '0') {
		return BadJSON
	}
	if s.at < len(s.text) && s.text[s.at] == '.' {
		s.at++
		if s.digits() == 0 {
			return BadJSON
		}
	}
	exponent := s.at < len(s.text) && s.text[s.at]|0x20 == 'e'
	if exponent {
		s.at++
		if s.at < len(s.text) && (s.text[s.at] == '+' || s.text[s.at] == '-') {
			s.at++
		}
		if s.digits() == 0 {
			return BadJSON
		}
	}
	if exponent || digits > safeDigits {
		// The library decodes into float64 and refuses what does not fit.
		if _, err := strconv.ParseFloat(string(s.text[start:s.at]), 64); err != nil {
			return BadNumber
		}
	}
	return valid
}

// safeDigits is how many digits before the point always fit a float64.
const safeDigits = 308

func (s *scanner) digits() int {
	start := s.at
	for s.at < len(s.text) && isDigit(s.text[s.at]) {
		s.at++
	}
	return s.at - start
}

// firstByte is the first byte of a JSON text that is not white space, 0 if there is none.
func firstByte(text []byte) byte {
	s := scanner{text: text}
	return s.next()
}
