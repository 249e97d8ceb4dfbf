package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // unlike the standard library's, it tells "sub" from "Sub" and refuses an object with a name twice
)

// open checks the signature of a token (RFC 7515, compact serialization) and returns its payload: nothing of a forged token but
// its header is looked at. The error is that of [Keys.Key], or errInvalid. The library can do this, too, but decodes and encodes
// the header again and again.
func open(ctx context.Context, keys Keys, token string) ([]byte, error) {
	end := strings.LastIndexByte(token, '.')
	head, body, ok := strings.Cut(token[:max(end, 0)], ".")
	if !ok {
		return nil, errInvalid
	}
	header, ok := readHeader(head)
	if !ok || !slices.Contains(keys.Algorithms(), jose.SignatureAlgorithm(header.Algorithm)) {
		return nil, errInvalid
	}
	key, err := keys.Key(ctx, header)
	if err != nil {
		return nil, err
	}
	signature, signed := decodePart(token[end+1:])
	payload, ok := decodePart(body) // fails if there are more than three parts
	if !signed || !ok || !signs(key, []byte(token[:end]), signature) {
		return nil, errInvalid
	}
	return payload, nil
}

// readHeader reads what matters of a header. Extensions that must be understood ("crit") are not.
func readHeader(part string) (h jose.Header, ok bool) {
	text, ok := decodePart(part)
	if !ok {
		return h, false
	}
	var read struct {
		Algorithm string          `json:"alg"`
		KeyID     string          `json:"kid"`
		Critical  json.RawMessage `json:"crit"`
	}
	if json.Unmarshal(text, &read) != nil || read.Critical != nil {
		return h, false
	}
	return jose.Header{Algorithm: read.Algorithm, KeyID: read.KeyID}, true
}

// decodePart decodes a part of a token. Each part has one encoding, without padding and line breaks.
func decodePart(part string) (decoded []byte, ok bool) {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return decoded, err == nil && base64.RawURLEncoding.EncodedLen(len(decoded)) == len(part)
}

// signs reports whether a signature is that of a key. The kind of the key decides what a signature is; [Keys] has held it
// against the algorithm of the token.
func signs(key any, text, signature []byte) bool {
	digest := sha256.Sum256(text)
	switch k := key.(type) {
	case []byte: // HS256
		h := hmac.New(sha256.New, k)
		h.Write(text)
		return hmac.Equal(h.Sum(nil), signature)
	case *rsa.PublicKey: // RS256
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey: // ES256: two numbers of equal length (RFC 7518, 3.4)
		if len(signature) != 64 {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return ecdsa.Verify(k, digest[:], r, s)
	case ed25519.PublicKey: // EdDSA
		return ed25519.Verify(k, text, signature) // panics if the key has a wrong length, which no key of a JWKS has
	}
	return false
}
