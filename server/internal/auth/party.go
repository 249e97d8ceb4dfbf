package auth

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Speaker is whom some sockets of one connection speak for. All of them see a renewed identity at once. Its methods may be
// called from any goroutine.
type Speaker struct {
	now   atomic.Pointer[Identity]
	party *Party // nil: the identity never changes
}

// Fixed makes a speaker without a connection, whose identity never changes.
func Fixed(who Identity) *Speaker { return newSpeaker(who, nil) }

func newSpeaker(who Identity, p *Party) *Speaker {
	s := &Speaker{party: p}
	s.now.Store(&who)
	return s
}

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
	s.party.tellExpiry()
	return nil
}

// Party is for whom one connection speaks, in all of its namespaces. Namespaces with equal identities share a speaker. Its
// methods may be called from any goroutine.
type Party struct {
	authenticator Authenticator
	connection    Connection

	mu     sync.Mutex
	held   *Speaker // speaks in namespaces whose CONNECT has no credentials; nil: nobody yet
	newest *Speaker // of the newest CONNECT, which may not be in its room yet
	told   int64    // the last expiry that was told, as [time.Time.Unix]; 0: never
	proven bool     // held has shown credentials
}

// Connection is what a party needs of its connection. Its methods must not call the party.
type Connection interface {
	// Speakers returns who speaks in each room that the connection is in, in a map that becomes the caller's.
	Speakers() map[string]*Speaker
	// Expire says when the connection ends unless an identity is renewed: the moment at which the first of them expires, the
	// zero time if none does. It is called when that changes.
	Expire(at time.Time)
}

// NewParty makes the party of a connection.
func NewParty(a Authenticator, c Connection) *Party { return &Party{authenticator: a, connection: c} }

// Identify finds out for whom a CONNECT speaks. Without credentials, that is whoever the connection speaks for already; the
// first CONNECT of a connection makes a guest then. The caller asks for one CONNECT of a connection at a time, in their
// order. The error is that of [Authenticator].
func (p *Party) Identify(ctx context.Context, namespace string, payload any) (*Speaker, error) {
	who, err := p.authenticate(ctx, Connect{Namespace: namespace, Payload: payload, Held: p.heldIdentity()})
	if err != nil {
		return nil, err
	}
	s := p.speaker(who, shows(payload, who))
	p.tellExpiry()
	return s, nil
}

// shows reports whether the identity follows from the credentials in a payload.
func shows(payload any, who Identity) bool {
	return field(payload, "token") != "" || strings.HasPrefix(field(payload, "pid"), who.ID+".")
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

// speaker returns the speaker with this identity.
func (p *Party) speaker(who Identity, proven bool) *Speaker {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := find(slices.AppendSeq([]*Speaker{p.held}, maps.Values(p.connection.Speakers())), who)
	if s == nil {
		s = newSpeaker(who, p)
	}
	if p.newest = s; p.held == nil || proven && !p.proven {
		p.held, p.proven = s, proven
	}
	return s
}

// find returns the speaker whose identity is the same but for its time, which becomes the later one; nil if there is none.
func find(known []*Speaker, who Identity) *Speaker {
	for _, s := range known {
		if s == nil {
			continue
		}
		if now := s.Identity(); now.equals(who) {
			if who.outlives(now) {
				s.now.Store(&who)
			}
			return s
		}
	}
	return nil
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
	by.now.Store(&who)
	return true
}

// tellExpiry tells when the first identity expires.
func (p *Party) tellExpiry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var first time.Time
	for _, s := range slices.AppendSeq([]*Speaker{p.newest}, maps.Values(p.connection.Speakers())) {
		if at := s.Identity().Expires; !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	seconds := int64(0)
	if !first.IsZero() {
		seconds = first.Unix()
	}
	if seconds != p.told {
		p.told = seconds
		p.connection.Expire(first)
	}
}
