package streamtest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// testRoomCloseWaits: Close does not return while a method of the sink runs.
func testRoomCloseWaits(t *testing.T, h RoomsHarness) {
	room := open(t, h.first(), "cats", 1)
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	room.deliver = func(int) {
		once.Do(func() {
			close(entered)
			<-release
		})
	}
	var stored sync.WaitGroup
	stored.Go(func() { mustAppend(t, room.harness(h), "", "event") })
	assert.Receive(t, "the call", entered)
	var returned atomic.Bool
	var closing sync.WaitGroup
	closing.Go(func() {
		room.Close()
		returned.Store(true)
	})
	for range 100 {
		time.Sleep(time.Millisecond) // gives a Close that does not wait the chance to return
		if returned.Load() {
			t.Fatal("Close returned during a call")
		}
	}
	close(release)
	closing.Wait()
	stored.Wait()
}

// testRoomCloseEnds: no method of the sink is called after Close, whatever goes on; see [sink.enter].
func testRoomCloseEnds(t *testing.T, h RoomsHarness) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	if len(h.Nodes) > 1 {
		writer := open(t, h.other(), "cats", 1)
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					mustAppend(t, writer.harness(h), "", "event")
					writer.Publish([]byte("note"))
					writer.SetMembers(i)
				}
			}
		})
	}
	for range 30 {
		room := open(t, h.first(), "cats", 1)
		var own sync.WaitGroup
		own.Go(func() {
			for i := range 20 {
				_, _ = tryAppend(t, room.harness(h), "", fmt.Sprint("own ", i))
			}
		})
		room.SetMembers(1)
		room.end()
		own.Wait()
	}
	close(stop)
	all.Wait()
}

func testReopened(t *testing.T, h RoomsHarness) {
	room := open(t, h.first(), "cats", 10)
	first := mustAppend(t, room.harness(h), "key", "one")
	entries := room.reaches(first)
	room.end()
	for range 3 {
		room = open(t, h.first(), "cats", 10)
		got, _ := room.seen()
		sameEntries(t, got, entries)
		assert.Equal(t, "offset of the retry", mustAppend(t, room.harness(h), "key", "one"), first)
		o := mustAppend(t, room.harness(h), "", "another")
		entries = room.reaches(o)
		room.end()
	}
}

func testMembers(t *testing.T, h RoomsHarness) {
	online := func(names ...string) []int {
		got, err := h.other().Online(t.Context(), names)
		assert.NoError(t, err)
		return got
	}
	var rooms []*opened
	for i, node := range h.Nodes {
		rooms = append(rooms, open(t, node, "cats", 1))
		rooms[i].SetMembers(99)
		rooms[i].SetMembers(2) // coalesced
	}
	dogs := open(t, h.first(), "dogs", 1)
	dogs.SetMembers(5)
	for _, room := range rooms {
		room.counts(2 * len(rooms))
	}
	dogs.counts(5)
	assert.Eventually(t, "the list", func() bool {
		return fmt.Sprint(online("dogs", "none", "cats")) == fmt.Sprint([]int{5, 0, 2 * len(rooms)})
	})
	assert.Equal(t, "an empty list", len(online()), 0)
	rooms[0].SetMembers(0)
	rooms[0].counts(2*len(rooms) - 2)
	dogs.end()
	assert.Eventually(t, "a closed room has none", func() bool { return online("dogs")[0] == 0 })
}

// testPublish: a message is best effort, so the test repeats it until it has come.
func testPublish(t *testing.T, h RoomsHarness) {
	from, dogs := open(t, h.first(), "cats", 1), open(t, h.other(), "dogs", 1)
	others := make([]*opened, 0, len(h.Nodes))
	for _, node := range h.Nodes[1:] {
		others = append(others, open(t, node, "cats", 1))
	}
	for _, to := range others {
		assert.Eventually(t, "a message", func() bool {
			from.Publish([]byte("typing"))
			return len(to.heard()) > 0
		})
		assert.Equal(t, "message", to.heard()[0], "typing")
	}
	from.Publish([]byte("typing"))
	o := mustAppend(t, from.harness(h), "", "event")
	from.reaches(o)
	assert.Equal(t, "messages to the own node", len(from.heard()), 0)
	assert.Equal(t, "messages to another room", len(dogs.heard()), 0)
}

// testRoomProperty opens and closes rooms at random on all nodes while events are appended, and compares every sink with a
// model: all events of each room since its beginning.
func testRoomProperty(t *testing.T, h RoomsHarness) {
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	m := &roomModel{t: t, h: h, rnd: rand.New(rand.NewPCG(seed, 0)), entries: map[string][]stream.Entry{}, open: map[string][]*opened{}}
	for range 300 {
		m.step(fmt.Sprint("room-", m.rnd.IntN(8)))
	}
}

type roomModel struct {
	t       *testing.T
	h       RoomsHarness
	rnd     *rand.Rand
	entries map[string][]stream.Entry // what was appended to each room
	open    map[string][]*opened      // for each node; nil where the room is closed
	n       int
}

func (m *roomModel) step(name string) {
	if m.open[name] == nil {
		m.open[name] = make([]*opened, len(m.h.Nodes))
	}
	i := m.rnd.IntN(len(m.h.Nodes))
	room := m.open[name][i]
	switch {
	case room == nil:
		m.open[name][i] = open(m.t, m.h.Nodes[i], name, 1+m.rnd.IntN(20))
	case m.rnd.IntN(6) == 0:
		m.check(room)
		room.end()
		m.open[name][i] = nil
	default:
		m.n++
		event := fmt.Sprint("event ", m.n)
		o := mustAppend(m.t, room.harness(m.h), "", event)
		m.entries[name] = append(m.entries[name], stream.Entry{Offset: o, Event: []byte(event)})
	}
}

// check compares a sink with the model. A sink may begin with the genesis, which the model does not have.
func (m *roomModel) check(room *opened) {
	want := m.entries[room.name]
	if len(want) == 0 {
		return
	}
	got := room.reaches(want[len(want)-1].Offset)
	if len(got[0].Event) == 0 {
		got = got[1:]
		assert.Equal(m.t, "all events after the genesis", len(got), len(want))
	}
	sameEntries(m.t, got, want[len(want)-len(got):])
	_, resets := room.seen()
	assert.Equal(m.t, "resets", resets, 1)
}
