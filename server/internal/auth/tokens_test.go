package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/issuer"
)

// now is the clock of the tests: 2026-11-25, 12:00 UTC.
var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

const soon = `"exp":1795608100` // a hundred seconds after now

func newTokens(t testing.TB, o TokenOptions) *Tokens {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return now }
	}
	tokens, err := NewTokens(o)
	assert.NoError(t, err)
	return tokens
}

func refusedWith(t *testing.T, what string, err error, code string) {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Errorf("%s: got %v, want %s", what, err, code)
	}
}

func TestP11_ATokenSaysWhoSpeaks(t *testing.T) {
	t.Parallel()
	secret, err := NewSecret(oneSecret)
	assert.NoError(t, err)
	tokens := newTokens(t, TokenOptions{Keys: secret, Issuer: "https://id.example", Audience: "chat", IDClaim: "uid"})
	text := issuer.Sign(t, jose.HS256, []byte(oneSecret), "", `{"iss":"https://id.example","aud":["x","chat"],`+soon+
		`,"uid":"ada","sub":"secret@example.org","name":"Ada","role":"staff","rooms":{"team-*":"write","*":"read"}}`)
	for range 2 { // verified, then remembered
		who, err := tokens.Verify(t.Context(), text)
		assert.NoError(t, err)
		assert.Equal(t, "who", who, Identity{
			ID: "ada", Name: "Ada", Role: "staff", Verified: true, Expires: time.Unix(1795608100, 0).UTC(),
			Rooms: Rights{"team-*": Write, "*": Read},
		})
	}
	_, err = tokens.Verify(t.Context(), issuer.Sign(t, jose.HS256, []byte(oneSecret), "", `{"iss":"https://id.example","aud":"chat","sub":"ada",`+soon+`}`))
	refusedWith(t, "without the claim that is the id", err, Unauthorized)
}

func TestP11_PublicKeysOfEachKind(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	assert.NoError(t, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	assert.NoError(t, err)
	i := issuer.New(t, "ec")
	i.Keys["rsa"], i.Keys["ed"] = weak, edwards
	keys, err := parseKeys(i.JWKS(t))
	assert.NoError(t, err)
	tokens := newTokens(t, TokenOptions{Keys: keys})
	for kid, algorithm := range map[string]jose.SignatureAlgorithm{"ec": jose.ES256, "rsa": jose.RS256, "ed": jose.EdDSA} {
		for _, named := range []string{kid, ""} { // each algorithm has one key, so its name may be missing
			who, err := tokens.Verify(t.Context(), issuer.Sign(t, algorithm, i.Keys[kid], named, `{"sub":"ada","iat":1795608005,`+soon+`}`)) // of a clock that is ahead
			assert.NoError(t, err, kid)
			assert.Equal(t, kid, who.ID, "ada")
		}
	}
}

// badClaims are the claims of tokens with a good signature, and the code of the refusal.
var badClaims = map[string]struct{ claims, code string }{
	"no exp":               {`{"sub":"ada"}`, Unauthorized},
	"null exp":             {`{"sub":"ada","exp":null}`, Unauthorized},
	"text exp":             {`{"sub":"ada","exp":"1795608100"}`, Unauthorized},
	"exp in ms":            {`{"sub":"ada","exp":1795608100000,"iss":"i","aud":"chat"}`, Unauthorized},
	"a second ago":         {`{"sub":"ada","exp":1795607999,"iss":"i","aud":"chat"}`, Expired},
	"a year ago":           {`{"sub":"ada","exp":1764072000,"iss":"i","aud":"chat"}`, Expired},
	"not yet":              {`{"sub":"ada",` + soon + `,"nbf":1795608001}`, Unauthorized},
	"another audience":     {`{"sub":"ada",` + soon + `,"iss":"i","aud":"other"}`, Unauthorized},
	"no audience":          {`{"sub":"ada",` + soon + `,"iss":"i"}`, Unauthorized},
	"another issuer":       {`{"sub":"ada",` + soon + `,"iss":"j","aud":"chat"}`, Unauthorized},
	"no id":                {`{` + soon + `,"iss":"i","aud":"chat"}`, Unauthorized},
	"empty id":             {`{"sub":"",` + soon + `,"iss":"i","aud":"chat"}`, Unauthorized},
	"a guest's id":         {`{"sub":"~AAAAAAAAAAAAAAAA",` + soon + `,"iss":"i","aud":"chat"}`, Unauthorized},
	"a number as id":       {`{"sub":7,` + soon + `,"iss":"i","aud":"chat"}`, Unauthorized},
	"hidden characters":    {`{"sub":"ada\u200b",` + soon + `,"iss":"i","aud":"chat"}`, Unauthorized},
	"spaces around":        {`{"sub":" ada",` + soon + `,"iss":"i","aud":"chat"}`, Unauthorized},
	"huge id":              {`{"sub":"` + strings.Repeat("a", 129) + `",` + soon + `,"iss":"i","aud":"chat"}`, Unauthorized},
	"nested name":          {`{"sub":"ada",` + soon + `,"iss":"i","aud":"chat","name":{"first":"Ada"}}`, Unauthorized},
	"control characters":   {`{"sub":"ada",` + soon + `,"iss":"i","aud":"chat","name":"A\nda"}`, Unauthorized},
	"duplicate id":         {`{"sub":"ada","sub":"bob",` + soon + `,"iss":"i","aud":"chat"}`, Unauthorized},
	"duplicate exp":        {`{"sub":"ada","exp":1,` + soon + `,"iss":"i","aud":"chat"}`, Unauthorized},
	"rooms as a list":      {`{"sub":"ada",` + soon + `,"iss":"i","aud":"chat","rooms":["*"]}`, Unauthorized},
	"rooms null":           {`{"sub":"ada",` + soon + `,"iss":"i","aud":"chat","rooms":null}`, Unauthorized},
	"two rights in a room": {`{"sub":"ada",` + soon + `,"iss":"i","aud":"chat","rooms":{"*":"read","*":"write"}}`, Unauthorized},
	"an unknown right":     {`{"sub":"ada",` + soon + `,"iss":"i","aud":"chat","rooms":{"*":"own"}}`, Unauthorized},
	"no object":            {`["ada"]`, Unauthorized},
	"no JSON":              {`{"sub":`, Unauthorized},
}

func TestP11_ClaimsThatAreNotGood(t *testing.T) {
	t.Parallel()
	secret, err := NewSecret(oneSecret)
	assert.NoError(t, err)
	tokens := newTokens(t, TokenOptions{Keys: secret, Issuer: "i", Audience: "chat"})
	for what, bad := range badClaims {
		_, err := tokens.Verify(t.Context(), issuer.Sign(t, jose.HS256, []byte(oneSecret), "", bad.claims))
		refusedWith(t, what, err, bad.code)
	}
	_, err = tokens.Verify(t.Context(), issuer.Sign(t, jose.HS256, []byte(oneSecret), "", `{"sub":"ada",`+soon+`,"iss":"i","aud":"chat"}`))
	assert.NoError(t, err, "the good one")
}

func TestP11_SignaturesThatAreNotGood(t *testing.T) {
	t.Parallel()
	i := issuer.New(t, "a", "b")
	keys, err := parseKeys(i.JWKS(t))
	assert.NoError(t, err)
	tokens := newTokens(t, TokenOptions{Keys: keys})
	claims := `{"sub":"ada",` + soon + `}`
	good := i.Token(t, "a", claims)
	parts := strings.Split(good, ".")
	encode := base64.RawURLEncoding.EncodeToString
	public, err := json.Marshal(jose.JSONWebKey{Key: i.Keys["a"].Public()})
	assert.NoError(t, err)
	for what, token := range map[string]string{
		"empty": "", "no token": "x", "two parts": parts[0] + "." + parts[1], "no signature": parts[0] + "." + parts[1] + ".",
		"none":                   encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"none, signed":           encode([]byte(`{"alg":"none","kid":"a"}`)) + "." + parts[1] + "." + parts[2],
		"a public key as secret": issuer.Sign(t, jose.HS256, public, "a", claims),
		"the key of another":     issuer.Sign(t, jose.ES256, i.Keys["b"], "a", claims),
		"an unknown key":         issuer.Sign(t, jose.ES256, issuer.New(t, "x").Keys["x"], "x", claims),
		"a key inside":           issuer.Sign(t, jose.ES256, jose.JSONWebKey{Key: issuer.New(t, "x").Keys["x"], KeyID: "x"}, "", claims),
		"no kid of two keys":     issuer.Sign(t, jose.ES256, i.Keys["a"], "", claims),
		"other claims":           parts[0] + "." + encode([]byte(`{"sub":"bob",`+soon+`}`)) + "." + parts[2],
		"four parts":             good + "." + parts[2],
		"padding":                good + "=",
		"a line break":           good[:len(good)-2] + "\n" + good[len(good)-2:],
		"another last bit":       good[:len(good)-1] + string(good[len(good)-1]+1), // decodes to the same signature where decoders are lax
		"too short by a byte":    parts[0] + "." + parts[1] + "." + parts[2][:84],
		"all zero":               parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86),
		"two algorithms":         signed(t, i.Keys["a"], `{"alg":"HS256","kid":"a","alg":"ES256"}`, claims),
		"no algorithm":           signed(t, i.Keys["a"], `{"kid":"a","Alg":"ES256"}`, claims),
		"an extension":           signed(t, i.Keys["a"], `{"alg":"ES256","kid":"a","crit":["b64"],"b64":true}`, claims),
		"no extension":           signed(t, i.Keys["a"], `{"alg":"ES256","kid":"a","crit":null}`, claims),
		"too long":               good + strings.Repeat("A", MaxToken),
		"a thousand dots":        strings.Repeat(".", 1000),
	} {
		_, err := tokens.Verify(t.Context(), token)
		refusedWith(t, what, err, Unauthorized)
	}
	for _, token := range []string{good, signed(t, i.Keys["a"], `{"alg":"ES256","kid":"a","x":[1]}`, claims)} {
		_, err = tokens.Verify(t.Context(), token)
		assert.NoError(t, err)
	}
}

// signed signs a token with any header by ES256.
func signed(t *testing.T, key crypto.Signer, header, claims string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key.(*ecdsa.PrivateKey), digest[:])
	assert.NoError(t, err)
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode(signature)
}

// TestP11_NumbersOfASignatureMayBeginWithZeros: one of 256 does, and half of them begin with a 1 bit.
func TestP11_NumbersOfASignatureMayBeginWithZeros(t *testing.T) {
	t.Parallel()
	i := issuer.New(t, "a")
	keys, err := parseKeys(i.JWKS(t))
	assert.NoError(t, err)
	for first, second := false, false; !first || !second; {
		token := i.Token(t, "a", `{"sub":"ada",`+soon+`}`)
		_, err := open(t.Context(), keys, token)
		assert.NoError(t, err, token)
		signature, _ := decodePart(token[strings.LastIndexByte(token, '.')+1:])
		first, second = first || signature[0] == 0, second || signature[32] == 0
	}
}

func TestP11_ARememberedTokenExpires(t *testing.T) {
	t.Parallel()
	clock := now
	secret, err := NewSecret(oneSecret)
	assert.NoError(t, err)
	tokens := newTokens(t, TokenOptions{Keys: secret, Now: func() time.Time { return clock }})
	text := issuer.Sign(t, jose.HS256, []byte(oneSecret), "", `{"sub":"ada",`+soon+`}`)
	_, err = tokens.Verify(t.Context(), text)
	assert.NoError(t, err)
	clock = now.Add(100 * time.Second)
	_, err = tokens.Verify(t.Context(), text)
	refusedWith(t, "at its end", err, Expired)
}

// TestP11_AWithdrawnKeyEndsRememberedTokens: whoever has stolen a key may have signed one that lasts for years.
func TestP11_AWithdrawnKeyEndsRememberedTokens(t *testing.T) {
	t.Parallel()
	clock, i := now, issuer.New(t, "stolen", "new")
	keys, err := parseKeys(i.JWKS(t))
	assert.NoError(t, err)
	tokens := newTokens(t, TokenOptions{Keys: keys, Now: func() time.Time { return clock }})
	forged := i.Token(t, "stolen", `{"sub":"ada","exp":9999999999}`)
	_, err = tokens.Verify(t.Context(), forged)
	assert.NoError(t, err)
	tokens.opts.Keys, err = parseKeys(i.JWKS(t, "new"))
	assert.NoError(t, err)
	clock = now.Add(rememberFor)
	_, err = tokens.Verify(t.Context(), forged)
	refusedWith(t, "some time later", err, Unauthorized)
}

// counting counts how often a key is asked for, which is how often a token is verified.
type counting struct {
	Keys
	asked int
}

func (c *counting) Key(ctx context.Context, h jose.Header) (any, error) {
	c.asked++
	return c.Keys.Key(ctx, h)
}

func TestFiftyRoomsVerifyOnce(t *testing.T) {
	t.Parallel()
	i := issuer.New(t, "a")
	keys, err := parseKeys(i.JWKS(t))
	assert.NoError(t, err)
	count := &counting{Keys: keys}
	tokens := newTokens(t, TokenOptions{Keys: count})
	text := i.Token(t, "a", `{"sub":"ada",`+soon+`}`)
	for range 50 {
		_, err := tokens.Verify(t.Context(), text)
		assert.NoError(t, err)
	}
	assert.Equal(t, "verifications", count.asked, 1)
}

func TestKeySetsThatAreNotGood(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err == nil {
		text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: small.Public(), KeyID: "a"}}})
		assert.NoError(t, err)
		_, err = parseKeys(text)
		assert.Equal(t, "a short RSA key", err != nil, true)
	}
	for _, text := range []string{"", "<html>", "[]", "{}", `{"keys":{}}`, `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"AAAA"}]}`, `{"keys":[1,{"kty":"EC"}]}`} {
		if _, err := parseKeys([]byte(text)); err == nil {
			t.Errorf("%q was taken as keys", text)
		}
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	assert.NoError(t, err)
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p384.Public(), KeyID: "a"}}})
	assert.NoError(t, err)
	_, err = parseKeys(text)
	assert.Equal(t, "another curve", err != nil, true)
}

func TestRightsInRooms(t *testing.T) {
	t.Parallel()
	rights := Rights{"*": Read, "team-*": Write, "team-hr": None, "*-mods": Moderate, "a*b*c": Moderate}
	for room, want := range map[string]Right{
		"/": Read, "cats": Read, "team-x": Write, "team-hr": None, "the-mods": Moderate, "abc": Moderate, "axxbxxc": Moderate, "acb": Read,
	} {
		assert.Equal(t, room, rights.In(room), want)
	}
	assert.Equal(t, "the name itself", Rights{"*": Read, "/": Write, "b": None}.In("/"), Write)
	assert.Equal(t, "no rights at all", Rights{}.In("cats"), None)
	assert.Equal(t, "nothing said", Identity{}.In("cats"), Write)
}

func TestP11_APolicyNeverDowngrades(t *testing.T) {
	t.Parallel()
	secret, err := NewSecret(oneSecret)
	assert.NoError(t, err)
	p := &Policy{Guests: newGuests(t, otherSecret), Tokens: newTokens(t, TokenOptions{Keys: secret}), GuestRight: Read}
	_, err = p.Authenticate(t.Context(), connecting("token", "eyJ.x.y"))
	refusedWith(t, "a bad token", err, Unauthorized)
	good := issuer.Sign(t, jose.HS256, []byte(oneSecret), "", `{"sub":"ada",`+soon+`}`)
	who, err := p.Authenticate(t.Context(), connecting("token", good, "pid", p.Guests.Credential("~"+strings.Repeat("A", 16))))
	assert.NoError(t, err)
	assert.Equal(t, "with a token, a private id grants nothing", who.ID, "ada")
	assert.Equal(t, "a user's right", who.In("cats"), Write)
	who, err = p.Authenticate(t.Context(), connecting())
	assert.NoError(t, err)
	assert.Equal(t, "a guest's right", who.In("cats"), Read)
	p.GuestRight = None
	_, err = p.Authenticate(t.Context(), connecting())
	refusedWith(t, "nothing", err, Unauthorized)
}

func BenchmarkES256(b *testing.B) {
	i := issuer.New(b, "a")
	keys, err := parseKeys(i.JWKS(b))
	assert.NoError(b, err)
	tokens := newTokens(b, TokenOptions{Keys: keys})
	text := i.Token(b, "a", `{"sub":"ada",`+soon+`}`)
	b.Run("token", func(b *testing.B) {
		for b.Loop() {
			_, _ = tokens.verify(b.Context(), text)
		}
	})
	b.Run("remembered", func(b *testing.B) {
		for b.Loop() {
			_, _ = tokens.Verify(b.Context(), text)
		}
	})
	b.Run("raw", func(b *testing.B) {
		key := i.Keys["a"].(*ecdsa.PrivateKey)
		digest := [32]byte{1}
		signature, _ := ecdsa.SignASN1(rand.Reader, key, digest[:])
		for b.Loop() {
			ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature)
		}
	})
}

// TestP11_WhatIsRememberedIsBounded: good tokens up to a number, bad ones not at all.
func TestP11_WhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	secret, err := NewSecret(oneSecret)
	assert.NoError(t, err)
	tokens := newTokens(t, TokenOptions{Keys: secret})
	for n := range 1000 {
		_, err := tokens.Verify(t.Context(), issuer.Sign(t, jose.HS256, []byte(otherSecret), "", fmt.Sprintf(`{"sub":"%d",`+soon+`}`, n)))
		refusedWith(t, "forged", err, Unauthorized)
	}
	assert.Equal(t, "refused tokens that are remembered", tokens.known.Len(), 0)
	for n := range verified + 100 {
		_, err := tokens.Verify(t.Context(), issuer.Sign(t, jose.HS256, []byte(oneSecret), "", fmt.Sprintf(`{"sub":"%d",`+soon+`}`, n)))
		assert.NoError(t, err)
	}
	assert.Equal(t, "tokens that are remembered", tokens.known.Len(), verified)
}
