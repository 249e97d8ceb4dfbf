// Package auth owns the answer to one question: whom does a socket speak for?
//
// An [Authenticator] answers it for each CONNECT, before a session is recovered and before the Socket.IO library makes a
// socket. The answer is an [Identity], a small value that is handed on from call to call. It is never read back from a
// payload and never logged. There is one authenticator so far, [Guests].
package auth

// Identity is whom a socket speaks for. The zero Identity is a guest: each message says what its author is called.
type Identity struct {
	// Name is the username of everything that the socket says, whatever the client sends; empty for a guest.
	Name string
}

// Connect is a CONNECT that is to be answered. It may hold credentials: an authenticator neither keeps nor logs it.
type Connect struct {
	Namespace string
	Payload   any // what the client sent along (its "auth"), as the JSON decoder made it
}

// Unauthorized is the code of a refusal because of credentials that are not valid.
const Unauthorized = "unauthorized"

// Refusal tells a client why it is not let in. It becomes the CONNECT_ERROR { message, data: { code } }. A stock client
// does not try again after one, so a refusal is final.
type Refusal struct {
	Code    string // for programs, one word
	Message string // for people
}

// Authenticator says whom a socket is going to speak for.
type Authenticator interface {
	// Authenticate answers one CONNECT: with an identity, or with a refusal that is not nil. It may be called from any
	// goroutine. The connection is not read until it returns, so it returns in bounded time. A panic counts as a refusal.
	Authenticate(Connect) (Identity, *Refusal)
}

// Guests takes every client for a guest.
type Guests struct{}

var _ Authenticator = Guests{}

// Authenticate implements [Authenticator].
func (Guests) Authenticate(Connect) (Identity, *Refusal) { return Identity{}, nil }
