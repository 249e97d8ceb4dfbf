package auth

import (
	"context"
	"strings"
)

// Policy is the [Authenticator] of a node: it takes what the settings allow.
type Policy struct {
	Guests *Guests // nil: a client needs a token
	Tokens *Tokens // nil: a token is no credential
	// GuestRight is what guests may do, everywhere; [None] counts as [Write].
	GuestRight Right
}

var _ Authenticator = (*Policy)(nil)

// Authenticate implements [Authenticator]. A token that is no guest's is verified or refused: it never leads to a guest. With
// a token, a private id grants nothing. Without credentials a socket speaks as its connection does, or as a new guest.
func (p *Policy) Authenticate(ctx context.Context, c Connect) (Identity, error) {
	token := field(c.Payload, "token")
	if p.Tokens != nil && token != "" && !strings.HasPrefix(token, GuestPrefix) {
		return p.Tokens.Verify(ctx, token)
	}
	if p.Guests == nil {
		if c.Held.ID != "" {
			return c.Held, nil
		}
		return Identity{}, errMissing
	}
	who, err := p.Guests.Authenticate(ctx, c)
	if who.Guest && p.GuestRight != None {
		who.Rooms = Rights{"*": p.GuestRight}
	}
	return who, err
}
