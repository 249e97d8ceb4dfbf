package shard

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// speaker appends numbered events to one room after the other, until it is ended.
type speaker struct {
	t     testing.TB
	rooms []stream.Room
	sent  []outcomes
	want  [][]string
	stop  chan struct{}
	done  sync.WaitGroup
}

// speak starts a speaker in n rooms.
func speak(t testing.TB, s *Rooms, n int) *speaker {
	p := &speaker{t: t, sent: make([]outcomes, n), want: make([][]string, n), stop: make(chan struct{})}
	for i := range n {
		p.rooms = append(p.rooms, s.Room(fmt.Sprint("room-", i)))
	}
	p.done.Go(func() {
		for round := 0; ; round++ {
			i := rand.IntN(n)
			event := fmt.Sprint("event-", round)
			select {
			case <-p.stop:
				return
			case <-time.After(500 * time.Microsecond):
			}
			if p.rooms[i].Append(t.Context(), "", []byte(event), p.sent[i].done) == nil {
				p.want[i] = append(p.want[i], event)
			}
		}
	})
	return p
}

// flows waits until n more events of these rooms are stored; without rooms, of all.
func (p *speaker) flows(n int, rooms ...int) {
	p.t.Helper()
	before := p.stored(rooms)
	assert.Eventually(p.t, fmt.Sprint(n, " more events"), func() bool { return p.stored(rooms) >= before+n })
}

func (p *speaker) stored(rooms []int) (n int) {
	for i := range p.rooms {
		if len(rooms) == 0 || contains(rooms, i) {
			n += p.sent[i].count()
		}
	}
	return n
}

func contains(all []int, n int) bool {
	for _, i := range all {
		if i == n {
			return true
		}
	}
	return false
}

// end ends the speaker, and checks that every room has every event, once and in order.
func (p *speaker) end() {
	p.t.Helper()
	close(p.stop)
	p.done.Wait()
	for i, r := range p.rooms {
		p.sent[i].stored(p.t, len(p.want[i]))
		if len(p.want[i]) > 0 {
			assert.Equal(p.t, "events", events(p.t, r), strings.Join(p.want[i], " "))
		}
	}
}

func TestP4_CutConnections(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			proxy := redistest.StartProxy(t, redistest.Start(t).Addr, seed)
			p := speak(t, start(t, Options{}, proxy.Addr), 40)
			p.flows(100)
			proxy.CutEvery(20_000)
			proxy.CutAll()
			assert.Eventually(t, "30 cuts", func() bool { return proxy.Cuts() >= 30 })
			proxy.CutEvery(0)
			p.flows(100)
			p.end()
		})
	}
}

// of are the numbers of the speaker's rooms that a server has, or has not.
func (p *speaker) of(c *redistest.Cluster, server *redistest.Server, has bool) (rooms []int) {
	for i, r := range p.rooms {
		if (c.MasterOf(p.t, r.(*room).stream()) == server) == has {
			rooms = append(rooms, i)
		}
	}
	return rooms
}

func TestP10_KilledMasterPausesOnlyItsRooms(t *testing.T) {
	c := redistest.StartCluster(t)
	s := start(t, Options{}, c.Addrs()...)
	p := speak(t, s, 30)
	p.flows(300)
	victim := c.MasterOf(t, p.rooms[0].(*room).stream())
	lost, others := p.of(c, victim, true), p.of(c, victim, false)
	victim.Stop() // nobody is told, unlike by a kill, and so nobody takes over before the Cluster has noticed
	paused := p.stored(lost)
	p.flows(300, others...)
	if now := p.stored(lost); now > paused+sentRooms {
		t.Errorf("%d events went to a frozen master", now-paused)
	}
	victim.Kill()
	p.flows(100, lost...)
	assert.Eventually(t, "all is well", func() bool { return s.Degraded() == "" })
	p.end()
}

func TestP10_MovedSlots(t *testing.T) {
	c := redistest.StartMasters(t)
	p := speak(t, start(t, Options{}, c.Addrs()...), 30)
	p.flows(300)
	for i := range 10 {
		c.MoveSlot(t, p.rooms[i].(*room).stream())
		p.flows(20, i)
	}
	p.end()
}

func TestP5_FrozenRedis(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{AppendTimeout: 300 * time.Millisecond}, server.Addr)
	r, other := s.Room("cats"), s.Room("dogs")
	var before, during, after outcomes
	say(t, r, &before, "a", "b")
	before.stored(t, 2)

	server.Stop()
	began := time.Now()
	say(t, r, &during, "c")
	assert.Eventually(t, "it is on its way", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return r.(*room).appends.batch != nil })
	say(t, r, &during, "d", "e")
	say(t, other, &during, "f")
	assert.Eventually(t, "four are reported", func() bool { return during.count() == 4 })
	if took := time.Since(began); took < 300*time.Millisecond || took > 2*time.Second {
		t.Errorf("reported after %v", took)
	}
	for _, err := range during.errs {
		if !errors.Is(err, stream.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
	}
	assert.Eventually(t, "it says so", func() bool {
		return s.Degraded() == "messages of rooms cannot be stored: Redis does not answer"
	})
	server.Cont()
	assert.Eventually(t, "again well", func() bool { return s.Degraded() == "" })
	for _, event := range []string{"c", "d", "e", "g"} { // the clients' retries
		assert.Eventually(t, "stored", func() bool {
			n := after.count()
			_ = r.Append(t.Context(), event, []byte(event), after.done)
			assert.Eventually(t, "reported", func() bool { return after.count() > n })
			return after.errs[n] == nil
		})
	}
	assert.Equal(t, "events", events(t, r), "a b c d e g")
}

func TestP6_FullQueueRefusesAtOnce(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{QueueRecords: 80, QueueBytes: 8000}, server.Addr)
	var o outcomes
	say(t, s.Room("first"), &o, "a")
	o.stored(t, 1)
	server.Stop()
	defer server.Cont()
	fill := func(name string, size int) (n int) {
		r := s.Room(name)
		for began := time.Now(); ; n++ {
			if err := r.Append(t.Context(), "", make([]byte, size), o.done); err != nil {
				if !errors.Is(err, stream.ErrUnavailable) || time.Since(began) > 5*time.Second {
					t.Errorf("refused after %v: %v", time.Since(began), err)
				}
				return n
			}
		}
	}
	assert.Equal(t, "one room takes an eighth", fill("flooded", 1), 10)
	assert.Equal(t, "in bytes too", fill("large", 300), 3)
	total := 1 + 10 + 3
	for i := range 20 {
		total += fill(fmt.Sprint("room-", i), 1)
	}
	// Nothing is known of the master yet, or it has the room "first": the two fill up one by one. What is on its way to the
	// frozen server, one exchange, does not count as waiting.
	if total > 3*80+1 {
		t.Errorf("%d records wait", total)
	}
}

func TestP10_KeyOfTheWrongTypeHarmsOneRoom(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{}, server.Addr)
	server.CLI("SET", "{chat:bad}:room", "text")
	bad, good := s.Room("bad"), s.Room("good")
	var refused, stored outcomes
	for i := range 20 {
		say(t, bad, &refused, fmt.Sprint(i))
		say(t, good, &stored, fmt.Sprint(i))
	}
	stored.stored(t, 20)
	assert.Eventually(t, "20 are refused", func() bool { return refused.count() == 20 })
	for _, err := range refused.errs {
		if !errors.Is(err, stream.ErrUnavailable) || !strings.Contains(err.Error(), "WRONGTYPE") {
			t.Errorf("error %v", err)
		}
	}
	assert.Equal(t, "degraded", s.Degraded(), "")
	if _, err := bad.Last(t.Context(), stream.Offset{}, 1); !errors.Is(err, stream.ErrUnavailable) {
		t.Errorf("Last: %v", err)
	}
}

func TestP10_SilentRoomIsSmallInRedis(t *testing.T) {
	server := redistest.Start(t)
	s := start(t, Options{}, server.Addr)
	r := s.Room(strings.Repeat("n", stream.MaxRoomName))
	entries, err := r.Last(t.Context(), stream.Offset{}, 10)
	assert.NoError(t, err)
	assert.Equal(t, "keys", server.CLI("KEYS", "*"), r.(*room).genesis())
	if size, _ := strconv.Atoi(server.CLI("MEMORY", "USAGE", r.(*room).genesis())); size > 200 {
		t.Errorf("%d bytes", size)
	}
	before, err := r.Last(t.Context(), entries[0].Offset, 10)
	assert.NoError(t, err)
	assert.Equal(t, "entries before the genesis", len(before), 0)

	var o outcomes
	say(t, r, &o, "first")
	first := o.stored(t, 1)[0]
	both, err := r.Last(t.Context(), stream.Offset{}, 10)
	assert.NoError(t, err)
	assert.Equal(t, "entries", both, []stream.Entry{entries[0], {Offset: first, Event: []byte("first")}})
	assert.Equal(t, "the genesis id has gone", server.CLI("EXISTS", r.(*room).genesis()), "0")
}

func TestP10_RoomsSpreadOverTheMasters(t *testing.T) {
	s := start(t, Options{}, redistest.StartMasters(t).Addrs()...)
	const rooms = 3000
	had := map[string]int{}
	for i := range rooms {
		master, err := s.master(t.Context(), s.Room(fmt.Sprint("room-", i)).(*room))
		assert.NoError(t, err)
		had[master.Options().Addr]++
	}
	for addr, n := range had {
		if n < rooms/3*8/10 || n > rooms/3*12/10 {
			t.Errorf("%s has %d of %d rooms", addr, n, rooms)
		}
	}
}
