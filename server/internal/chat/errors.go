package chat

import "fmt"

// Code says in one word why an event was refused. The catalogue is closed: clients may switch over it.
type Code string

// The codes. A client may retry the same event after [Unavailable] and [RateLimited]. After any other code the server
// would refuse the same event again, as long as the client speaks for the same user with the same rights.
const (
	Invalid      Code = "invalid"      // the payload has the wrong shape, or a field has a value it may not have
	Empty        Code = "empty"        // the message has only white space
	TooLong      Code = "too_long"     // the message has more characters than allowed
	Forbidden    Code = "forbidden"    // this user may not write in this room
	RateLimited  Code = "rate_limited" // too many requests from this connection or this user
	Unavailable  Code = "unavailable"  // the message may not have been stored; the same id may be sent again
	Unauthorized Code = "unauthorized" // the token is not valid, or not one of this user
	Expired      Code = "expired"      // the token was valid once
)

// OutcomeOK is the outcome of an event that was accepted.
const OutcomeOK = "ok"

// Outcomes returns every outcome that [Hooks] may get: ok, then the codes.
func Outcomes() []string {
	outcomes := []string{OutcomeOK}
	for _, code := range []Code{Invalid, Empty, TooLong, Forbidden, RateLimited, Unavailable, Unauthorized, Expired} {
		outcomes = append(outcomes, string(code))
	}
	return outcomes
}

// Error is the only error that crosses the wire. Message is for people. Err, which may be nil, is for the log and is
// never sent.
type Error struct {
	Code    Code
	Message string
	Err     error
}

// Error returns code, message and cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("%s: %s (%v)", e.Code, e.Message, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Refusal is the error as an ack carries it.
func (e *Error) Refusal() Refusal {
	return Refusal{Status: "error", Code: e.Code, Message: e.Message}
}

// Refusal is the answer to an event that was not accepted.
type Refusal struct {
	Status  string `json:"status"` // always "error"
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

func invalid(format string, args ...any) *Error {
	return &Error{Code: Invalid, Message: fmt.Sprintf(format, args...)}
}

func unavailable(words string, cause error) *Error {
	return &Error{Code: Unavailable, Message: words, Err: cause}
}
