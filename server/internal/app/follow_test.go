package app

import (
	"encoding/json"
	"strings"
	"testing"

	"scalable-chat/server/internal/api"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/journal"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// line is what the log of a message has.
type line struct{ Msg, Node, Room, Socket, User, Message, Offset, Address, Request string }

// found returns the lines for which a condition holds.
func found(t *testing.T, log *journal.Journal, is func(line) bool) (all []line) {
	t.Helper()
	for text := range strings.Lines(log.String()) {
		if !strings.HasSuffix(text, "\n") {
			break // it is being written
		}
		var l line
		assert.NoError(t, json.Unmarshal([]byte(text), &l), text)
		if is(l) {
			all = append(all, l)
		}
	}
	return all
}

// one waits for the only line of that kind.
func one(t *testing.T, log *journal.Journal, what string, is func(line) bool) line {
	t.Helper()
	var all []line
	assert.Eventually(t, what, func() bool {
		all = found(t, log, func(l line) bool { return l.Msg == what && is(l) })
		return len(all) > 0
	})
	assert.Equal(t, "lines: "+what, len(all), 1)
	return all[0]
}

// TestOneMessageIsFollowedOverTwoNodes by its offset: who said it, from where, when it was stored, and that each node delivered it.
func TestOneMessageIsFollowedOverTwoNodes(t *testing.T) {
	r := redistest.Start(t)
	a, here := verbose(t, "json", "--redis-url="+r.URL(), "--api-keys="+apiKey)
	b, there := verbose(t, "json", "--redis-url="+r.URL())
	for _, room := range []string{"/", "cats"} {
		namespace := "/"
		if room != "/" {
			namespace = RoomsPath + "/" + room
		}
		speaker := open(t, a.url(), siotest.Options{Transport: siotest.WebSocket, Namespace: namespace})
		reader := open(t, b.url(), siotest.Options{Transport: siotest.WebSocket, Namespace: namespace})
		say(t, speaker, "not for logs")
		assert.Eventually(t, "it is read", func() bool { return reader.State().Messages == 1 })
		m := reader.Report().Segments[0].Messages[0]

		at := func(l line) bool { return l.Offset == m.Offset }
		stored := one(t, here, "message stored", at)
		said := one(t, here, "message accepted", func(l line) bool { return l.Message == stored.Message })
		entered := one(t, here, "client entered", func(l line) bool { return l.Socket == stored.Socket && l.Room == room })
		assert.Equal(t, "stored", stored, line{"message stored", a.parts.id, room, said.Socket, m.From, said.Message, m.Offset, "", ""})
		assert.Equal(t, "accepted", said, line{"message accepted", a.parts.id, room, entered.Socket, m.From, said.Message, "", "", ""})
		assert.Equal(t, "entered", entered, line{"client entered", a.parts.id, room, said.Socket, m.From, "", "", "127.0.0.1/32", ""})
		for node, log := range map[*App]*journal.Journal{a: here, b: there} {
			assert.Equal(t, "delivered", one(t, log, "message delivered", at), line{Msg: "message delivered", Node: node.parts.id, Room: room, Offset: m.Offset})
		}
		assert.Equal(t, "stored elsewhere", len(found(t, there, func(l line) bool { return l.Msg == "message stored" })), 0)
		speaker.Close()
		one(t, here, "client left", func(l line) bool { return l.Socket == said.Socket })
	}
	ask[chat.Stored](t, a, 200, "rooms/cats/messages", `{"message":"not for logs","id":"order-7","user":{"id":"7"}}`)
	byAPI := one(t, here, "message stored", func(l line) bool { return l.User == "7" })
	assert.Equal(t, "as docs/OPERATIONS.md computes it", byAPI.Message, "df8cf80227ec3237")
	assert.Equal(t, "texts and ids in logs", here.Count("not for logs")+there.Count("not for logs")+here.Count("order-7"), 0)
}

// TestAPI16_TheBusiestRooms of a node come first, with what they cost.
func TestAPI16_TheBusiestRooms(t *testing.T) {
	r := redistest.Start(t)
	a, b := start(t, "--redis-url="+r.URL(), "--api-keys="+apiKey), start(t, "--redis-url="+r.URL())
	assert.Equal(t, "at first", ask[api.Top](t, a, 200, "top", "").Rooms, []api.Busy{{Name: "/"}})
	reader := inRoom(t, a.url(), "cats", siotest.WebSocket)
	inRoom(t, a.url(), "dogs", siotest.WebSocket)
	speaker := inRoom(t, b.url(), "cats", siotest.WebSocket)
	for range 50 {
		say(t, speaker, "meow")
	}
	assert.Eventually(t, "it is read", func() bool { return reader.State().Messages == 50 })
	var all []api.Busy
	assert.Eventually(t, "the list is new", func() bool {
		all = backend{a}.Top(api.MaxTop)
		return len(all) == 3 && all[0].Messages > 1
	})
	cats := all[0]
	assert.Equal(t, "the busiest", cats.Name, "cats")
	assert.Equal(t, "sockets of this node", cats.Sockets, 1)
	assert.Equal(t, "deliveries of one socket", cats.Deliveries, cats.Messages)
	assert.Equal(t, "bytes", cats.Bytes > 50*cats.Messages, true)
	assert.Equal(t, "the others", all[1:], []api.Busy{{Name: "dogs", Sockets: 1}, {Name: "/"}})
	assert.Equal(t, "one is asked for", len(ask[api.Top](t, a, 200, "top?limit=1", "").Rooms), 1)
}
