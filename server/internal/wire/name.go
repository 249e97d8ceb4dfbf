package wire

import (
	"encoding/json"
	"strconv"
)

// NameText returns the text of an event with its name as a string, as the library wants it. A stock client may also name
// an event by a number, for which the reference server calls the listener of its decimal text. Without such a name it
// returns text as it is; h is what [ParsePacket] learned of it.
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

// firstElement goes to the first element of an array and returns its first byte.
func (s *scanner) firstElement() byte {
	s.next()
	s.at++ // the bracket
	return s.next()
}

// decimal is what JavaScript makes of a JSON number: that is also how encoding/json writes one, but for the negative zero.
func decimal(number []byte) []byte {
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || f == 0 {
		return []byte("0")
	}
	text, _ := json.Marshal(f) // a finite number
	return text
}
