package chat

import "context"

// Listed is one room of the public list.
type Listed struct {
	Name   string `json:"name"`
	Online int    `json:"online"` // its members on all nodes
}

// List is the answer to a request for the list of rooms.
type List struct {
	Rooms []Listed `json:"rooms"` // never null
}

// Rooms handles the event [EventRooms], which has no arguments. It is paced and refused like a request for history. Before
// it returns it calls ack, if that is not nil, once with a [List] of what look finds or with a [Refusal]. It blocks for
// pacing and at most five seconds for look, which may be nil: then there are no rooms.
func (s *Service) Rooms(ctx context.Context, c *Client, look func(context.Context) ([]Listed, error), ack func(any)) {
	list, err := List{}, s.pace(ctx, c)
	if err == nil {
		list, err = s.list(ctx, c, look, ack != nil)
	}
	if err != nil {
		s.refuse(c, EventRooms, err, ack)
		return
	}
	s.handled(c, EventRooms, nil)
	ack(list)
}

func (s *Service) list(ctx context.Context, c *Client, look func(context.Context) ([]Listed, error), wanted bool) (List, *Error) {
	switch {
	case !wanted:
		return List{}, invalid("A request for the rooms needs a callback.")
	case !c.conn.request():
		return List{}, &Error{Code: RateLimited, Message: "The rooms were asked for too often. Please wait a moment."}
	case look == nil:
		return List{Rooms: []Listed{}}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	found, err := look(ctx)
	if err != nil {
		return List{}, unavailable("The rooms cannot be counted right now. Please try again.", err)
	}
	return List{Rooms: append([]Listed{}, found...)}, nil
}
