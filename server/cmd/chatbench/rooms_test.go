package main

import (
	"errors"
	"slices"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestPlanGivesEachRoomItsMembers(t *testing.T) {
	for _, p := range []plan{
		{clients: 2000, rooms: 10_000, members: 5},
		{clients: 7, rooms: 3, members: 3},
		{clients: 10, rooms: 10, members: 1},
		{clients: 4, rooms: 9, members: 4},
	} {
		by := p.speakersBy()
		count, least, most := 0, p.speakers(), 0
		for c, speakers := range by {
			rooms := map[int]bool{}
			for _, s := range speakers {
				assert.Equal(t, "client", p.client(s), c)
				rooms[p.room(s)] = true
			}
			assert.Equal(t, "once in each room", len(rooms), len(speakers))
			count, least, most = count+len(speakers), min(least, len(speakers)), max(most, len(speakers))
		}
		assert.Equal(t, "speakers", count, p.rooms*p.members)
		assert.Equal(t, "evenly", most-least <= p.members, true)
	}
}

func TestPlanWithoutRooms(t *testing.T) {
	p := plan{clients: 4, members: 2}
	assert.Equal(t, "speakers", p.speakers(), 2)
	assert.Equal(t, "by client", slices.Concat(p.speakersBy()...), []int{0, 1})
	assert.Equal(t, "the others do not speak", len(p.speakersBy()[3]), 0)
}

func TestP10_LoadOfManyRooms(t *testing.T) {
	for name, args := range map[string][]string{
		"open loop":   {"-rate", "300", "-d", "300ms", "-warmup", "100ms"},
		"closed loop": {"-rate", "0", "-w", "4", "-d", "100ms"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{deliver: honest}
			r, err := loadResult(t, append(args, "-n", "8", "-s", "8", "-rooms", "12", "-members", "3", "-urls", f.node(t)+","+f.node(t))...)
			assert.NoError(t, err)
			assert.Equal(t, "deliveries", r.Delivered, 3*r.Sent)
			assert.Equal(t, "something was sent", r.Sent > 12, true)
		})
	}
}

func TestP10_LoadFindsWhatLeaksIntoOtherRooms(t *testing.T) {
	f := &fake{deliver: honest, leaky: true}
	r, err := loadResult(t, "-n", "4", "-s", "1", "-rate", "100", "-d", "100ms", "-rooms", "4", "-members", "2", "-urls", f.node(t))
	assert.Equal(t, "faulty", errors.Is(err, errFaulty), true)
	assert.Equal(t, "alien", r.Alien > 0, true)
}
