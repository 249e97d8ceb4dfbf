package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// crowd is clients that share many rooms evenly, each over one connection.
type crowd struct {
	t       *testing.T
	members [][]*siotest.Client // of each room
	said    [][]string          // in each room
}

// newCrowd lets each client enter as many rooms; each room gets the given number of members, on all nodes.
func newCrowd(t *testing.T, rooms, members, share int, nodes ...*App) *crowd {
	t.Helper()
	c := &crowd{t, make([][]*siotest.Client, rooms), make([][]string, rooms)}
	clients := rooms * members / share
	for i := range clients {
		home := open(t, nodes[i%len(nodes)].url(), siotest.Options{Transport: siotest.WebSocket})
		var all []*siotest.Client
		for n := range share {
			room := (i*share + n) % rooms
			other := home.Beside(fmt.Sprintf("%s/r-%d", RoomsPath, room))
			c.members[room] = append(c.members[room], other)
			all = append(all, other)
		}
		for _, other := range all {
			wait(t, other, "joined", func(s siotest.State) bool { return s.Joined })
		}
	}
	return c
}

// talk lets random members say so many messages, and waits until all are acked.
func (c *crowd) talk(messages int) {
	c.t.Helper()
	random := seeded(c.t)
	acks := make(chan error, messages)
	for n := range messages {
		room := random.IntN(len(c.members))
		speaker := c.members[room][random.IntN(len(c.members[room]))]
		text := fmt.Sprintf("r-%d m-%d", room, n)
		c.said[room] = append(c.said[room], text)
		done := func(_ json.RawMessage, err error) { acks <- err }
		assert.Equal(c.t, "sent", speaker.Emit(done, "event:message", map[string]any{"message": text, "username": "u"}), true)
	}
	for range messages {
		assert.NoError(c.t, assert.Receive(c.t, "ack", acks))
	}
}

// check compares what every member of every room has seen: the same messages in the same order, those of the room.
func (c *crowd) check() {
	c.t.Helper()
	for room, members := range c.members {
		want := slices.Sorted(slices.Values(c.said[room]))
		for _, m := range members {
			wait(c.t, m, "told everything", func(s siotest.State) bool { return s.Messages >= len(want) })
			assert.Equal(c.t, "order in the room", texts(m), texts(members[0]))
			assert.Equal(c.t, "messages of the room", slices.Sorted(slices.Values(texts(m))), want)
			sound(c.t, m)
		}
	}
}

// TestP10_AThousandRooms: every member of every room has exactly the room's timeline.
func TestP10_AThousandRooms(t *testing.T) {
	const rate = "--message-rate=0"
	t.Run("alone", func(t *testing.T) {
		c := newCrowd(t, 1000, 5, 50, start(t, rate))
		c.talk(5000)
		c.check()
	})
	t.Run("clustered", func(t *testing.T) {
		redis := "--redis-url=" + redistest.Start(t).URL()
		c := newCrowd(t, 1000, 5, 50, start(t, rate, redis), start(t, rate, redis))
		c.talk(5000)
		c.check()
	})
}
