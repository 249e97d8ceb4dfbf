package chat

import (
	"context"
	"errors"
	"time"

	"scalable-chat/server/internal/auth"
)

// requestTimeout is how long a request waits for its answer.
const requestTimeout = 5 * time.Second

// request is an event that asks for something.
type request struct {
	event  string
	bad    *Error // what is wrong with its arguments
	answer func(context.Context) (any, *Error)
}

// ask answers a request. It blocks for pacing and at most five seconds for the answer. A request without ack, and a request
// over the rates, costs no more than that pacing.
func (s *Service) ask(ctx context.Context, c *Client, r request, ack func(any)) {
	answer, err := any(nil), s.pace(ctx, c)
	if err == nil {
		answer, err = r.ask(ctx, c, ack != nil)
	}
	if err != nil {
		s.refuse(c, r.event, err, ack)
		return
	}
	s.handled(c, r.event, nil)
	ack(answer)
}

func (r request) ask(ctx context.Context, c *Client, wanted bool) (any, *Error) {
	switch {
	case r.bad != nil:
		return nil, r.bad
	case !wanted:
		return nil, invalid("This request needs a callback.")
	case !c.mayAsk():
		return nil, &Error{Code: RateLimited, Message: "There were too many requests. Please wait a moment."}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return r.answer(ctx)
}

// Renewed is the answer to a token that took the place of the one before.
type Renewed struct {
	Status  string `json:"status"`            // always "ok"
	Expires int64  `json:"expires,omitempty"` // milliseconds since the epoch; absent: never
}

// Token handles the event [EventToken]: { token }, another token of the same user. It counts as a request for history. From
// then on each event of the connection counts for the new identity. It blocks for pacing and at most five seconds for the
// keys. Before it returns it calls ack, if that is not nil, once with a [Renewed] or a [Refusal]. Nothing keeps or logs the
// token.
func (s *Service) Token(ctx context.Context, c *Client, args []any, ack func(any)) {
	fields, bad := first(args)
	token, ok := fields["token"].(string)
	if bad == nil && !ok {
		bad = invalid("The token must be text.")
	}
	s.ask(ctx, c, request{EventToken, bad, func(ctx context.Context) (any, *Error) { return renew(ctx, c.speaker, token) }}, ack)
}

func renew(ctx context.Context, speaker *auth.Speaker, token string) (any, *Error) {
	err := speaker.Renew(ctx, token)
	if refusal := (*auth.Refusal)(nil); errors.As(err, &refusal) {
		code := Unauthorized
		if refusal.Code == auth.Expired {
			code = Expired
		}
		return nil, &Error{Code: code, Message: refusal.Message}
	}
	if err != nil {
		return nil, unavailable("The token cannot be checked right now. Please try again.", err)
	}
	renewed := Renewed{Status: OutcomeOK}
	if expires := speaker.Identity().Expires; !expires.IsZero() {
		renewed.Expires = expires.UnixMilli()
	}
	return renewed, nil
}
