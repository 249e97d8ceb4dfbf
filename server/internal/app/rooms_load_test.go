package app

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/race"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// fill lets each client enter its share of rooms, which nobody else enters, and waits until all are inside.
func fill(t *testing.T, a *App, clients []*raw, share int) {
	t.Helper()
	inLanes(len(clients), 16, func(i int) {
		for n := range share {
			if err := clients[i].write(fmt.Sprintf("40/rooms/r-%d-%d,", i, n)); err != nil {
				t.Error(err)
			}
		}
		for greeted := 0; greeted < share; {
			p, err := clients[i].read()
			if err != nil {
				t.Error(err)
				return
			}
			if strings.Contains(p, `["presence"`) && strings.HasSuffix(p, `"]`) { // with the joining offset
				greeted++
			}
		}
	})
}

func sessions(t *testing.T, a *App, n int) []*raw {
	t.Helper()
	all := make([]*raw, n)
	for i := range all {
		all[i] = session(t, a)
	}
	return all
}

// TestP6_TenThousandSilentRoomsAreSmall: what a room takes is what its members take, and a little more.
func TestP6_TenThousandSilentRoomsAreSmall(t *testing.T) {
	t.Run("alone", func(t *testing.T) { silentRooms(t, start(t)) })
	t.Run("clustered", func(t *testing.T) { silentRooms(t, start(t, "--redis-url="+redistest.Start(t).URL())) })
}

func silentRooms(t *testing.T, a *App) {
	connections, share := 200, 50
	if race.Enabled {
		connections = 20
	}
	first, second := sessions(t, a, connections), sessions(t, a, connections)
	assert.Eventually(t, "all are there", func() bool { return a.edge.Connections() == 2*connections })
	goroutines, before := runtime.NumGoroutine(), assert.HeapInUse()
	fill(t, a, first, share)
	rooms := connections * share
	assert.Equal(t, "rooms", a.rooms.Stats().Open, rooms)
	opened := assert.HeapInUse()
	fill(t, a, second, share)
	filled := assert.HeapInUse()
	member := (filled - opened) / int64(rooms)
	room := (opened-before)/int64(rooms) - member
	t.Logf("a room takes %d bytes, a member %d", room, member)
	if !race.Enabled && (room > 6<<10 || member > 3<<10) {
		t.Errorf("a room takes %d bytes, a member %d", room, member)
	}
	assert.Eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines+10 })
}

// TestP6_RoomsThatComeAndGoLeaveNothing: rooms that were opened and left are forgotten, by the library too.
func TestP6_RoomsThatComeAndGoLeaveNothing(t *testing.T) {
	a := start(t, "--max-rooms=1000")
	cycle := func(from, to int) {
		inLanes(to-from, 40, func(i int) {
			r, err := dial(a.Addr())
			if err != nil {
				t.Error(err)
				return
			}
			defer r.close()
			for n := range 25 {
				name := fmt.Sprintf("/rooms/r-%d-%d,", from+i, n)
				text := "42" + name + `["event:message",{"message":"m","username":"u"}]`
				if err := r.write("40"+name, text, "41"+name); err != nil {
					t.Error(err)
				}
			}
			for answered := 0; answered < 25; {
				p, err := r.read()
				if err != nil {
					t.Errorf("%d answered: %v", answered, err)
					return
				}
				if strings.HasPrefix(p, "40/rooms/") {
					answered++
				}
			}
		})
		assert.Eventually(t, "all are gone", func() bool { return a.edge.Connections() == 0 && a.rooms.Stats().Open == 0 })
	}
	cycle(0, 40)
	goroutines, heap := runtime.NumGoroutine(), assert.HeapInUse()
	rounds := 240
	if race.Enabled {
		rounds = 80
	}
	cycle(40, 40+rounds)
	if opened := a.rooms.Stats().Opened; opened < int64(25*rounds) {
		t.Errorf("only %d rooms were opened", opened)
	}
	assert.Eventually(t, "goroutines are back", func() bool { return runtime.NumGoroutine() <= goroutines+10 })
	grown := assert.HeapInUse() - heap
	t.Logf("%d rooms left %d KiB", a.rooms.Stats().Opened, grown>>10)
	if grown > 4<<20 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
}

// TestP10_AFloodDelaysNoOtherRoom: while some rooms are flooded and others are opened as fast as possible, a message in a quiet
// room is stored and delivered at once.
func TestP10_AFloodDelaysNoOtherRoom(t *testing.T) {
	a := start(t, "--message-rate=50")
	quiet, other := inRoom(t, a.url(), "quiet", siotest.WebSocket), inRoom(t, a.url(), "quiet", siotest.Polling)
	event := `["event:message",{"message":"` + strings.Repeat("x", 3000) + `","username":"u"}]`
	var flooding sync.WaitGroup
	over := make(chan struct{})
	for i := range 20 {
		r := session(t, a)
		flooding.Go(func() {
			<-over
			r.close()
		})
		flooding.Go(func() {
			for n := 0; ; n++ {
				if r.write(fmt.Sprintf("40/rooms/flood-%d,", n%4), fmt.Sprintf("42/rooms/flood-%d,%s", n%4, event), fmt.Sprintf("40/rooms/new-%d-%d,", i, n)) != nil {
					return
				}
			}
		})
		flooding.Go(func() {
			for {
				if _, err := r.read(); err != nil {
					return
				}
			}
		})
	}
	var slowest time.Duration
	for n := range 50 {
		began := time.Now()
		say(t, quiet, fmt.Sprint(n))
		wait(t, other, "told", func(s siotest.State) bool { return s.Messages > n })
		slowest = max(slowest, time.Since(began))
	}
	t.Logf("the slowest message took %v; %d rooms are open", slowest, a.rooms.Stats().Open)
	close(over)
	flooding.Wait()
	if slowest > 3*time.Second {
		t.Errorf("a message took %v", slowest)
	}
}

// TestROOM8_WithoutMemoryNoRoomIsOpened: rooms that are open go on, and who wants to open another one waits until others have
// closed.
func TestROOM8_WithoutMemoryNoRoomIsOpened(t *testing.T) {
	a := start(t, "--rooms-bytes=1MiB", "--connect-timeout=3s")
	all := sessions(t, a, 8)
	fill(t, a, all, 50)
	text := `["event:message",{"message":"` + strings.Repeat("x", 3900) + `","username":"u"}]`
	inLanes(len(all), 8, func(i int) {
		for n := range 100 {
			name := fmt.Sprintf("/rooms/r-%d-%d,", i, n%50)
			if err := all[i].write("42" + name + text); err != nil {
				t.Error(err)
			}
			for {
				p, err := all[i].read()
				if err != nil {
					t.Errorf("message %d: %v", n, err)
					return
				}
				if strings.HasPrefix(p, "42"+name+`["message"`) {
					break
				}
			}
		}
	})
	assert.Eventually(t, "no memory is left", func() bool { return a.health.Report().Degraded != "" })
	late := siotest.Open(siotest.Options{URL: a.url(), Transport: siotest.WebSocket, Namespace: "/rooms/late"})
	t.Cleanup(late.Close)
	assert.Eventually(t, "turned away twice", func() bool { return len(late.Report().Ends) > 1 })
	say(t, inRoom(t, a.url(), "r-0-0", siotest.Polling), "rooms that are open can be entered")
	if used := a.budget.Used(); used > 4<<20 {
		t.Errorf("the logs hold %d KiB", used>>10)
	}
	for _, r := range all[1:] {
		r.close()
	}
	wait(t, late, "inside", func(s siotest.State) bool { return s.Joined })
	sound(t, late)
}

// TestROOM12_APublicAddressIsAloneInFewRooms: as the proxy reports it. Another address has rooms of its own.
func TestROOM12_APublicAddressIsAloneInFewRooms(t *testing.T) {
	a := start(t, "--trusted-proxies=127.0.0.0/8")
	from := func(address string) *raw {
		r, err := dialAt(a.Addr(), "", "X-Forwarded-For: "+address)
		assert.NoError(t, err)
		t.Cleanup(r.close)
		return r
	}
	var flood []*raw
	for range 10 {
		flood = append(flood, from("203.0.113.7"))
	}
	fill(t, a, flood, 50)
	one, other := from("203.0.113.7"), from("203.0.113.8")
	assert.NoError(t, one.write("40/rooms/more,"))
	if answer := one.until(t, "44/rooms/more,"); !strings.Contains(answer, "too_many_rooms") {
		t.Error(answer)
	}
	other.enter(t, "more")
	one.enter(t, "more")
	assert.Equal(t, "rooms", a.rooms.Stats().Open, 501)
}
