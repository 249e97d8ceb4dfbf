// Package auth answers one question: for whom does a socket speak?
//
// An [Authenticator] answers it for each CONNECT, before a session is recovered and before the Socket.IO library makes a
// socket. The answer is an [Identity], a small value that callers pass on. It is never read back from a payload and never
// logged.
//
//	CONNECT ── token of the operator's issuer ──▶ Tokens ──▶ Identity{ID: "ada", Verified}
//	        ── pid or token of a guest ─────────▶ Guests ──▶ Identity{ID: "~4Vk…", Guest}
//	        ── nothing ─────────────────────────▶ what the connection has, else a new guest
//
// [Policy] puts the two together as the settings ask. A connection may speak for several users in different namespaces: its
// [Party] knows them. A socket holds its [Speaker], which a new token renews in place.
package auth

import (
	"context"
	"time"
)

// Identity says for whom a socket speaks. It is a value: callers copy it, and nobody changes it.
type Identity struct {
	// ID is the public id of the user. Only the server gives it; nobody else can use it.
	ID string
	// Name is the username of all messages of the socket, whatever the client sends; empty: each message names its author.
	Name string
	// Role is what the token says, for programs of the operator; empty for a guest.
	Role string
	// Verified means that Name comes from a token.
	Verified bool
	// Guest means that the server made the id up.
	Guest bool
	// Expires is when the identity ends; the zero time: never.
	Expires time.Time
	// Rooms are the rights in rooms; nil: [Write] everywhere. Nobody writes to it.
	Rooms Rights
}

// expired reports whether the identity has ended.
func (i Identity) expired(now time.Time) bool { return !i.Expires.IsZero() && !now.Before(i.Expires) }

// Connect is a CONNECT that needs an answer. It may hold credentials: an authenticator neither keeps nor logs it.
type Connect struct {
	Payload any      // the client's "auth", as decoded from JSON
	Held    Identity // for whom the connection speaks already in its other namespaces; zero: for nobody
}

// The codes of refusals, as they cross the wire.
const (
	Unauthorized = "unauthorized"   // the credentials are invalid, or there are none where they are needed
	Expired      = "expired"        // the credentials were valid once
	Forbidden    = "room_forbidden" // the credentials are valid, but not for the room
)

// Refusal tells a client why it may not connect. It becomes the CONNECT_ERROR { message, data: { code } }. A stock client
// does not retry after one, so a refusal is final.
type Refusal struct {
	Code    string // for programs, one word
	Message string // for people; it says nothing about the credentials
}

// Error implements error.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// Authenticator says for whom a socket speaks.
type Authenticator interface {
	// Authenticate answers one CONNECT. The error is a [*Refusal], or anything else if the answer cannot be found at the
	// moment: then the client may come back. It may be called from any goroutine, and may wait until ctx ends.
	Authenticate(ctx context.Context, c Connect) (Identity, error)
}

// PrivateIDs makes and checks the private ids (pid) of sockets, with which a client that reconnects asks for its place.
type PrivateIDs interface {
	// PrivateID makes the id of a new socket of a user, at most 64 letters, digits and signs of "~=.-_". Nobody can
	// guess it.
	PrivateID(who Identity) string
	// Owns reports whether an id was made for a socket of this user.
	Owns(who Identity, pid string) bool
}

// field returns a text of a payload, empty if there is none.
func field(payload any, name string) string {
	object, _ := payload.(map[string]any)
	text, _ := object[name].(string)
	return text
}
