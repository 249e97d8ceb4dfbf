package wire

import (
	"encoding/json"
	"strconv"
)

// NameText returns the text of an event with its name as a string, as the library requires it. A stock client may name an event
// by a number; the reference server then calls the listener for its decimal text. Any other text is returned unchanged. h is
// what [ParsePacket] returned for text.
func NameText(text []byte, h Header) []byte {
	if h.Kind != Event && h.Kind != BinaryEvent {
		return text
	}
	s := scanner{text: h.Payload}
	if s.firstElement() == '"' {
		return text
	}
	start := s.at
	_ = s.number() // was checked
	front := len(text) - len(h.Payload)
	named := append(make([]byte, 0, len(text)+2), text[:front+start]...)
	named = append(named, '"')
	named = append(named, decimal(h.Payload[start:s.at])...)
	named = append(named, '"')
	return append(named, h.Payload[s.at:]...)
}

// firstElement moves to the first element of an array and returns that element's first byte.
func (s *scanner) firstElement() byte {
	s.next()
	s.at++ // the bracket
	return s.next()
}

// decimal is the text of a JSON number in JavaScript. encoding/json writes the same, except for negative zero.
func decimal(number []byte) []byte {
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || f == 0 {
		return []byte("0")
	}
	text, _ := json.Marshal(f) // a finite number
	return text
}
