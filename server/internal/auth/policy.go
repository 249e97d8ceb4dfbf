package auth

import (
	"context"
	"strings"
)

// Policy is the [Authenticator] of a node: it takes what the settings allow.
type Policy struct {
	Guests *Guests // required
	// GuestRight is what guests may do, everywhere; [None]: there are no guests, so a client needs a token.
	GuestRight Right
	Tokens     *Tokens // nil: a token that is no guest's is refused
}

var (
	_ Authenticator = (*Policy)(nil)
	_ PrivateIDs    = (*Policy)(nil)
)

// Authenticate implements [Authenticator]. A token is verified or refused: it never leads to another identity. With a token, a
// private id grants nothing. A private id that is not valid is no credential: it may be of an earlier version, or of a stock
// client's session elsewhere. Without credentials a socket speaks as its connection does, or as a new guest.
func (p *Policy) Authenticate(ctx context.Context, c Connect) (Identity, error) {
	token, ok := tokenOf(c.Payload)
	if !ok {
		return Identity{}, errInvalid
	}
	if token != "" {
		return p.verify(ctx, token)
	}
	if id, ok := p.Guests.Verify(field(c.Payload, "pid")); ok && p.takesGuests() {
		return p.guest(guest(id)), nil
	}
	switch {
	case c.Held.ID != "":
		return c.Held, nil
	case p.takesGuests():
		return p.guest(p.Guests.fresh()), nil
	}
	return Identity{}, errMissing
}

// verify returns whom a token speaks for.
func (p *Policy) verify(ctx context.Context, token string) (Identity, error) {
	if !strings.HasPrefix(token, GuestPrefix) {
		if p.Tokens == nil {
			return Identity{}, errInvalid
		}
		return p.Tokens.Verify(ctx, token)
	}
	id, ok := p.Guests.Verify(token)
	if !ok || !p.takesGuests() {
		return Identity{}, errInvalid
	}
	return p.guest(guest(id)), nil
}

func (p *Policy) takesGuests() bool { return p.GuestRight != None }

// guest gives a guest its right.
func (p *Policy) guest(who Identity) Identity {
	if p.GuestRight != Write {
		who.Rooms = Rights{"*": p.GuestRight}
	}
	return who
}

// PrivateID implements [PrivateIDs].
func (p *Policy) PrivateID(who Identity) string { return p.Guests.PrivateID(who) }

// Owns implements [PrivateIDs].
func (p *Policy) Owns(who Identity, pid string) bool { return p.Guests.Owns(who, pid) }

// tokenOf returns the token of a payload, empty if there is none; false: there is one that cannot be a token.
func tokenOf(payload any) (token string, ok bool) {
	object, _ := payload.(map[string]any)
	value := object["token"]
	if value == nil {
		return "", true
	}
	token, ok = value.(string)
	return token, ok
}
