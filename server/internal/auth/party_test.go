package auth

import (
	"context"
	"errors"
	"fmt"
	"iter"
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

// connection is a party with the speakers of its namespaces, and the last expiry that it told.
type connection struct {
	*Party
	speakers []*Speaker
	expiry   time.Time
}

func newConnection(t *testing.T) *connection {
	t.Helper()
	c := &connection{}
	c.Party = NewParty(lookup{newPolicy(t, oneSecret)}, c)
	return c
}

func (c *connection) Expire(at time.Time) { c.expiry = at }

// Speakers are in rooms that are named "0", "1" and so on.
func (c *connection) Speakers() iter.Seq2[string, *Speaker] {
	return func(yield func(string, *Speaker) bool) {
		for i, s := range c.speakers {
			if !yield(fmt.Sprint(i), s) {
				return
			}
		}
	}
}

func (c *connection) admit(s *Speaker) { c.speakers = append(c.speakers, s) }

// joins returns the speaker of a CONNECT.
func (c *connection) joins(t *testing.T, payload any) *Speaker {
	t.Helper()
	assert.NoError(t, c.Identify(t.Context(), "/", payload, c.admit))
	return c.speakers[len(c.speakers)-1]
}

func token(s string) any { return map[string]any{"token": s} }

func TestP11_OneConnectionWithoutCredentialsIsOneGuest(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	first := c.joins(t, nil)
	assert.Equal(t, "guest", first.Identity().Guest, true)
	for range 3 {
		assert.Equal(t, "the same speaker", c.joins(t, map[string]any{}) == first, true)
	}
	c.speakers = nil
	assert.Equal(t, "also after it has left all namespaces", c.joins(t, nil) == first, true)
	assert.Equal(t, "never expires", c.expiry.IsZero(), true)
	assert.Equal(t, "another connection is another guest", newConnection(t).joins(t, nil).Identity().ID == first.Identity().ID, false)
}

func TestP11_CredentialsSpeakInTheirNamespaceAndWhereThereAreNone(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	made := c.joins(t, nil) // a stock client may send the CONNECT of a new namespace first
	guest := guest("~AAAAAAAAAAAAAAAA")
	known := c.joins(t, map[string]any{"pid": c.authenticator.(lookup).PrivateID(guest)})
	assert.Equal(t, "by its pid", known.Identity().ID, guest.ID)
	assert.Equal(t, "who proves something takes the place of who proved nothing", c.joins(t, nil) == known, true)
	ada := c.joins(t, token("ada"))
	assert.Equal(t, "two people on one connection", ada.Identity().ID, "ada")
	assert.Equal(t, "the first who proved something stays", c.joins(t, nil) == known, true)
	assert.Equal(t, "the guest that was made still is who it was", made.Identity().ID != known.Identity().ID, true)
	if err := c.Identify(t.Context(), "/", token("stranger"), c.admit); !errors.Is(err, errInvalid) {
		t.Errorf("a stranger's token: %v", err)
	}
}

func TestP11_ANewTokenRenewsTheUserOnTheWholeConnection(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	soon, later := time.Now().Add(time.Hour).UTC().Truncate(time.Second), time.Now().Add(2*time.Hour).UTC().Truncate(time.Second)
	at := func(t time.Time) string { return "ada@" + t.Format(time.RFC3339) }
	one := c.joins(t, token(at(soon)))
	assert.Equal(t, "equal identities have one speaker", c.joins(t, token(at(soon))) == one, true)
	assert.Equal(t, "expires", c.expiry, soon)
	assert.NoError(t, one.Renew(t.Context(), at(later)))
	assert.Equal(t, "renewed", one.Identity().Expires, later)
	assert.Equal(t, "expires later", c.expiry, later)
	assert.Equal(t, "an older token takes nothing back", c.joins(t, token(at(soon))).Identity().Expires, later)
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

// TestP11_TokensOfOneUserKeepTheirRights: an issuer may sign a token for each room.
func TestP11_TokensOfOneUserKeepTheirRights(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	cats, dogs := Rights{"cats": Write}, Rights{"dogs": Read}
	inCats := c.speakerLocked(Identity{ID: "ada", Rooms: cats}, true)
	c.Party.held = nil
	inDogs := c.speakerLocked(Identity{ID: "ada", Rooms: dogs}, true)
	assert.Equal(t, "two speakers", inCats == inDogs, false)
	assert.Equal(t, "rights of the one", inCats.Identity().In("dogs"), None)
	assert.Equal(t, "rights of the other", inDogs.Identity().In("cats"), None)
	c.speakers = []*Speaker{inCats, inDogs}
	assert.Equal(t, "the same token again", c.speakerLocked(Identity{ID: "ada", Rooms: Rights{"cats": Write}}, true) == inCats, true)
	assert.Equal(t, "no rights are not all rights", Identity{ID: "a"}.equals(Identity{ID: "a", Rooms: Rights{}}), false)
}

func TestP11_NobodyInheritsAnExpiredIdentity(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	s := c.joins(t, token("ada"))
	gone := s.Identity()
	gone.Expires = time.Now().Add(-time.Millisecond)
	s.now.Store(&gone)
	if err := c.Identify(t.Context(), "/", nil, c.admit); !errors.Is(err, errExpired) {
		t.Errorf("inherited: %v", err)
	}
}

// TestP11_ARenewalIsForWhereTheUserIs: who may no longer read in a room where it is must come back through the door.
func TestP11_ARenewalIsForWhereTheUserIs(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	s := c.joins(t, token("ada"))
	c.authenticator = rights{"0": None, "*": Write}
	var refusal *Refusal
	if err := s.Renew(t.Context(), "any"); !errors.As(err, &refusal) || refusal.Code != Unauthorized {
		t.Errorf("a token without the room: %v", err)
	}
	assert.Equal(t, "unchanged", s.Identity().In("0"), Write)
	c.authenticator = rights{"0": Read}
	assert.NoError(t, s.Renew(t.Context(), "any"))
	assert.Equal(t, "may only read now", s.Identity().In("0"), Read)
}

// rights are those of ada, whatever the token.
type rights Rights

func (r rights) Authenticate(context.Context, Connect) (Identity, error) {
	return Identity{ID: "ada", Rooms: Rights(r)}, nil
}

// TestP11_ARenewalForgetsNobody: while a CONNECT is on its way into its room, another room of the connection is renewed.
func TestP11_ARenewalForgetsNobody(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	soon, later := time.Now().Add(time.Hour).UTC().Truncate(time.Second), time.Now().Add(2*time.Hour).UTC().Truncate(time.Second)
	one := c.joins(t, token("ada@"+later.Format(time.RFC3339)))
	c.joins(t, token("bob@"+soon.Format(time.RFC3339)))
	assert.NoError(t, one.Renew(t.Context(), "ada@"+later.Add(time.Hour).Format(time.RFC3339)))
	assert.Equal(t, "still ends with the first", c.expiry, soon)
}

// TestP11_AForgedPrivateIDProvesNothing: the connection speaks as its guest anyway, and the first real credentials still count.
func TestP11_AForgedPrivateIDProvesNothing(t *testing.T) {
	t.Parallel()
	c := newConnection(t)
	made := c.joins(t, nil)
	forged := map[string]any{"pid": made.Identity().ID + ".AAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA"}
	assert.Equal(t, "inherited", c.joins(t, forged) == made, true)
	ada := c.joins(t, token("ada"))
	assert.Equal(t, "who proves something takes the place of who proved nothing", c.joins(t, nil) == ada, true)
}
