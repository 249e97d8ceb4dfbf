package auth

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxSpeakers is for how many users one connection may speak in its life.
const maxSpeakers = 16

var errTooManyUsers = &Refusal{Unauthorized, "This connection speaks for too many users."}

// Speaker is a user on one connection: whom some of its sockets speak for. All of them see a renewed identity at once. Its
// methods may be called from any goroutine.
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

// Renew puts the identity of another token of the same user in place of the present one, on the whole connection. The error
// is that of [Authenticator]; a token of another user is refused.
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
	}
	s.now.Store(&who)
	s.party.tellExpiry()
	return nil
}

// Party is for whom one connection speaks, in all of its namespaces. Its methods may be called from any goroutine.
type Party struct {
	authenticator Authenticator
	expires       func(time.Time)

	mu       sync.Mutex
	speakers []*Speaker // of different users
	held     *Speaker   // speaks in namespaces whose CONNECT has no credentials; nil: nobody yet
	proven   bool       // held has shown credentials
	told     time.Time  // the last expiry that was told
}

// NewParty makes the party of a connection. expires is told when the connection ends unless an identity is renewed: the
// moment at which the first of them expires, the zero time if none does. It is called when that changes.
func NewParty(a Authenticator, expires func(time.Time)) *Party {
	return &Party{authenticator: a, expires: expires}
}

// Identify finds out for whom a CONNECT speaks. Without credentials, that is whoever the connection speaks for already; the
// first CONNECT of a connection makes a guest then. The caller asks for one CONNECT of a connection at a time, in their
// order. The error is that of [Authenticator].
func (p *Party) Identify(ctx context.Context, namespace string, payload any) (*Speaker, error) {
	who, err := p.authenticate(ctx, Connect{Namespace: namespace, Payload: payload, Held: p.heldIdentity()})
	if err != nil {
		return nil, err
	}
	s, err := p.speaker(who, shows(payload, who))
	if err == nil {
		p.tellExpiry()
	}
	return s, err
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

// speaker returns the speaker of a user, with this identity.
func (p *Party) speaker(who Identity, proven bool) (*Speaker, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.findLocked(who.ID)
	switch {
	case s != nil:
		s.now.Store(&who)
	case len(p.speakers) == maxSpeakers:
		return nil, errTooManyUsers
	default:
		s = newSpeaker(who, p)
		p.speakers = append(p.speakers, s)
	}
	if p.held == nil || proven && !p.proven {
		p.held, p.proven = s, proven
	}
	return s, nil
}

func (p *Party) findLocked(id string) *Speaker {
	for _, s := range p.speakers {
		if s.Identity().ID == id {
			return s
		}
	}
	return nil
}

// tellExpiry tells when the first identity expires.
func (p *Party) tellExpiry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var first time.Time
	for _, s := range p.speakers {
		if at := s.Identity().Expires; !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if !first.Equal(p.told) {
		p.told = first
		p.expires(first)
	}
}
