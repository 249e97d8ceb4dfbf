package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
	lru "github.com/hashicorp/golang-lru/v2"
)

// The bounds of a token and of what it says.
const (
	MaxToken = 4 << 10 // bytes
	maxID    = 128     // characters
	maxName  = 64
	maxRole  = 32
	// verified is how many tokens are remembered, so that a connection in fifty rooms verifies its token once.
	verified = 10_000
	// rememberFor is how long a token is remembered: its key may be withdrawn.
	rememberFor = 15 * time.Minute
)

// TokenOptions configure [Tokens]. Keys is required.
type TokenOptions struct {
	Keys     Keys
	Issuer   string // "iss" of every token; empty: any
	Audience string // one of "aud" of every token; empty: any
	// IDClaim names the claim that is the public id of a user; empty: "sub".
	IDClaim string
	Now     func() time.Time // nil: time.Now
}

// Tokens verifies JSON Web Tokens (RFC 7519) that the operator's issuer has signed. A token must have "exp". It is refused
// if it is longer than [MaxToken], not valid yet or no longer, of another issuer or audience, signed with an algorithm that
// its key is not for, or if a claim that matters is not what it should be.
type Tokens struct {
	opts  TokenOptions
	known *lru.Cache[[sha256.Size]byte, remembered]
}

// remembered is what a token says that was verified.
type remembered struct {
	Identity
	until time.Time // it is verified again then
}

// NewTokens makes an authenticator.
func NewTokens(o TokenOptions) (*Tokens, error) {
	if o.Keys == nil {
		return nil, errors.New("tokens need keys")
	}
	if o.IDClaim == "" {
		o.IDClaim = "sub"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	known, err := lru.New[[sha256.Size]byte, remembered](verified)
	return &Tokens{o, known}, err
}

// Refusals of tokens. They do not say what is wrong in detail: the issuer's own tools do.
var (
	errInvalid = &Refusal{Unauthorized, "The token is not valid."}
	errExpired = &Refusal{Expired, "The token has expired."}
	errFewer   = &Refusal{Unauthorized, "The token does not let you stay where you are."}
	errMissing = &Refusal{Unauthorized, "A token is needed."}
	errRoom    = &Refusal{Forbidden, "You may not enter this room"}
)

// Verify returns whom a token speaks for. The error is a [*Refusal], or another one if the key cannot be fetched at the
// moment.
func (t *Tokens) Verify(ctx context.Context, token string) (Identity, error) {
	if len(token) > MaxToken {
		return Identity{}, errInvalid
	}
	digest := sha256.Sum256([]byte(token))
	now := t.opts.Now()
	known, ok := t.known.Get(digest)
	if !ok || !now.Before(known.until) {
		who, err := t.verify(ctx, token)
		if err != nil {
			return Identity{}, err
		}
		known = remembered{who, now.Add(rememberFor)}
		t.known.Add(digest, known)
	}
	if !now.Before(known.Expires) {
		return Identity{}, errExpired
	}
	return known.Identity, nil
}

// body holds the claims that matter, of which the library can check the standard ones. The others are texts and an object, or wrong.
type body struct {
	jwt.Claims
	Name  json.RawMessage `json:"name"`
	Role  json.RawMessage `json:"role"`
	Rooms json.RawMessage `json:"rooms"`
}

// verify looks at nothing of a token before its signature.
func (t *Tokens) verify(ctx context.Context, token string) (Identity, error) {
	payload, err := open(ctx, t.opts.Keys, token)
	if err != nil {
		return Identity{}, err
	}
	var said body
	if json.Unmarshal(payload, &said) != nil {
		return Identity{}, errInvalid
	}
	if err := t.check(said.Claims); err != nil {
		return Identity{}, err
	}
	id, ok := t.id(said, payload)
	if !ok {
		return Identity{}, errInvalid
	}
	return identity(id, said)
}

// lastExpiry is the latest "exp" of a token: a later one was written in milliseconds by mistake, and would last for ever.
var lastExpiry = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)

// check holds the standard claims against the options and the clock, without leeway. "iat" is not looked at: a refusal is
// final for stock clients, and an issuer whose clock is a second ahead has signed a good token.
func (t *Tokens) check(c jwt.Claims) error {
	if c.Expiry == nil || c.Expiry.Time().After(lastExpiry) {
		return errInvalid
	}
	expected := jwt.Expected{Issuer: t.opts.Issuer, Time: t.opts.Now()}
	if t.opts.Audience != "" {
		expected.AnyAudience = jwt.Audience{t.opts.Audience}
	}
	c.IssuedAt = nil
	switch err := c.ValidateWithLeeway(expected, 0); {
	case err == nil:
		return nil
	case errors.Is(err, jwt.ErrExpired):
		return errExpired
	default:
		return errInvalid
	}
}

// id reads the claim that is the public id.
func (t *Tokens) id(said body, payload []byte) (id string, ok bool) {
	if t.opts.IDClaim == "sub" {
		return said.Subject, isUserID(said.Subject)
	}
	var all map[string]json.RawMessage
	ok = json.Unmarshal(payload, &all) == nil && readText(all[t.opts.IDClaim], &id, maxID)
	return id, ok && isUserID(id)
}

// identity reads the other claims.
func identity(id string, said body) (Identity, error) {
	who := Identity{ID: id, Expires: said.Expiry.Time().UTC()}
	if !readText(said.Name, &who.Name, maxName) || !readText(said.Role, &who.Role, maxRole) {
		return Identity{}, errInvalid
	}
	who.Verified = who.Name != ""
	if said.Rooms != nil && json.Unmarshal(said.Rooms, &who.Rooms) != nil {
		return Identity{}, errInvalid
	}
	return who, nil
}

// isHidden reports whether a character cannot be seen: two ids that look alike should be one.
func isHidden(r rune) bool { return !unicode.IsPrint(r) }

// readText reads a claim that is absent or a text ([isText]).
func readText(claim json.RawMessage, dst *string, limit int) bool {
	if claim == nil {
		return true
	}
	if len(claim) == 0 || claim[0] != '"' || json.Unmarshal(claim, dst) != nil {
		return false
	}
	return isText(*dst, limit)
}

// isText reports whether a text has at most limit characters, no control characters, and no space around it.
func isText(s string, limit int) bool {
	return utf8.RuneCountInString(s) <= limit && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}

// The algorithms that a token may have, for each kind of key.
var (
	secretAlgorithms = []jose.SignatureAlgorithm{jose.HS256}
	publicAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}
)
