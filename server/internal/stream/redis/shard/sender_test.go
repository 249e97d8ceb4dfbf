package shard

import (
	"context"
	"fmt"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// TestP10_NothingIsKeptForAMasterWithoutRooms: addresses come and go with the servers. A room that had its home there finds another.
func TestP10_NothingIsKeptForAMasterWithoutRooms(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{}, server.Addr)
	r, o := s.Room("cats"), &outcomes{}
	r.SetMembers(1)
	members(t, server, s, "cats", 1)
	senders := func() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.senders) }
	for n := range 2 {
		say(t, r, o, fmt.Sprint("event-", n))
		o.stored(t, n+1)
		assert.Equal(t, "senders", senders(), 1)
		assert.Eventually(t, "its sender ends", func() bool { return senders() == 0 })
	}
	say(t, r, o, "event-2")
	o.stored(t, 3)
	assert.Equal(t, "events", events(t, r), "event-0 event-1 event-2")
	assert.NoError(t, s.Close(t.Context()))
	assert.Equal(t, "masters of the census", len(s.census.masters), 0)
}

// TestP5_CloseLeavesNoRecordUnreported: neither one that a sender has handed over to another that had ended, nor any other, however
// little time there is.
func TestP5_CloseLeavesNoRecordUnreported(t *testing.T) {
	server := redistest.Start(t)
	over, cancel := context.WithCancel(t.Context())
	cancel()

	s := start(t, Options{}, server.Addr)
	r, o := s.Room("cats"), &outcomes{}
	say(t, r, o, "first")
	o.stored(t, 1)
	s.end()
	s.parts.Wait()
	say(t, r, o, "late") // to a sender that has ended
	assert.Equal(t, "Close", s.Close(over), context.Canceled)
	assert.Equal(t, "outcomes", o.count(), 2)

	proxy := redistest.StartProxy(t, server.Addr, 1)
	for round := range 40 {
		const rooms = 20
		proxy.SetDown(false)
		s, o := start(t, Options{}, proxy.Addr), &outcomes{}
		say(t, s.Room("room-0"), o, "the master is known")
		o.stored(t, 1)
		proxy.SetDown(true) // rooms go to and fro between the sender and the router
		for i := range rooms {
			say(t, s.Room(fmt.Sprint("room-", i)), o, "a", "b")
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Duration(round)*time.Millisecond)
		assert.Equal(t, "Close", s.Close(soon), context.DeadlineExceeded)
		assert.Equal(t, "outcomes", o.count(), 1+2*rooms)
		cancel()
	}
}
