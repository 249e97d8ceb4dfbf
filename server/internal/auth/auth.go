// Package auth answers one question: for whom does a socket speak?
//
// An [Authenticator] answers it for each CONNECT, before a session is recovered and before the Socket.IO library makes a
// socket. The answer is an [Identity], a small value that callers pass on. It is never read back from a payload and never
// logged. There is one authenticator so far, [Guests].
package auth

// Identity says for whom a socket speaks. The zero Identity is a guest: each of its messages names its author.
type Identity struct {
	// Name is the username of all messages of the socket, whatever the client sends; empty for a guest.
	Name string
}

// Connect is a CONNECT that needs an answer. It may hold credentials: an authenticator neither keeps nor logs it.
type Connect struct {
	Namespace string
	Payload   any // the client's "auth", as decoded from JSON
}

// Unauthorized is the code of a refusal because of invalid credentials.
const Unauthorized = "unauthorized"

// Refusal tells a client why it may not connect. It becomes the CONNECT_ERROR { message, data: { code } }. A stock client
// does not retry after one, so a refusal is final.
type Refusal struct {
	Code    string // for programs, one word
	Message string // for people
}

// Authenticator says for whom a socket speaks.
type Authenticator interface {
	// Authenticate answers one CONNECT, with an identity or with a non-nil refusal. It may be called from any goroutine. The
	// edge does not read the connection until it returns, so it must return in bounded time. A panic counts as a refusal.
	Authenticate(Connect) (Identity, *Refusal)
}

// Guests treats every client as a guest.
type Guests struct{}

var _ Authenticator = Guests{}

// Authenticate implements [Authenticator].
func (Guests) Authenticate(Connect) (Identity, *Refusal) { return Identity{}, nil }
