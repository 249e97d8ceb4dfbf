package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"

	"scalable-chat/server/internal/pace"
)

// keyring has the keys of the API, by their hashes, so that comparing takes the same time whatever was sent.
type keyring struct {
	keys   []*key
	anyone *key // without keys: everybody
}

// key is one key, or nobody's, with the rate of its requests.
type key struct {
	hash  [sha256.Size]byte
	rate  pace.Bucket
	began time.Time
}

func newKeyring(keys []string) (ring keyring) {
	began := time.Now()
	for _, text := range keys {
		ring.keys = append(ring.keys, &key{hash: sha256.Sum256([]byte(text)), rate: pace.New(keyRate, keyBurst), began: began})
	}
	if len(keys) == 0 {
		ring.anyone = &key{rate: pace.New(keyRate, keyBurst), began: began}
	}
	return ring
}

// find returns the key in the Authorization header of a request, nil if there is not exactly one valid key.
func (ring keyring) find(authorization []string) (found *key) {
	if ring.anyone != nil {
		return ring.anyone
	}
	if len(authorization) != 1 {
		return nil
	}
	scheme, text, _ := strings.Cut(authorization[0], " ")
	hash := sha256.Sum256([]byte(text))
	for _, k := range ring.keys {
		if subtle.ConstantTimeCompare(k.hash[:], hash[:]) == 1 {
			found = k
		}
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return found
}

// take reports whether one more request is within the rate.
func (k *key) take() bool { return k.rate.Take(time.Since(k.began)) }
