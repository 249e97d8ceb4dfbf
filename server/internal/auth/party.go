package auth

import (
	"context"
	"iter"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Speaker is whom some sockets of one connection speak for. All of them see a renewed identity at once. Its methods may be
// called from any goroutine.
type Speaker struct {
	now   atomic.Pointer[Identity]
	party *Party   // nil: the identity never changes
	first Identity // what now points to until the identity is renewed: one piece of memory for both
}

// Fixed makes a speaker without a connection, whose identity never changes.
func Fixed(who Identity) *Speaker { return newSpeaker(who, nil) }

func newSpeaker(who Identity, p *Party) *Speaker {
	s := &Speaker{party: p, first: who}
	s.now.Store(&s.first)
	return s
}

func (s *Speaker) set(who Identity) { s.now.Store(&who) }

// Identity is the newest identity. Its ID never changes.
func (s *Speaker) Identity() Identity { return *s.now.Load() }

// Renew puts the identity of another token of the same user in place of the present one, for all sockets of the connection
// that have this speaker. The error is that of [Authenticator]. A token of another user is refused, and so is one that lets
// the user read less than where the sockets are: who may stay is asked again when the connection ends.
func (s *Speaker) Renew(ctx context.Context, token string) error {
	if s.party == nil || token == "" {
		return errInvalid
	}
	who, err := s.party.authenticate(ctx, Connect{Payload: map[string]any{"token": token}})
	switch {
	case err != nil:
		return err
	case who.ID != s.Identity().ID:
		return errInvalid
	case !s.party.renew(s, who):
		return errFewer
	}
	return nil
}

// Party is for whom one connection speaks, in all of its namespaces. Namespaces with equal identities share a speaker. Its
// methods may be called from any goroutine.
type Party struct {
	authenticator Authenticator
	connection    Connection

	mu     sync.Mutex
	held   *Speaker // speaks in namespaces whose CONNECT has no credentials; nil: nobody yet
	told   int64    // the last expiry that was told, as [time.Time.Unix]; 0: never
	proven bool     // held has shown credentials
	mortal bool     // somebody has come whose identity expires
}

// Connection is what a party needs of its connection. Its methods must not call the party.
type Connection interface {
	// Speakers yields who speaks in each room that the connection is in or enters. A name of a room may come more than once.
	Speakers() iter.Seq2[string, *Speaker]
	// Expire says when the connection ends unless an identity is renewed: the moment at which the first of them expires, the
	// zero time if none does. It is called when that changes.
	Expire(at time.Time)
}

// NewParty makes the party of a connection.
func NewParty(a Authenticator, c Connection) *Party { return &Party{authenticator: a, connection: c} }

// Identify finds out who speaks in a room, and calls admit with it: from then on [Connection.Speakers] yields that speaker, too.
// A CONNECT without credentials speaks for whom the connection speaks already; the first CONNECT of a connection makes a guest
// then. The caller asks for one CONNECT of a connection at a time, in their order. The error is that of [Authenticator], or a
// [*Refusal] of somebody who may not read in the room.
func (p *Party) Identify(ctx context.Context, room string, payload any, admit func(*Speaker)) error {
	held := p.heldIdentity()
	who, err := p.authenticate(ctx, Connect{Payload: payload, Held: held})
	if err != nil {
		return err
	}
	if who.In(room) < Read {
		return errRoom
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	admit(p.speakerLocked(who, shows(payload, who, held)))
	p.tellLocked()
	return nil
}

// shows reports whether the identity follows from the credentials in a payload. A private id adds nothing to an identity that
// the connection has anyway: it may be forged.
func shows(payload any, who, held Identity) bool {
	return field(payload, "token") != "" || who.ID != held.ID && strings.HasPrefix(field(payload, "pid"), who.ID+".")
}

// authenticate asks the authenticator. Whoever inherits an identity does not get it after its time.
func (p *Party) authenticate(ctx context.Context, c Connect) (Identity, error) {
	who, err := p.authenticator.Authenticate(ctx, c)
	if err == nil && who.expired(time.Now()) {
		return Identity{}, errExpired
	}
	return who, err
}

func (p *Party) heldIdentity() Identity {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		return Identity{}
	}
	return p.held.Identity()
}

// speakerLocked returns the speaker with this identity.
func (p *Party) speakerLocked(who Identity, proven bool) *Speaker {
	p.mortal = p.mortal || !who.Expires.IsZero()
	s := p.findLocked(who)
	if s == nil {
		s = newSpeaker(who, p)
	}
	if p.held == nil || proven && !p.proven {
		p.held, p.proven = s, proven
	}
	return s
}

// findLocked returns the speaker whose identity is the same but for its time, which becomes the later one; nil if there is none.
func (p *Party) findLocked(who Identity) *Speaker {
	if p.held == nil {
		return nil // nobody has come yet
	}
	if p.held.takes(who) {
		return p.held
	}
	for _, s := range p.connection.Speakers() {
		if s.takes(who) {
			return s
		}
	}
	return nil
}

// takes reports whether a speaker has this identity, and makes its time the later one.
func (s *Speaker) takes(who Identity) bool {
	now := s.Identity()
	same := now.equals(who)
	if same && who.outlives(now) {
		s.set(who)
	}
	return same
}

// equals compares everything but the time.
func (i Identity) equals(other Identity) bool {
	return i.ID == other.ID && i.Name == other.Name && i.Role == other.Role && i.Verified == other.Verified &&
		i.Guest == other.Guest && (i.Rooms == nil) == (other.Rooms == nil) && maps.Equal(i.Rooms, other.Rooms)
}

func (i Identity) outlives(other Identity) bool {
	return !other.Expires.IsZero() && (i.Expires.IsZero() || i.Expires.After(other.Expires))
}

// renew gives a speaker another identity, unless that may not read in all rooms where the speaker is.
func (p *Party) renew(by *Speaker, who Identity) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for room, s := range p.connection.Speakers() {
		if s == by && who.In(room) < Read {
			return false
		}
	}
	p.mortal = p.mortal || !who.Expires.IsZero()
	by.set(who)
	p.tellLocked()
	return true
}

// Expiry returns when the first identity expires, the zero time if none does. It is later than what [Connection.Expire] was told
// if a socket has left meanwhile, or never came; the caller takes it as told.
func (p *Party) Expiry() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	first, _ := p.expiryLocked()
	return first
}

// tellLocked tells when the first identity expires, if that has changed.
func (p *Party) tellLocked() {
	if !p.mortal {
		return
	}
	if first, changed := p.expiryLocked(); changed {
		p.connection.Expire(first)
	}
}

// expiryLocked finds out when the first identity expires, and remembers it as told.
func (p *Party) expiryLocked() (first time.Time, changed bool) {
	for _, s := range p.connection.Speakers() {
		if at := s.Identity().Expires; !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	was := p.told
	if p.told = 0; !first.IsZero() {
		p.told = first.Unix()
	}
	return first, p.told != was
}
