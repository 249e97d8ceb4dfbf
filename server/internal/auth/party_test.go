package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// lookup takes tokens of the form "user" or "user@time", the time in the form of RFC 3339.
type lookup struct{ *Policy }

func (l lookup) Authenticate(ctx context.Context, c Connect) (Identity, error) {
	id, until, _ := strings.Cut(field(c.Payload, "token"), "@")
	if id == "" {
		return l.Policy.Authenticate(ctx, c)
	}
	if id == "stranger" {
		return Identity{}, errInvalid
	}
	expires, _ := time.Parse(time.RFC3339, until)
	return Identity{ID: id, Name: id, Verified: true, Expires: expires}, nil
}

// party is one with a lookup, and the last expiry that it told.
func party(t *testing.T) (*Party, *time.Time) {
	t.Helper()
	told := new(time.Time)
	return NewParty(lookup{newPolicy(t, oneSecret)}, func(at time.Time) { *told = at }), told
}

// joins is the id for which a CONNECT speaks.
func joins(t *testing.T, p *Party, payload any) *Speaker {
	t.Helper()
	s, err := p.Identify(t.Context(), "/", payload)
	assert.NoError(t, err)
	return s
}

func token(s string) any { return map[string]any{"token": s} }

func TestP11_OneConnectionWithoutCredentialsIsOneGuest(t *testing.T) {
	t.Parallel()
	p, told := party(t)
	first := joins(t, p, nil)
	assert.Equal(t, "guest", first.Identity().Guest, true)
	for range 3 {
		assert.Equal(t, "the same speaker", joins(t, p, map[string]any{}) == first, true)
	}
	assert.Equal(t, "never expires", told.IsZero(), true)
	other, _ := party(t)
	assert.Equal(t, "another connection is another guest", joins(t, other, nil).Identity().ID == first.Identity().ID, false)
}

func TestP11_CredentialsSpeakInTheirNamespaceAndWhereThereAreNone(t *testing.T) {
	t.Parallel()
	p, _ := party(t)
	made := joins(t, p, nil) // a stock client may send the CONNECT of a new namespace first
	guest := guest("~AAAAAAAAAAAAAAAA")
	known := joins(t, p, map[string]any{"pid": lookup.PrivateID(p.authenticator.(lookup), guest)})
	assert.Equal(t, "by its pid", known.Identity().ID, guest.ID)
	assert.Equal(t, "who proves something takes the place of who proved nothing", joins(t, p, nil) == known, true)
	ada := joins(t, p, token("ada"))
	assert.Equal(t, "two people on one connection", ada.Identity().ID, "ada")
	assert.Equal(t, "the first who proved something stays", joins(t, p, nil) == known, true)
	assert.Equal(t, "the guest that was made still is who it was", made.Identity().ID != known.Identity().ID, true)
	if _, err := p.Identify(t.Context(), "/", token("stranger")); !errors.Is(err, errInvalid) {
		t.Errorf("a stranger's token: %v", err)
	}
}

func TestP11_ANewTokenRenewsTheUserOnTheWholeConnection(t *testing.T) {
	t.Parallel()
	p, told := party(t)
	soon, later := time.Now().Add(time.Hour).UTC().Truncate(time.Second), time.Now().Add(2*time.Hour).UTC().Truncate(time.Second)
	at := func(t time.Time) string { return "ada@" + t.Format(time.RFC3339) }
	one := joins(t, p, token(at(soon)))
	assert.Equal(t, "the same user", joins(t, p, token(at(soon))) == one, true)
	assert.Equal(t, "expires", *told, soon)
	assert.NoError(t, one.Renew(t.Context(), at(later)))
	assert.Equal(t, "renewed", one.Identity().Expires, later)
	assert.Equal(t, "expires later", *told, later)
	for what, bad := range map[string]string{"another user": "bob", "nobody": "stranger", "none": "", "a guest": "~AAAAAAAAAAAAAAAA"} {
		var refusal *Refusal
		if err := one.Renew(t.Context(), bad); !errors.As(err, &refusal) || refusal.Code != Unauthorized {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := one.Renew(t.Context(), at(time.Now().Add(-time.Second))); !errors.Is(err, errExpired) {
		t.Errorf("an expired token: %v", err)
	}
	assert.Equal(t, "unchanged", one.Identity().Expires, later)
	if err := Fixed(one.Identity()).Renew(t.Context(), at(later)); err == nil {
		t.Error("a fixed speaker was renewed")
	}
}

func TestP11_NobodyInheritsAnExpiredIdentity(t *testing.T) {
	t.Parallel()
	p, _ := party(t)
	s := joins(t, p, token("ada"))
	gone := s.Identity()
	gone.Expires = time.Now().Add(-time.Millisecond)
	s.now.Store(&gone)
	if _, err := p.Identify(t.Context(), "/", nil); !errors.Is(err, errExpired) {
		t.Errorf("inherited: %v", err)
	}
}

func TestP11_AConnectionSpeaksForFewUsers(t *testing.T) {
	t.Parallel()
	p, _ := party(t)
	for i := range maxSpeakers {
		joins(t, p, token(fmt.Sprint("user", i)))
	}
	if _, err := p.Identify(t.Context(), "/", token("one more")); !errors.Is(err, errTooManyUsers) {
		t.Errorf("one more: %v", err)
	}
	joins(t, p, token("user3"))
}
