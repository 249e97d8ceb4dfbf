package shard

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// openRooms follows many rooms at once, and returns when all have begun.
func openRooms(t *testing.T, s *Rooms, from, to int) (rooms []*room, sinks []*record) {
	t.Helper()
	for i := from; i < to; i++ {
		r, sink := s.Room(fmt.Sprint("room-", i)).(*room), &record{}
		r.Follow(10, sink)
		t.Cleanup(r.Close)
		rooms, sinks = append(rooms, r), append(sinks, sink)
	}
	for _, sink := range sinks {
		assert.Eventually(t, "all rooms begin", func() bool { return sink.count() > 0 })
	}
	return rooms, sinks
}

// TestP10_RoomsCostNoGoroutineAndNoConnection: what 2,000 rooms need is what ten need.
func TestP10_RoomsCostNoGoroutineAndNoConnection(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{}, server.Addr)
	connections := func() int { return strings.Count(server.CLI("CLIENT", "LIST"), "addr=") }
	openRooms(t, s, 0, 10)
	goroutines, conns := runtime.NumGoroutine(), connections()
	began := time.Now()
	rooms, sinks := openRooms(t, s, 10, 2010)
	t.Log("2,000 rooms begin within", time.Since(began))
	assert.Eventually(t, "no more goroutines", func() bool { return runtime.NumGoroutine() <= goroutines })
	if now := connections(); now > conns+2 {
		t.Errorf("%d connections with 2,010 rooms, %d with ten", now, conns)
	}
	var sent outcomes
	for _, r := range rooms {
		say(t, r, &sent, "event")
	}
	for _, sink := range sinks {
		assert.Eventually(t, "all rooms get theirs", func() bool { return sink.events() == "event" })
	}
	began = time.Now()
	for _, r := range rooms {
		r.Close()
	}
	assert.Eventually(t, "the channels are left", func() bool {
		return server.CLI("PUBSUB", "NUMSUB", rooms[0].channel(), rooms[1999].channel()) == rooms[0].channel()+"\n0\n"+rooms[1999].channel()+"\n0"
	})
	t.Log("2,000 rooms are left within", time.Since(began))
}

// TestP10_RoomsOpenAndCloseInAStorm: whatever is under way when a room closes, the next one of that name is whole.
func TestP10_RoomsOpenAndCloseInAStorm(t *testing.T) {
	addrs := redistest.StartMasters(t).Addrs()
	here, there := start(t, Options{}, addrs...), start(t, Options{}, addrs...)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			name := fmt.Sprint("room-", i)
			var sent outcomes
			var want []string
			speaker := there.Room(name)
			for n := range 10 {
				for range n % 3 { // in vain
					r := here.Room(name)
					r.Follow(10, &record{})
					r.Close()
				}
				r, sink := here.Room(name), &record{}
				r.Follow(100, sink)
				want = append(want, fmt.Sprint(n))
				say(t, speaker, &sent, fmt.Sprint(n))
				assert.Eventually(t, "all comes", func() bool { return sink.events() == strings.Join(want, " ") })
				r.Close()
			}
		})
	}
	all.Wait()
	assert.Equal(t, "gaps", here.Stats().Gaps, 0)
}

// TestP10_AFrozenMasterPausesOnlyItsRooms: what the other masters have goes on, and the frozen one's comes later.
func TestP10_AFrozenMasterPausesOnlyItsRooms(t *testing.T) {
	cluster := redistest.StartMasters(t)
	for _, node := range cluster.Nodes {
		node.CLI("CONFIG", "SET", "cluster-require-full-coverage", "no")
		node.CLI("CONFIG", "SET", "cluster-node-timeout", "60000")
	}
	s := start(t, Options{}, cluster.Addrs()...)
	rooms, sinks := openRooms(t, s, 0, 30)
	frozen := cluster.MasterOf(t, rooms[0].stream())
	var sent outcomes
	paused := map[int]bool{}
	for i, r := range rooms {
		paused[i] = cluster.MasterOf(t, r.stream()) == frozen
	}
	frozen.Stop()
	for round := range 5 {
		began := time.Now()
		for i, r := range rooms {
			if say(t, r, &sent, fmt.Sprint(round)); !paused[i] {
				assert.Eventually(t, "it comes", func() bool { return strings.HasSuffix(sinks[i].events(), fmt.Sprint(round)) })
			}
		}
		t.Log("round", round, time.Since(began))
	}
	for i, sink := range sinks {
		if paused[i] {
			assert.Equal(t, "events of the frozen master", sink.events(), "")
		}
	}
	frozen.Cont()
	for _, sink := range sinks {
		assert.Eventually(t, "all comes", func() bool { return sink.events() == "0 1 2 3 4" })
		assert.Equal(t, "resets", sink.count(), 1)
	}
}

// TestP10_AKeyThatIsNoRoomDelaysNoRoom: somebody has put something else where a room should be.
func TestP10_AKeyThatIsNoRoomDelaysNoRoom(t *testing.T) {
	s := start(t, Options{}, redistest.Start(t).Addr)
	broken, sink := s.Room("broken").(*room), &record{}
	assert.NoError(t, s.opts.Client.Set(t.Context(), broken.stream(), "no stream", 0).Err())
	broken.Follow(10, sink)
	t.Cleanup(broken.Close)
	d := broken.feed.Load()
	for i := range 20 {
		follow(t, s, fmt.Sprint("room-", i))
		assert.Eventually(t, "the broken room fails again", func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.dirty && !d.queued
		})
	}
	assert.Equal(t, "trouble", s.Degraded(), "")
	assert.NoError(t, s.opts.Client.Del(t.Context(), broken.stream()).Err())
	assert.Eventually(t, "the room begins", func() bool { return sink.count() == 1 })
}

// TestP10_RoomsOutlastARestart of the only server, with its data and without.
func TestP10_RoomsOutlastARestart(t *testing.T) {
	for kept, resets := range map[string]int{"yes": 1, "no": 2} {
		t.Run("appendonly "+kept, func(t *testing.T) {
			server := redistest.Start(t, "--appendonly", kept, "--appendfsync", "always")
			s := start(t, Options{}, server.Addr)
			rooms, sinks := openRooms(t, s, 0, 20)
			var sent outcomes
			for _, r := range rooms {
				say(t, r, &sent, "before")
			}
			sent.stored(t, len(rooms))
			server.Restart()
			for i, r := range rooms {
				say(t, r, &sent, "after")
				assert.Eventually(t, "it comes", func() bool { return strings.HasSuffix(sinks[i].events(), "after") })
				assert.Equal(t, "resets", sinks[i].count(), resets)
			}
		})
	}
}

// TestP10_ALinkThatIsSilentIsReplaced: the server does not answer, and nothing else says so.
func TestP10_ALinkThatIsSilentIsReplaced(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{}, server.Addr)
	r, sink := follow(t, s, "cats")
	server.Stop()
	assert.Eventually(t, "the link is given up", func() bool { return s.Stats().Resyncs > 0 })
	assert.Eventually(t, "the node says so", func() bool { return strings.Contains(s.Degraded(), "news of rooms is not received") })
	server.Cont()
	var sent outcomes
	say(t, r, &sent, "event")
	assert.Eventually(t, "it comes", func() bool { return sink.events() == "event" })
	assert.Eventually(t, "all is well", func() bool { return s.Degraded() == "" })
	assert.Equal(t, "resets", sink.count(), 1)
}

// TestP10_RoomsThatCloseInAnOutageLeaveNothing: however many come and go while the master is away.
func TestP10_RoomsThatCloseInAnOutageLeaveNothing(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{}, server.Addr)
	r, _ := follow(t, s, "cats")
	d := r.feed.Load()
	server.Kill()
	for i := range 1000 {
		other := s.Room(fmt.Sprint("room-", i))
		other.Follow(10, &record{})
		other.Close()
	}
	assert.Eventually(t, "only the open room waits", func() bool {
		d.mu.Lock()
		home := d.home
		d.mu.Unlock()
		home.mu.Lock()
		defer home.mu.Unlock()
		return len(home.wants) <= 1 && len(home.home) == 1 && len(home.dirty) <= 1
	})
	server.Restart()
	follow(t, s, "dogs")
}
