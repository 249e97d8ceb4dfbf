package auth

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4/json"
)

// Right is what a user may do in a room. A higher one includes the lower ones.
type Right uint8

const (
	None     Right = iota
	Read           // be there, and read
	Write          // speak
	Moderate       // act on what others said
)

var rightNames = map[string]Right{"none": None, "read": Read, "write": Write, "moderate": Moderate}

// MarshalText implements [encoding.TextMarshaler] with the word for the right.
func (r Right) MarshalText() ([]byte, error) {
	for name, right := range rightNames {
		if right == r {
			return []byte(name), nil
		}
	}
	return nil, fmt.Errorf("%d is no right", r)
}

// maxRights bounds the patterns of one token.
const maxRights = 64

// Rights are patterns of room names with what they allow, for example {"team-*": Write}. The main room has the name "/".
// A star stands for any characters. The name itself counts first, then the longest pattern that matches; of several that are
// equally long, the stricter one.
type Rights map[string]Right

// In returns the right in a room; [None] if no pattern matches.
func (r Rights) In(room string) Right {
	if granted, ok := r[room]; ok { // the name itself; no room has a star in its name
		return granted
	}
	longest, right := -1, None
	for pattern, granted := range r {
		if len(pattern) < longest || !matches(pattern, room) {
			continue
		}
		if len(pattern) > longest || granted < right { // two equally long patterns: the stricter one
			longest, right = len(pattern), granted
		}
	}
	return right
}

// In returns the user's right in a room, by its name; "/" is the main room.
func (i Identity) In(room string) Right {
	if i.Rooms == nil {
		return Write
	}
	return i.Rooms.In(room)
}

// UnmarshalJSON reads an object of patterns and the words none, read, write and moderate. Anything else is an error: a
// typing error must not become a right.
func (r *Rights) UnmarshalJSON(text []byte) error {
	var words map[string]string
	if err := json.Unmarshal(text, &words); err != nil {
		return err
	}
	if words == nil {
		return errors.New("null says nothing about rooms")
	}
	if len(words) > maxRights {
		return fmt.Errorf("more than %d patterns of rooms", maxRights)
	}
	*r = make(Rights, len(words))
	for pattern, word := range words {
		right, ok := rightNames[word]
		if !ok {
			return fmt.Errorf("%.20q is no right", word)
		}
		(*r)[pattern] = right
	}
	return nil
}

// matches reports whether text fits a pattern, in which each star stands for any characters. It takes time proportional to
// the product of the lengths at most.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, last)
}
