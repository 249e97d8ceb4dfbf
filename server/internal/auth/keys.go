package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/go-jose/go-jose/v4"
)

// Keys verify tokens.
type Keys interface {
	// Algorithms are those that a token may be signed with.
	Algorithms() []jose.SignatureAlgorithm
	// Key returns the key for a token with this header. The error is a [*Refusal] if there is none, or another one if the
	// keys cannot be fetched at the moment.
	Key(ctx context.Context, header jose.Header) (any, error)
}

// secret is the one key of an issuer that shares it with us.
type secret []byte

// NewSecret verifies HS256 with a secret of at least [MinSecret] bytes.
func NewSecret(text string) (Keys, error) {
	if len(text) < MinSecret {
		return nil, errors.New("a secret for tokens needs at least 32 bytes")
	}
	return secret(text), nil
}

func (s secret) Algorithms() []jose.SignatureAlgorithm { return secretAlgorithms }

func (s secret) Key(context.Context, jose.Header) (any, error) { return []byte(s), nil }

// keySet are the public keys of an issuer (RFC 7517).
type keySet []jose.JSONWebKey

// NewKeyFile verifies RS256, ES256 and EdDSA with the public keys of a JWKS file.
func NewKeyFile(path string) (Keys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseKeys(text)
}

// parseKeys reads a JWKS. It leaves out keys that verify nothing here, and fails if none is left.
func parseKeys(text []byte) (keySet, error) {
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("no JWKS: %w", err)
	}
	var keys keySet
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && serves(key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the JWKS has no key for RS256, ES256 or EdDSA")
	}
	return keys, nil
}

// serves reports whether a key is public and strong enough, and for signatures that we take.
func serves(key jose.JSONWebKey) bool {
	if !key.Valid() || key.Use != "" && key.Use != "sig" {
		return false
	}
	algorithm := algorithmOf(key)
	return algorithm != "" && (key.Algorithm == "" || key.Algorithm == string(algorithm))
}

// algorithmOf is the one algorithm that a key is for; empty if there is none.
func algorithmOf(key jose.JSONWebKey) jose.SignatureAlgorithm {
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() >= 2048 {
			return jose.RS256
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return jose.ES256
		}
	case ed25519.PublicKey:
		return jose.EdDSA
	}
	return ""
}

func (s keySet) Algorithms() []jose.SignatureAlgorithm { return publicAlgorithms }

func (s keySet) Key(_ context.Context, header jose.Header) (any, error) {
	if key := s.find(header); key != nil {
		return key, nil
	}
	return nil, errInvalid
}

// find returns the key that a header names, nil if there is none. A header without a name fits if only one key has its
// algorithm. The key decides about the algorithm, never the header.
func (s keySet) find(header jose.Header) any {
	var found any
	for _, key := range s {
		if string(algorithmOf(key)) != header.Algorithm || header.KeyID != "" && key.KeyID != header.KeyID {
			continue
		}
		if found != nil {
			return nil
		}
		found = key.Key
	}
	return found
}
