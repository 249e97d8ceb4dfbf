package chaos

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/siotest"
)

// room is one of the rooms that visitors open, fill, leave and close.
type room struct {
	name string
	past *past

	mu     sync.Mutex
	visits []*visit
}

func newRoom(n int) *room { return &room{name: "room." + strconv.Itoa(n), past: newPast()} }

// namespace is what a client connects to.
func (r *room) namespace() string { return "/rooms/" + r.name }

// key is that of the room's stream in Redis. While it has no entry, the first offset is in the key with ":genesis" at the end.
func (r *room) key() string { return "{" + StreamKey + ":" + r.name + "}:room" }

// add notes that somebody has come.
func (r *room) add(v *visit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.visits = append(r.visits, v)
}

// all returns the visits so far.
func (r *room) all() []*visit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.visits[:len(r.visits):len(r.visits)]
}

// visitors are the visits of all rooms.
func (r *Scene) visits() (all []*visit) {
	for _, room := range r.rooms {
		all = append(all, room.all()...)
	}
	return all
}

// settleRooms waits until everybody who is in a room has everything of it, and compares all timelines of all rooms with
// the record.
func (r *Scene) settleRooms(expect Expect) (faults []string) {
	r.t.Helper()
	messages, resets, reconnects, occupied := 0, 0, 0, 0
	for _, room := range r.rooms {
		order := room.past.order()
		lines := newTimelines(order)
		faults = append(faults, checkLinks(order)...)
		faults = append(faults, checkAuthors(order)...)
		for _, v := range room.all() {
			if !v.left {
				r.awaitEnd(v.client, lines.newest())
				occupied++
			}
			faults = append(faults, checkSender(order, v.sender)...)
			faults = append(faults, v.check(lines, expect)...)
			state := v.client.State()
			resets += state.Connects - state.Recovered - 1
			reconnects += state.Connects - 1
		}
		messages += len(lines.messages)
	}
	if len(r.rooms) > 0 {
		r.t.Logf("%d visits of %d rooms, %d go on, %d messages, %d reconnects, %d of them not recovered",
			len(r.visits()), len(r.rooms), occupied, messages, reconnects, resets)
	}
	return faults
}

// check compares what the visitor saw with the record. A visitor that has left need not have seen its end.
func (v *visit) check(lines timelines, expect Expect) (faults []string) {
	report := v.client.Report()
	for _, f := range lines.checkClient(report, !v.left) {
		faults = append(faults, fmt.Sprintf("P10: %s in %s: %s", v.sender.name, v.room.name, f))
	}
	if n := unrecovered(report); n > 0 && !expect.Resets {
		faults = append(faults, fmt.Sprintf("P10, P3: %s in %s was not recovered %d times", v.sender.name, v.room.name, n))
	}
	return faults
}

// awaitEnd waits until the client has the entry at this place.
func (r *Scene) awaitEnd(c *siotest.Client, end stream.Offset) {
	r.t.Helper()
	r.awaitClient(c, "everybody has everything", func(s siotest.State) bool {
		return s.Joined && (s.Offset == end.String() || after(s.Offset, end))
	})
}

// isOfARoom reports whether a key belongs to one of the rooms.
func (r *Scene) isOfARoom(key string) bool {
	for _, room := range r.rooms {
		if key == room.key() || strings.HasPrefix(key, room.key()+":") {
			return true
		}
	}
	return false
}
