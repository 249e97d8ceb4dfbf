package shard

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// members waits until Redis has this number of members of a node in a room; 0: none.
func members(t testing.TB, server *redistest.Server, s *Rooms, room string, want int) {
	t.Helper()
	assert.Eventually(t, fmt.Sprint(want, " members in ", room), func() bool {
		n, _ := strconv.Atoi(server.CLI("HGET", "{chat:"+room+"}:room:online", s.opts.Node))
		return n == want
	})
}

func TestP10_MembersAreWrittenOnceASecond(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{}, server.Addr)
	r := s.Room("cats")
	r.SetMembers(1)
	members(t, server, s, "cats", 1)
	server.CLI("CONFIG", "RESETSTAT")
	began, n := time.Now(), 1
	for ; time.Since(began) < 2500*time.Millisecond; n++ {
		r.SetMembers(n)
		time.Sleep(time.Millisecond)
	}
	r.SetMembers(n)
	members(t, server, s, "cats", n)
	if seconds, writes := int(time.Since(began).Seconds())+2, calls(t, server, "hset"); writes > seconds {
		t.Errorf("%d writes in %d seconds", writes, seconds)
	}
	r.Close()
	members(t, server, s, "cats", 0)
	assert.Equal(t, "keys of an empty room", server.CLI("EXISTS", "{chat:cats}:room:online"), "0")
}

// calls is how often a server has run a command.
func calls(t testing.TB, server *redistest.Server, command string) (n int) {
	t.Helper()
	for _, field := range strings.Fields(server.CLI("INFO", "commandstats")) {
		_, _ = fmt.Sscanf(field, "cmdstat_"+command+":calls=%d,", &n)
	}
	return n
}

func TestP10_MembersAreSummedOverLiveNodes(t *testing.T) {
	for kind, launch := range kinds {
		t.Run(kind, func(t *testing.T) {
			var dead atomic.Pointer[string]
			alive := func(node string) bool { gone := dead.Load(); return gone == nil || *gone != node }
			addrs := launch(t)
			a, b := start(t, Options{Alive: alive}, addrs...), start(t, Options{Alive: alive}, addrs...)
			a.Room("cats").SetMembers(3)
			b.Room("cats").SetMembers(4)
			b.Room("dogs").SetMembers(5)
			online := func(want ...int) func() bool {
				return func() bool {
					got, err := a.Online(t.Context(), []string{"cats", "dogs", "birds"})
					return err == nil && fmt.Sprint(got) == fmt.Sprint(want)
				}
			}
			assert.Eventually(t, "all count", online(7, 5, 0))
			dead.Store(&b.opts.Node)
			assert.Eventually(t, "the dead do not", online(3, 0, 0))
		})
	}
}

// TestP10_ReopenedRoomKeepsItsMembers: the end of the first handle does not overtake what the second one says.
func TestP10_ReopenedRoomKeepsItsMembers(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{}, server.Addr)
	for n := 1; n <= 5; n++ {
		r := s.Room("cats")
		r.SetMembers(n)
		members(t, server, s, "cats", n)
		r.Close()
	}
	members(t, server, s, "cats", 0)
	assert.Eventually(t, "nothing is remembered", func() bool {
		s.census.mu.Lock()
		defer s.census.mu.Unlock()
		return len(s.census.leaving) == 0
	})
}

func TestP10_CensusCorrectsWhatRedisHas(t *testing.T) {
	server := redistest.Start(t)
	alive := func(node string) bool { return node != "deadnode" }
	s := start(t, Options{Alive: alive}, server.Addr)
	r := s.Room("cats").(*room)
	r.SetMembers(3)
	members(t, server, s, "cats", 3)
	quiet := func() bool { s.census.mu.Lock(); defer s.census.mu.Unlock(); return s.census.busy == 0 }
	assert.Eventually(t, "it has cooled", quiet)

	server.CLI("HSET", r.online(), s.opts.Node, "9", "deadnode", "8", "zznode00", "7")
	for range 2 { // a node must be dead twice
		s.census.compare(r, map[string]string{s.opts.Node: "9", "deadnode": "8", "zznode00": "7"})
		members(t, server, s, "cats", 3)
		assert.Eventually(t, "it has cooled", quiet)
	}
	assert.Equal(t, "members of a dead node", server.CLI("HEXISTS", r.online(), "deadnode"), "0")
	assert.Equal(t, "members of another node", server.CLI("HGET", r.online(), "zznode00"), "7")
}

func TestP10_MembersOutlastAnOutage(t *testing.T) {
	server := redistest.Start(t)
	proxy := redistest.StartProxy(t, server.Addr, 1)
	s := start(t, Options{}, proxy.Addr)
	rooms := make([]stream.Room, 300)
	for i := range rooms {
		rooms[i] = s.Room(fmt.Sprint("room-", i))
		rooms[i].SetMembers(1)
	}
	members(t, server, s, "room-299", 1)
	proxy.SetDown(true)
	for _, r := range rooms {
		r.SetMembers(2)
	}
	proxy.SetDown(false)
	for i := range rooms {
		members(t, server, s, fmt.Sprint("room-", i), 2)
	}
}

func TestP10_HandleOfARoomIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(room{}) + unsafe.Sizeof(feed{}); size > 600 {
		t.Errorf("%d bytes", size)
	}
}

func TestP10_NoReplicaIsRead(t *testing.T) {
	c := redistest.StartCluster(t)
	s := start(t, Options{}, c.Addrs()...)
	names := make([]string, 20)
	for i := range names {
		names[i] = fmt.Sprint("room-", i)
		r := s.Room(names[i])
		var o outcomes
		say(t, r, &o, "a", "b")
		o.stored(t, 2)
		assert.Equal(t, "events", events(t, r), "a b")
	}
	_, err := s.Online(t.Context(), names)
	assert.NoError(t, err)
	for _, node := range c.Nodes {
		if role := strings.Fields(node.CLI("ROLE")); role[0] != "slave" {
			continue
		}
		for _, command := range []string{"xrange", "xrevrange", "hgetall", "get"} {
			assert.Equal(t, command+" on a replica", calls(t, node, command), 0)
		}
	}
}

func TestP5_CloseFinishesWhatIsQueued(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{}, server.Addr)
	r, o := s.Room("cats"), &outcomes{}
	var want []string
	for i := range 500 {
		want = append(want, fmt.Sprint(i))
	}
	say(t, r, o, want...)
	r.Close()
	assert.NoError(t, s.Close(t.Context()))
	assert.Equal(t, "outcomes", len(o.stored(t, 500)), 500)
	assert.Equal(t, "append", r.Append(t.Context(), "", []byte("late"), o.done), stream.ErrClosed)

	frozen := start(t, Options{}, server.Addr)
	server.Stop()
	defer server.Cont()
	var lost outcomes
	say(t, frozen.Room("dogs"), &lost, "a", "b")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	assert.Equal(t, "Close", frozen.Close(ctx), context.DeadlineExceeded)
	assert.Equal(t, "outcomes when it has returned", lost.count(), 2)
}
