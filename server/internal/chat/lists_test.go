package chat

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

func TestROOM13_GoldenList(t *testing.T) {
	golden := load[struct{ List any }](t, "rooms.json")
	look := func(context.Context) ([]Listed, error) { return []Listed{{"general", 2}, {"random", 0}}, nil }
	var outcomes []string
	s := New(Options{Record: &desk{}, Hooks: Hooks{Handled: func(event, outcome string) { outcomes = append(outcomes, event+" "+outcome) }}})
	c := guest(s, "s1")
	a := &acks{}
	s.Rooms(t.Context(), c, look, a.add)
	assert.Equal(t, "answer", plain(t, a.one(t)), golden.List)
	s.Rooms(t.Context(), c, look, nil) // a client that wants no answer gets none
	assert.Equal(t, "outcomes", outcomes, []string{"rooms ok", "rooms invalid"})
}

func TestROOM13_WithoutRoomsTheListIsEmpty(t *testing.T) {
	s := New(Options{Record: &desk{}})
	a := &acks{}
	s.Rooms(t.Context(), guest(s, "s1"), nil, a.add)
	assert.Equal(t, "answer", plain(t, a.one(t)), any(map[string]any{"rooms": []any{}}))
}

func TestROOM14_NumbersThatCannotBeFoundAreUnavailable(t *testing.T) {
	s := New(Options{Record: &desk{}})
	a := &acks{}
	away := func(context.Context) ([]Listed, error) { return nil, errors.New("dial 10.0.0.1: refused") }
	s.Rooms(t.Context(), guest(s, "s1"), away, a.add)
	assert.Equal(t, "code", a.code(t), "unavailable")
}

func TestROOM11_TheRatesAreThoseOfTheConnectionOverAllItsRooms(t *testing.T) {
	rooms := []*Service{New(Options{Record: &desk{}}), New(Options{Record: &desk{}})}
	connection := rooms[0].NewConnection(netip.Prefix{})
	allowed := 0
	for range RequestBurst {
		for _, s := range rooms {
			a := &acks{}
			s.Rooms(t.Context(), s.NewClient(connection, "s", auth.Fixed(auth.Identity{ID: "u"}), nil), nil, a.add)
			if _, ok := a.one(t).(List); ok {
				allowed++
			}
		}
	}
	assert.Equal(t, "requests in both rooms", allowed, RequestBurst)
}
