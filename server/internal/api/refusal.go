package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/engineio"
)

// OK is the outcome of a request that was not refused.
const OK = "ok"

// code says in one word why a request was refused.
type code string

// The codes beside those of messages ([chat.Code]) and rooms. They may change the HTTP status, never their meaning.
const (
	unauthorized     code = "unauthorized"           // no key, or a wrong one
	forbidden        code = "forbidden"              // not for the sender of this request
	notFound         code = "not_found"              // no such path
	methodNotAllowed code = "method_not_allowed"     // the path has other methods, as Allow says
	timeout          code = "timeout"                // the body did not come in time
	tooLarge         code = "too_large"              // the body has too many bytes
	unsupported      code = "unsupported_media_type" // the body is not said to be JSON
	invalid          code = "invalid"                // a field or a parameter is missing, unknown, or not what it should be
	rateLimited      code = "rate_limited"           // too many requests
	unavailable      code = "unavailable"            // not now; with the same id, the message may be sent again
	roomInvalid      code = "room_invalid"           // this is not the name of a room
	roomForbidden    code = "room_forbidden"         // the settings do not allow this room
)

// statuses are all codes, with the HTTP status of each.
var statuses = map[code]int{
	unauthorized: http.StatusUnauthorized, forbidden: http.StatusForbidden, notFound: http.StatusNotFound,
	methodNotAllowed: http.StatusMethodNotAllowed, timeout: http.StatusRequestTimeout,
	tooLarge: http.StatusRequestEntityTooLarge, unsupported: http.StatusUnsupportedMediaType,
	invalid: http.StatusBadRequest, code(chat.Empty): http.StatusBadRequest, code(chat.TooLong): http.StatusBadRequest,
	rateLimited: http.StatusTooManyRequests, unavailable: http.StatusServiceUnavailable,
	roomInvalid: http.StatusBadRequest, roomForbidden: http.StatusForbidden,
}

// Codes are all codes of a refusal, in alphabetical order.
func Codes() []string {
	var all []string
	for c := range maps.Keys(statuses) {
		all = append(all, string(c))
	}
	slices.Sort(all)
	return all
}

// refusal is why a request was not served. message is for people; cause, which may be nil, is for the log.
type refusal struct {
	code    code
	message string
	cause   error
}

var (
	errUnauthorized = &refusal{code: unauthorized, message: "The request needs a key: Authorization: Bearer <key>."}
	errPage         = &refusal{code: forbidden, message: "This API is for back ends, not for pages."}
	errHost         = &refusal{code: forbidden, message: "Ask by an IP address, as localhost, or by the host of OPS_ADDR."}
	errTooFast      = &refusal{code: rateLimited, message: "There were too many requests. Please wait a moment."}
	errBusy         = &refusal{code: unavailable, message: "There are too many requests at once. Please try again."}
	errStarting     = &refusal{code: unavailable, message: "This node is starting. Please try again."}
	errNotFound     = &refusal{code: notFound, message: "There is nothing at this address."}
	errSlow         = &refusal{code: timeout, message: "The body did not come in time."}
	errType         = &refusal{code: unsupported, message: "The body must be JSON: Content-Type: application/json."}
)

// badRequest says what is wrong with a request. It may quote what the client sent.
func badRequest(format string, args ...any) *refusal {
	return &refusal{code: invalid, message: fmt.Sprintf(format, args...)}
}

// refusalOf is what a client is told of an error of the backend.
func refusalOf(err error) *refusal {
	var said *chat.Error
	var shut *engineio.Refusal
	refused := &refusal{code: unavailable, message: "This cannot be done right now. Please try again.", cause: err}
	switch {
	case errors.As(err, &said):
		refused = &refusal{code(said.Code), said.Message, said.Err}
	case errors.As(err, &shut):
		refused = &refusal{code: code(shut.Code), message: shut.Message + "."}
	case errors.Is(err, context.DeadlineExceeded):
		refused.message = "This took too long. Please try again."
	}
	if statuses[refused.code] == 0 { // never: a test knows all codes
		refused.code = unavailable
	}
	return refused
}
