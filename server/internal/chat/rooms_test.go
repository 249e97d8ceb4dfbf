package chat

import (
	"context"
	"errors"
	"testing"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

func TestROOM13_GoldenList(t *testing.T) {
	golden := load[struct{ List any }](t, "rooms.json")
	look := func(context.Context) ([]Listed, error) { return []Listed{{"general", 2}, {"random", 0}}, nil }
	var outcomes []string
	s := New(Limits{}, &desk{}, nil, nil, Hooks{Handled: func(event, outcome string) { outcomes = append(outcomes, event+" "+outcome) }})
	c := s.NewClient(s.NewConnection(), "s1", auth.Identity{})
	a := &acks{}
	s.Rooms(t.Context(), c, look, a.add)
	assert.Equal(t, "answer", plain(t, a.one(t)), golden.List)
	s.Rooms(t.Context(), c, look, nil) // a client that wants no answer gets none
	assert.Equal(t, "outcomes", outcomes, []string{"rooms ok", "rooms invalid"})
}

func TestROOM13_WithoutRoomsTheListIsEmpty(t *testing.T) {
	s := New(Limits{}, &desk{}, nil, nil, Hooks{})
	a := &acks{}
	s.Rooms(t.Context(), s.NewClient(s.NewConnection(), "s1", auth.Identity{}), nil, a.add)
	assert.Equal(t, "answer", plain(t, a.one(t)), any(map[string]any{"rooms": []any{}}))
}

func TestROOM14_NumbersThatCannotBeFoundAreUnavailable(t *testing.T) {
	s := New(Limits{}, &desk{}, nil, nil, Hooks{})
	a := &acks{}
	away := func(context.Context) ([]Listed, error) { return nil, errors.New("dial 10.0.0.1: refused") }
	s.Rooms(t.Context(), s.NewClient(s.NewConnection(), "s1", auth.Identity{}), away, a.add)
	assert.Equal(t, "code", a.code(t), "unavailable")
}

func TestROOM11_TheRatesAreThoseOfTheConnectionOverAllItsRooms(t *testing.T) {
	rooms := []*Service{New(Limits{}, &desk{}, nil, nil, Hooks{}), New(Limits{}, &desk{}, nil, nil, Hooks{})}
	connection := rooms[0].NewConnection()
	allowed := 0
	for range historyBurst {
		for _, s := range rooms {
			a := &acks{}
			s.Rooms(t.Context(), s.NewClient(connection, "s", auth.Identity{}), nil, a.add)
			if _, ok := a.one(t).(List); ok {
				allowed++
			}
		}
	}
	assert.Equal(t, "requests in both rooms", allowed, historyBurst)
}
