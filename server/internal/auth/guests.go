package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"strings"
	"sync"
	"sync/atomic"
)

// GuestPrefix begins the id of every guest. A token cannot name such an id.
const GuestPrefix = "~"

// The parts of a guest's credential, <id>.<nonce>.<mac>, in bytes before base64.
const (
	guestIDBytes    = 12
	guestNonceBytes = 6
	guestMACBytes   = 16
)

// guestLength is the length of every guest credential.
const guestLength = len(GuestPrefix) + guestIDBytes*4/3 + 1 + guestNonceBytes*4/3 + 1 + (guestMACBytes*4+2)/3

// MinSecret is the least length of a secret, in bytes.
const MinSecret = 32

// Guests makes guests and knows them again. A guest's credential is a bearer secret: <id>.<nonce>.<mac>, 49 printable
// characters. It is the private id of the guest's sockets, which a stock client sends back when it reconnects, and the token
// that a client may keep over reloads. Private ids of other users have the same form and are no credentials. No node stores
// anything. The zero Guests is not usable.
type Guests struct {
	keys atomic.Pointer[[]*signer]
}

// NewGuests makes an authenticator from secrets of at least [MinSecret] bytes. The first one signs, all of them verify.
func NewGuests(secrets ...string) (*Guests, error) {
	g := &Guests{}
	return g, g.Use(secrets...)
}

// Use replaces the secrets: guests whose credentials none of them has signed are strangers from now on.
func (g *Guests) Use(secrets ...string) error {
	if len(secrets) == 0 {
		return errors.New("guests need a secret")
	}
	var keys []*signer
	for _, s := range secrets {
		if len(s) < MinSecret {
			return errors.New("a secret has fewer than 32 bytes")
		}
		keys = append(keys, newSigner(s))
	}
	g.keys.Store(&keys)
	return nil
}

// fresh is an identity that nobody has had before.
func (g *Guests) fresh() Identity { return guest(GuestPrefix + random(guestIDBytes)) }

func guest(id string) Identity { return Identity{ID: id, Guest: true} }

// Credential makes a new credential of a guest. Credentials of one guest differ.
func (g *Guests) Credential(id string) string {
	text := id + "." + random(guestNonceBytes)
	return text + "." + (*g.keys.Load())[0].sign(text)
}

// PrivateID implements [PrivateIDs]. That of a guest is a credential.
func (g *Guests) PrivateID(who Identity) string { return g.Credential(owner(who)) }

// Owns implements [PrivateIDs].
func (g *Guests) Owns(who Identity, pid string) bool {
	id, ok := g.verify(pid)
	return ok && id == owner(who)
}

// userPrefix begins the private ids of users who are no guests.
const userPrefix = "="

// owner names a user in private ids: a guest by its id, another user by a hash of it.
func owner(who Identity) string {
	if who.Guest {
		return who.ID
	}
	sum := sha256.Sum256([]byte("chat user " + who.ID))
	return userPrefix + base64.RawURLEncoding.EncodeToString(sum[:guestIDBytes])
}

// Verify returns the guest that a credential belongs to; false unless a secret of ours signed exactly this one.
func (g *Guests) Verify(credential string) (id string, ok bool) {
	if !strings.HasPrefix(credential, GuestPrefix) {
		return "", false
	}
	return g.verify(credential)
}

// verify returns the owner of a private id.
func (g *Guests) verify(credential string) (id string, ok bool) {
	if len(credential) != guestLength {
		return "", false
	}
	end := strings.LastIndexByte(credential, '.')
	id, _, ok = strings.Cut(credential[:max(end, 0)], ".")
	if !ok {
		return "", false
	}
	for _, key := range *g.keys.Load() {
		if subtle.ConstantTimeCompare([]byte(key.sign(credential[:end])), []byte(credential[end+1:])) == 1 {
			return id, true
		}
	}
	return "", false
}

// signer signs with one secret. Its hashes have taken the secret in already, which is half of the work for a short text.
type signer struct{ pens sync.Pool }

// pen is a hash with room for what it signs and for the signature.
type pen struct {
	hash.Hash
	text []byte
}

func newSigner(secret string) *signer {
	s := &signer{}
	s.pens.New = func() any { return &pen{hmac.New(sha256.New, []byte(secret)), make([]byte, 0, 128)} }
	return s
}

// sign signs a text. The prefix keeps the signature apart from any other use of the secret.
func (s *signer) sign(text string) string {
	p := s.pens.Get().(*pen)
	defer s.pens.Put(p)
	p.Reset()
	p.text = append(append(p.text[:0], "chat guest "...), text...)
	_, _ = p.Write(p.text) // never fails
	p.text = p.Sum(p.text[:0])
	return base64.RawURLEncoding.EncodeToString(p.text[:guestMACBytes])
}

func random(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails: it ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}
