// Package issuer is an issuer of tokens for tests. It signs what a test wants, good or bad, and serves its public keys, well
// or badly.
package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"scalable-chat/server/internal/test/assert"
)

// Issuer has keys. Its fields are for the test's goroutine.
type Issuer struct {
	Keys map[string]crypto.Signer // by kid
}

// New makes an issuer with a key for ES256 for each name.
func New(t testing.TB, kids ...string) *Issuer {
	t.Helper()
	i := &Issuer{map[string]crypto.Signer{}}
	for _, kid := range kids {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		assert.NoError(t, err)
		i.Keys[kid] = key
	}
	return i
}

// JWKS is the document with the public keys of these names; without names, with all.
func (i *Issuer) JWKS(t testing.TB, kids ...string) []byte {
	t.Helper()
	if len(kids) == 0 {
		for kid := range i.Keys {
			kids = append(kids, kid)
		}
	}
	var set jose.JSONWebKeySet
	for _, kid := range kids {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: i.Keys[kid].Public(), KeyID: kid, Use: "sig"})
	}
	text, err := json.Marshal(set)
	assert.NoError(t, err)
	return text
}

// Token makes a token of raw claims, signed with the key of that name, which is for ES256.
func (i *Issuer) Token(t testing.TB, kid, claims string) string {
	t.Helper()
	return Sign(t, jose.ES256, i.Keys[kid], kid, claims)
}

// Sign makes a token of raw claims. kid may be empty.
func Sign(t testing.TB, algorithm jose.SignatureAlgorithm, key any, kid, claims string) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		options = options.WithHeader("kid", kid)
	}
	return SignWith(t, algorithm, key, options, claims)
}

// SignWith makes a token with any header.
func SignWith(t testing.TB, algorithm jose.SignatureAlgorithm, key any, options *jose.SignerOptions, claims string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	assert.NoError(t, err)
	signed, err := signer.Sign([]byte(claims))
	assert.NoError(t, err)
	token, err := signed.CompactSerialize()
	assert.NoError(t, err)
	return token
}

// Site serves keys as its newest answer says.
type Site struct {
	*httptest.Server
	Asked atomic.Int64 // how many requests have come

	mu     sync.Mutex
	answer http.HandlerFunc
}

// NewSite starts a site on a loopback address. It ends with the test, and waits then for its answers to end.
func NewSite(t testing.TB, answer http.HandlerFunc) *Site {
	s := &Site{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Asked.Add(1)
		s.mu.Lock()
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// Set replaces the answer.
func (s *Site) Set(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// Serving answers with a text.
func Serving(text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) }
}
