// Package admission is the door of the edge: it finds out for whom a CONNECT speaks, and whether that user may be there.
//
//	CONNECT ──▶ engineio ──▶ Door.Identify ──▶ auth (who?) ──▶ rights (may they read here?) ──▶ gate of the rooms ──▶ library
//
// It owns the [auth.Party] of each connection and the end of a connection whose credentials have expired. It has no goroutine.
package admission

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math/rand/v2"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/room"
)

// Options configure a door.
type Options struct {
	Authenticator auth.Authenticator // required
	// Grace is how long a connection outlives its credentials, so that a client has time to renew them; up to a third more, so
	// that clients whose credentials expire together do not come back together. Default 30 s.
	Grace time.Duration
	// Refused is called for each refusal, with one of [Codes] or that of a forbidden room; nil: nobody is told.
	Refused func(code string)
}

// Door admits CONNECTs. Its methods may be called from any goroutine.
type Door struct {
	opts Options
}

// New makes a door.
func New(o Options) *Door {
	if o.Grace <= 0 {
		o.Grace = 30 * time.Second
	}
	if o.Refused == nil {
		o.Refused = func(string) {}
	}
	return &Door{o}
}

// Codes are the codes of a refusal that the gate of the rooms does not have.
func Codes() []string { return []string{auth.Unauthorized, auth.Expired} }

// session is what the door needs of an [engineio.Session].
type session interface {
	Party(make func() any) any
	Passes(yield func(namespace string, pass any) bool)
	SetPass(namespace string, pass any)
	Expire(after time.Duration)
}

// Identify implements [engineio.Options.Identify]: the pass is an [*auth.Speaker].
func (d *Door) Identify(ctx context.Context, s *engineio.Session, c engineio.Connect) error {
	return d.identify(ctx, s, c)
}

func (d *Door) identify(ctx context.Context, s session, c engineio.Connect) error {
	admit := func(by *auth.Speaker) { s.SetPass(c.Namespace, by) }
	err := d.party(s).Identify(ctx, room.NameOf(c.Namespace), decode(c.Payload), admit)
	var refusal *auth.Refusal
	if errors.As(err, &refusal) {
		d.opts.Refused(refusal.Code)
		return &engineio.Refusal{Code: refusal.Code, Message: refusal.Message}
	}
	return err
}

// Expired implements [engineio.Options.Expired]: a session goes on if whoever has expired has left, or was not let in.
func (d *Door) Expired(s *engineio.Session) bool { return d.expired(s) }

func (d *Door) expired(s session) bool {
	at := d.party(s).Expiry()
	over := !at.IsZero() && time.Until(at) <= -d.opts.Grace
	if !over {
		connection{s, d.opts.Grace}.Expire(at)
	}
	return over
}

// party is that of the session.
func (d *Door) party(s session) *auth.Party {
	return s.Party(func() any { return auth.NewParty(d.opts.Authenticator, connection{s, d.opts.Grace}) }).(*auth.Party)
}

// connection is a session as its party sees it.
type connection struct {
	session
	grace time.Duration
}

// Speakers implements [auth.Connection].
func (c connection) Speakers() iter.Seq2[string, *auth.Speaker] {
	return func(yield func(string, *auth.Speaker) bool) {
		for namespace, pass := range c.Passes {
			if by, ok := pass.(*auth.Speaker); ok && !yield(room.NameOf(namespace), by) {
				return
			}
		}
	}
}

// longest is a time that no connection lasts. Credentials that end later never do: "never", as some issuers write it, is
// further away than a duration can say.
const longest = 100 * 365 * 24 * time.Hour

// Expire implements [auth.Connection]: the session ends some time after its credentials.
func (c connection) Expire(at time.Time) {
	after := time.Duration(0)
	if left := time.Until(at); !at.IsZero() && left < longest {
		after = max(left+c.grace+rand.N(c.grace/3+1), 1)
	}
	c.session.Expire(after)
}

// decode reads the payload of a CONNECT, which is valid JSON. Most are empty.
func decode(payload []byte) (object any) {
	if string(payload) != "{}" {
		_ = json.Unmarshal(payload, &object) // an error leaves nothing: no credentials
	}
	return object
}
