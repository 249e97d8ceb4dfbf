package auth

import (
	"errors"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

const (
	oneSecret   = "the first secret, thirty-two bytes"
	otherSecret = "another secret with thirty-two bytes"
)

// newPolicy lets guests write, with these secrets.
func newPolicy(t testing.TB, secrets ...string) *Policy {
	t.Helper()
	return &Policy{Guests: newGuests(t, secrets...), GuestRight: Write}
}

func newGuests(t testing.TB, secrets ...string) *Guests {
	t.Helper()
	g, err := NewGuests(secrets...)
	assert.NoError(t, err)
	return g
}

func connecting(pairs ...string) Connect {
	payload := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		payload[pairs[i]] = pairs[i+1]
	}
	return Connect{Payload: payload}
}

func TestP11_AGuestKeepsItsID(t *testing.T) {
	t.Parallel()
	g := newPolicy(t, oneSecret)
	first, err := g.Authenticate(t.Context(), connecting())
	assert.NoError(t, err)
	assert.Equal(t, "reserved", strings.HasPrefix(first.ID, GuestPrefix), true)
	assert.Equal(t, "guest", first.Guest, true)
	credential := g.PrivateID(first)
	assert.Equal(t, "length", len(credential), 49)
	assert.Equal(t, "another one", credential == g.PrivateID(first), false)
	onAnotherNode := newPolicy(t, otherSecret, oneSecret)
	for _, name := range []string{"pid", "token"} {
		again, err := onAnotherNode.Authenticate(t.Context(), connecting(name, credential))
		assert.NoError(t, err)
		assert.Equal(t, name, again, first)
	}
}

func TestP11_NobodyForgesAGuest(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, oneSecret)
	g := p.Guests
	id := GuestPrefix + strings.Repeat("A", 16)
	good := g.Credential(id)
	stranger := newGuests(t, otherSecret).Credential(id)
	for what, forged := range map[string]string{
		"empty": "", "an id": id, "another key": stranger, "too long": good + "A", "cut": good[:len(good)-1],
		"the id of another": GuestPrefix + "B" + good[2:], "another nonce": good[:18] + string(good[18]^1) + good[19:],
		"no dots": strings.ReplaceAll(good, ".", "A"), "a token": "eyJhbGciOiJub25lIn0.e30.",
		"upper case": strings.ToUpper(good), "no prefix": "A" + good[1:],
	} {
		if _, ok := g.Verify(forged); ok {
			t.Errorf("%s is taken for a credential", what)
		}
		made, err := p.Authenticate(t.Context(), connecting("pid", forged))
		assert.NoError(t, err)
		assert.Equal(t, what+": somebody new", made.ID != id && made.Guest, true)
	}
	_, err := p.Authenticate(t.Context(), connecting("token", stranger, "pid", good))
	assert.Equal(t, "a forged token is refused", errors.Is(err, errInvalid), true)
}

func TestP11_WithoutCredentialsASocketSpeaksAsItsConnection(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, oneSecret)
	held := Identity{ID: "ada", Verified: true}
	for what, payload := range map[string]any{
		"nothing": nil, "an array": []any{"pid"}, "a number": map[string]any{"pid": 1.0},
		"no token": map[string]any{"token": nil}, "an empty token": map[string]any{"token": ""},
	} {
		who, err := p.Authenticate(t.Context(), Connect{Payload: payload, Held: held})
		assert.NoError(t, err)
		assert.Equal(t, what, who.ID, held.ID)
	}
	own := p.Guests.Credential(GuestPrefix + strings.Repeat("C", 16))
	c := connecting("pid", own)
	c.Held = held
	who, err := p.Authenticate(t.Context(), c)
	assert.NoError(t, err)
	assert.Equal(t, "its own credentials count", who.ID, GuestPrefix+strings.Repeat("C", 16))
}

func TestP11_ATokenThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, oneSecret)
	for what, token := range map[string]any{
		"an object": map[string]any{}, "a number": 1.0, "a list": []any{"x"}, "a truth": true,
		"somebody else's": "eyJhbGciOiJub25lIn0.e30.", "a blank": " ", "an id": "~AAAAAAAAAAAAAAAA",
	} {
		_, err := p.Authenticate(t.Context(), Connect{Payload: map[string]any{"token": token}, Held: Identity{ID: "ada"}})
		assert.Equal(t, what, errors.Is(err, errInvalid), true)
	}
}

func TestP11_APrivateIDBelongsToOneUser(t *testing.T) {
	t.Parallel()
	p := newPolicy(t, oneSecret)
	users := []Identity{guest("~AAAAAAAAAAAAAAAA"), guest("~BBBBBBBBBBBBBBBB"), {ID: "ada"}, {ID: "bob"}, {ID: "AAAAAAAAAAAAAAAA"}}
	for i, who := range users {
		pid := p.PrivateID(who)
		assert.Equal(t, "length", len(pid), guestLength)
		for j, other := range users {
			assert.Equal(t, "owner", p.Owns(other, pid), i == j)
		}
		_, credential := p.Guests.Verify(pid)
		assert.Equal(t, "is a credential", credential, who.Guest)
	}
	assert.Equal(t, "no id", p.Owns(users[2], ""), false)
}

func TestSecretsHaveAtLeast32Bytes(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{nil, {"short"}, {oneSecret, ""}} {
		if _, err := NewGuests(secrets...); err == nil {
			t.Errorf("%d secrets were taken", len(secrets))
		}
	}
}

func FuzzGuestCredential(f *testing.F) {
	g, _ := NewGuests(oneSecret)
	f.Add(g.Credential("~" + strings.Repeat("A", 16)))
	f.Add("~.......~")
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := g.Verify(s); ok && (!strings.HasPrefix(s, id+".") || len(s) != guestLength) {
			t.Fatalf("%q is the credential of %q", s, id)
		}
	})
}

// BenchmarkGuest is what identity adds to the connect of a guest.
func BenchmarkGuest(b *testing.B) {
	p := newPolicy(b, oneSecret)
	b.ReportAllocs()
	for b.Loop() {
		who, _ := p.Authenticate(b.Context(), Connect{})
		p.PrivateID(who)
	}
}
