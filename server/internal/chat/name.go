package chat

import (
	"slices"
	"strings"
	"unicode"

	"scalable-chat/server/internal/auth"
)

// Anonymous is the name of a sender whose own name is empty.
const Anonymous = "anonymous"

// MaxUsernameChars is the longest username, unless the limits say otherwise.
const MaxUsernameChars = 64

// author is who a message or a notice is from, as others see it.
type author struct {
	id       string
	name     string // in its normal form, never empty
	verified bool   // the name comes from a token
}

// authorOf returns the name of an identity. Without one, the author has the name that the client sends with the event, or
// [Anonymous] if that is empty.
func (s *Service) authorOf(who auth.Identity, fields map[string]any) (author, *Error) {
	if name, ok := s.ownName(who); ok {
		return author{who.ID, name, who.Verified}, nil
	}
	username, ok := fields["username"].(string)
	if !ok {
		return author{}, invalid("The username must be text.")
	}
	name, bad := s.normalName(username)
	if name == "" && bad == nil {
		name = Anonymous
	}
	return author{who.ID, name, false}, bad
}

// ownName returns the name that an identity has in its normal form; false: it has none that can be shown.
func (s *Service) ownName(who auth.Identity) (name string, ok bool) {
	name, bad := s.normalName(who.Name)
	return name, bad == nil && name != ""
}

// normalName returns the visible form of a name, empty if nothing of it can be seen.
func (s *Service) normalName(name string) (string, *Error) {
	if name = trim(name); strings.ContainsFunc(name, unicode.IsControl) {
		return "", invalid("The username may not contain control characters.")
	}
	if name = visibleName(name); longer(name, s.limits.MaxUsernameChars) {
		return "", invalid("The username may have at most %d characters.", s.limits.MaxUsernameChars)
	}
	return name, nil
}

// Name is the name under which others know the client: that of its token, else the username that it sent last, else
// [Anonymous]. verified means that it comes from a token. It may be called from any goroutine.
func (c *Client) Name() (name string, verified bool) {
	who := c.speaker.Identity()
	if name, ok := c.rules.ownName(who); ok {
		return name, who.Verified
	}
	if typed := c.typed.Load(); typed != nil {
		return *typed, false
	}
	return Anonymous, false
}

// show remembers the name of an author unless it comes from a token. It allocates only when the name changes.
func (c *Client) show(by author) {
	if typed := c.typed.Load(); by.verified || typed != nil && *typed == by.name {
		return
	}
	c.note(by.name)
}

func (c *Client) note(name string) { c.typed.Store(&name) }

// visibleName returns a name as people see it: without invisible characters, with one space for each run of white space
// inside it, and none around it. Names that differ only in invisible characters become equal, and a name without visible
// characters becomes empty.
func visibleName(name string) string {
	runes := []rune(name)
	seen, gap := make([]rune, 0, len(runes)), false
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case isSpace(r) || r == brailleBlank:
			gap = true
			continue
		case isInvisible(r) && (gap || !isNeeded(seen, r, runes[i+1:])):
			continue
		case len(seen) == 0 && unicode.IsMark(r): // would be drawn over the text before the name
			continue
		}
		if gap && len(seen) > 0 {
			seen = append(seen, ' ')
		}
		seen, gap = append(seen, r), false
		if n := tagsOfFlag(runes[i:]); n > 0 {
			seen = append(seen, runes[i+1:i+1+n]...)
			i += n
		}
	}
	return string(seen)
}

const (
	zeroWidthNonJoiner = '\u200C'
	zeroWidthJoiner    = '\u200D'
	emojiStyle         = '\uFE0F' // asks for a symbol in colour
	keycap             = '\u20E3'
	brailleBlank       = '\u2800'
	nullNotehead       = '\U0001D159'
	objectReplacement  = '\uFFFC'
)

// pictographs is where the blocks of emoji begin: two plain symbols are never joined into one.
const pictographs = '\U0001F000'

// isInvisible reports whether a character shows nothing by itself: category Cf, and Unicode's
// Default_Ignorable_Code_Point, which includes fillers and variation selectors.
func isInvisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		r == nullNotehead || r == objectReplacement
}

// isNeeded reports whether an invisible character changes how its neighbours look. before is the part of the name kept so
// far, after is the rest of the name.
func isNeeded(before []rune, r rune, after []rune) bool {
	if len(before) == 0 {
		return false
	}
	last, next := before[len(before)-1], rune(0)
	if len(after) > 0 {
		next = after[0]
	}
	switch r {
	case emojiStyle:
		return unicode.IsSymbol(last) || next == keycap
	case zeroWidthJoiner:
		return isVirama(last) || joinsSymbols(last, next)
	case zeroWidthNonJoiner:
		return isVirama(last) || isArabic(next) && joinsOn(before)
	}
	return false
}

func joinsSymbols(last, next rune) bool {
	return (unicode.IsSymbol(last) || last == emojiStyle) && unicode.IsSymbol(next) && max(last, next) >= pictographs
}

// isVirama reports whether r removes the vowel of a consonant in an Indian script; a joiner after it selects a shape.
func isVirama(r rune) bool {
	switch r {
	case 0x094D, 0x09CD, 0x0A4D, 0x0ACD, 0x0B4D, 0x0BCD, 0x0C4D, 0x0CCD, 0x0D4D, 0x0DCA:
		return true
	}
	return false
}

// joinsOn reports whether the last letter, ignoring its marks, is an Arabic letter that joins the next one.
func joinsOn(before []rune) bool {
	i := len(before) - 1
	for i > 0 && unicode.IsMark(before[i]) {
		i--
	}
	return isArabic(before[i]) && !unicode.Is(standsAlone, before[i])
}

// isArabic reports whether r is a letter of the blocks Arabic and Arabic Supplement.
func isArabic(r rune) bool {
	return r >= 0x0620 && r <= 0x077F && unicode.Is(unicode.Arabic, r) && unicode.IsLetter(r)
}

// standsAlone holds the Arabic letters that never join the next one (Joining_Type R or U).
var standsAlone = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x0621, Hi: 0x0625, Stride: 1},
	{Lo: 0x0627, Hi: 0x0629, Stride: 2},
	{Lo: 0x062F, Hi: 0x0632, Stride: 1},
	{Lo: 0x0648, Hi: 0x0648, Stride: 1},
	{Lo: 0x0671, Hi: 0x0677, Stride: 1},
	{Lo: 0x0688, Hi: 0x0699, Stride: 1},
	{Lo: 0x06C0, Hi: 0x06C0, Stride: 1},
	{Lo: 0x06C3, Hi: 0x06CB, Stride: 1},
	{Lo: 0x06CD, Hi: 0x06CF, Stride: 2},
	{Lo: 0x06D2, Hi: 0x06D5, Stride: 1},
	{Lo: 0x06EE, Hi: 0x06EF, Stride: 1},
	{Lo: 0x0759, Hi: 0x075B, Stride: 1},
	{Lo: 0x076B, Hi: 0x076C, Stride: 1},
	{Lo: 0x0771, Hi: 0x0771, Stride: 1},
	{Lo: 0x0773, Hi: 0x0774, Stride: 1},
	{Lo: 0x0778, Hi: 0x0779, Stride: 1},
}}

// flags are those of England, Scotland and Wales: a black flag and tags. Anywhere else tags would be hidden text.
var flags = [][]rune{
	[]rune("\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F"),
	[]rune("\U0001F3F4\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F"),
	[]rune("\U0001F3F4\U000E0067\U000E0062\U000E0077\U000E006C\U000E0073\U000E007F"),
}

// tagsOfFlag returns the number of tags of the flag at the start of name, 0 if there is none.
func tagsOfFlag(name []rune) int {
	for _, flag := range flags {
		if len(name) >= len(flag) && slices.Equal(name[:len(flag)], flag) {
			return len(flag) - 1
		}
	}
	return 0
}
