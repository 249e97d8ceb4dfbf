package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"scalable-chat/server/internal/hosts"
)

// Auth says who may connect, and as whom.
type Auth struct {
	Guests bool // clients without a token are admitted
	Tokens bool // JSON Web Tokens of an issuer are taken

	GuestsMay string   // "write", "read", or "off": there are no guests
	Secrets   []string // sign the ids of guests; the first one signs, all verify; none: one is made and shared

	// One of these verifies tokens, if Tokens.
	JWTSecret string
	JWKSURL   string
	JWKSFile  string

	Issuer   string // of every token; empty: any
	Audience string // of every token; empty: any
	IDClaim  string // the claim that is the public id of a user
}

// Format implements [fmt.Formatter]: every verb prints who may connect, and no secret.
func (a Auth) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "{guests %t, tokens %t}", a.Guests, a.Tokens)
}

// minSecret is the least length of a secret that signs, in bytes (RFC 7518, section 3.2).
const minSecret = 32

// modes reads what AUTH allows: guest, jwt, or both.
func modes(a *Auth) func(string) error {
	return func(s string) error {
		a.Guests, a.Tokens = false, false
		for mode := range strings.SplitSeq(strings.ToLower(s), ",") {
			switch strings.TrimSpace(mode) {
			case "guest":
				a.Guests = true
			case "jwt":
				a.Tokens = true
			default:
				return errors.New("must be guest, jwt, or jwt,guest")
			}
		}
		return nil
	}
}

// secrets reads a comma-separated list of secrets. The error does not repeat any of them.
func secrets(p *[]string) func(string) error {
	return func(s string) error {
		var all []string
		for item := range strings.SplitSeq(s, ",") {
			if item = strings.TrimSpace(item); len(item) < minSecret {
				return fmt.Errorf("each secret in the list must have at least %d characters", minSecret)
			}
			all = append(all, item)
		}
		*p = all
		return nil
	}
}

// keysAddress reads where keys are fetched: over TLS, or from this machine.
func keysAddress(p *string) func(string) error {
	return func(s string) error {
		u, err := url.Parse(s)
		if err != nil || !hosts.IsSecure(u) {
			return errors.New("must be an https:// address; http:// is for this machine only")
		}
		*p = s
		return nil
	}
}

// withoutQuery shows an address without what may be a secret in it.
func withoutQuery(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil {
		return "(unreadable)"
	}
	u.RawQuery, u.Fragment = "", ""
	return u.Redacted()
}

// keySources is how many of the settings that verify tokens are given.
func (a Auth) keySources() (n int) {
	for _, given := range []string{a.JWTSecret, a.JWKSURL, a.JWKSFile} {
		if given != "" {
			n++
		}
	}
	return n
}

// settle applies GUESTS=off, and returns what does not go together.
func (a *Auth) settle() (problems []string) {
	if a.GuestsMay == off {
		a.Guests = false
	}
	if !a.Guests && !a.Tokens {
		problems = append(problems, "GUESTS: off lets nobody in with AUTH=guest")
	}
	if a.Tokens && a.keySources() != 1 {
		problems = append(problems, "AUTH: jwt needs one of AUTH_JWT_SECRET, AUTH_JWKS_URL and AUTH_JWKS_FILE")
	}
	return problems
}
