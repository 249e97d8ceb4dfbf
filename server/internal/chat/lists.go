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
	find := func(ctx context.Context) (any, *Error) {
		if look == nil {
			return List{Rooms: []Listed{}}, nil
		}
		found, err := look(ctx)
		if err != nil {
			return nil, unavailable("The rooms cannot be counted right now. Please try again.", err)
		}
		return List{Rooms: append([]Listed{}, found...)}, nil
	}
	s.ask(ctx, c, request{event: EventRooms, answer: find}, ack)
}

// MaxPeople is the most people of an answer.
const MaxPeople = 100

// Person is somebody who is in the room.
type Person struct {
	ID       string `json:"id"`   // of the user, as in the messages
	Name     string `json:"name"` // see [Client.Name]
	Verified bool   `json:"verified,omitempty"`
}

// People is the answer to a request for who is in the room.
type People struct {
	Total  int      `json:"total"`  // on all nodes, also those who are not named
	People []Person `json:"people"` // never null, at most [MaxPeople]
}

// People handles the event [EventPeople], which has no arguments. It is paced and refused like a request for history. Before
// it returns it calls ack, if that is not nil, once with a [People] of what find finds or with a [Refusal]. It blocks for
// pacing and at most five seconds for find, which may be nil: then nobody can be found.
func (s *Service) People(ctx context.Context, c *Client, find func(context.Context) (People, error), ack func(any)) {
	const words = "Who is here cannot be told right now. Please try again."
	look := func(ctx context.Context) (any, *Error) {
		if find == nil {
			return nil, unavailable(words, nil)
		}
		found, err := find(ctx)
		if err != nil {
			return nil, unavailable(words, err)
		}
		found.People = append([]Person{}, found.People[:min(len(found.People), MaxPeople)]...)
		return found, nil
	}
	s.ask(ctx, c, request{event: EventPeople, answer: look}, ack)
}
