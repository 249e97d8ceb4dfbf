package adapter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
)

func TestP1_BroadcastGoesThroughTheStream(t *testing.T) {
	n := newNode(t, nil, nil)
	a, _ := n.join("{}")
	b, _ := n.join("{}")
	n.io.Emit("news", map[string]any{"n": 1}, "text")
	n.log.Reach(t.Context(), stream.Offset{Ms: 1})
	want := a.next(t)
	if !strings.HasPrefix(want, `2["news",{"n":1},"text","1`) {
		t.Errorf("broadcast became %s", want)
	}
	b.want(t, want)
	entries, err := n.stream.Last(t.Context(), stream.Offset{}, 1)
	noError(t, err)
	equal(t, "stored", string(entries[0].Event), `["news",{"n":1},"text"]`)
}

func TestTargetedPacketsArePrivate(t *testing.T) {
	n := newNode(t, nil, nil)
	a, ga := n.join("{}")
	b, gb := n.join("{}")
	c, gc := n.join("{}")
	sa, sb, sc := n.socketOf(ga.Sid), n.socketOf(gb.Sid), n.socketOf(gc.Sid)
	sa.Join("r", "q")
	sb.Join("r", socket.Room(gc.Sid))

	noError(t, sa.Emit("private", "not an offset"))
	noError(t, n.io.To("r", "q").Emit("room"))
	noError(t, n.io.To("r").Except(socket.Room(ga.Sid)).Emit("except"))
	noError(t, n.io.To(socket.Room(gc.Sid)).Emit("own"))
	noError(t, sc.Broadcast().Emit("others")) // all but who is in the room of c
	noError(t, n.io.Volatile().Emit("volatile"))
	noError(t, n.io.Local().Emit("local"))
	n.io.Sockets().Emit("binary", []byte("x"))
	a.want(t, `2["private","not an offset",null]`, `2["room",null]`, `2["others",null]`)
	b.want(t, `2["room",null]`, `2["except",null]`, `2["own",null]`)
	c.want(t, `2["own",null]`)
	for _, f := range []*fake{a, b, c} {
		last := f.next(t) // a socket that has something to take is not ready for volatile packets
		if last == `2["volatile",null]` {
			last = f.next(t)
		}
		equal(t, "last", last, `2["local",null]`)
		f.want(t, `51-["binary",{"_placeholder":true,"num":0}]`, "x")
		f.silent(t)
	}
	entries, err := n.stream.Last(t.Context(), stream.Offset{}, 10)
	noError(t, err)
	equal(t, "entries beside the genesis", len(entries)-1, 0)
}

func TestWhatJSONCannotCarryIsNotSent(t *testing.T) {
	n := newNode(t, nil, nil)
	f, g := n.join("{}")
	noError(t, n.socketOf(g.Sid).Emit("bad", make(chan int)))
	n.io.Emit("bad", func() {})
	noError(t, n.socketOf(g.Sid).Emit("good"))
	f.want(t, `2["good",null]`)
}

func TestRoomsFollowJoinsAndLeaves(t *testing.T) {
	n := newNode(t, nil, nil)
	ns := n.hub.main.Load()
	var mu sync.Mutex
	var told []string
	for _, event := range []string{"create-room", "join-room", "leave-room", "delete-room"} {
		noError(t, ns.On(events.EventName(event), func(args ...any) {
			if args[0].(socket.Room) == "r" {
				mu.Lock()
				told = append(told, event)
				mu.Unlock()
			}
		}))
	}
	a, ga := n.join("{}")
	_, gb := n.join("{}")
	sa, sb := n.socketOf(ga.Sid), n.socketOf(gb.Sid)
	sa.Join("r")
	sa.Join("r")
	sb.Join("r")
	equal(t, "rooms", sa.Rooms().Len(), 2)
	equal(t, "in r", ns.Sockets(sa.Rooms()).Len(), 2)
	if ids, ok := ns.Rooms().Load("r"); !ok || ids.Len() != 2 {
		t.Error("Rooms() does not know r")
	}
	if rooms, ok := ns.Sids().Load(sb.Id()); !ok || !rooms.Has("r") || !rooms.Has(socket.Room(gb.Sid)) {
		t.Error("Sids() does not know b")
	}
	sa.Leave("r")
	sb.Leave("r")
	sb.Leave("r")
	mu.Lock()
	equal(t, "told", strings.Join(told, " "), "create-room join-room join-room leave-room leave-room delete-room")
	mu.Unlock()

	sa.Leave(socket.Room(ga.Sid)) // its own room
	noError(t, n.io.To(socket.Room(ga.Sid)).Emit("lost"))
	noError(t, n.io.Local().Emit("found"))
	a.want(t, `2["found",null]`)
}

func TestRoomsSurviveRacingJoinsLeavesAndCloses(t *testing.T) {
	n := newNode(t, nil, nil)
	ns := n.hub.main.Load()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 40 {
				f, g := n.join("{}")
				s := n.socketOf(g.Sid)
				var inner sync.WaitGroup
				inner.Go(func() { s.Join("r") })
				inner.Go(func() { s.Leave("r") })
				if rand.N(2) == 0 {
					inner.Go(func() { f.close("transport close") })
				}
				inner.Wait()
				s.Join("r")
				if s.Connected() && !s.Rooms().Has("r") {
					t.Error("a membership was lost")
				}
				f.close("transport close")
			}
		})
	}
	wg.Wait()
	ns.members.mu.Lock()
	defer ns.members.mu.Unlock()
	equal(t, "members", len(ns.members.all), 0)
	equal(t, "rooms", len(ns.members.rooms), 0)
}

func TestManySocketsAtOnce(t *testing.T) {
	n := newNode(t, nil, nil)
	a, ga := n.join("{}")
	b, gb := n.join("{}")
	n.io.In(socket.Room(ga.Sid)).SocketsJoin("x", "y")
	n.io.In("x").SocketsLeave("y")
	n.io.FetchSockets()(func(found []*socket.RemoteSocket, err error) {
		noError(t, err)
		equal(t, "sockets", len(found), 2)
		for _, s := range found {
			if string(s.Id()) == ga.Sid {
				equal(t, "rooms of a", s.Rooms().Len(), 2)
			}
		}
	})
	n.io.In("x").DisconnectSockets(false)
	a.want(t, "1")
	noError(t, n.io.Local().Emit("to b"))
	b.want(t, `2["to b",null]`)
	n.io.In(socket.Room(gb.Sid)).DisconnectSockets(true)
	eventually(t, "b is closed", func() bool { return b.ReadyState() == "closed" })
}

func TestAckBroadcast(t *testing.T) {
	n := newNode(t, nil, nil)
	a, ga := n.join("{}")
	b, gb := n.join("{}")
	answers := make(chan string, 10)
	ask := func(timeout time.Duration) {
		noError(t, n.io.Timeout(timeout).Emit("ask", func(args []any, err error) { answers <- fmt.Sprint(len(args), err != nil) }))
	}
	ask(patience)
	pa, pb := a.next(t), b.next(t)
	equal(t, "one id for all", pa, pb)
	id := strings.TrimSuffix(strings.TrimPrefix(pa, "2"), `["ask"]`)
	a.send("3" + id + `["a"]`)
	a.send("3" + id + `["a again"]`)
	b.send("3" + id + `["b"]`)
	equal(t, "answers", <-answers, "2 false")

	ask(20 * time.Millisecond)
	a.send("3" + strings.TrimSuffix(strings.TrimPrefix(a.next(t), "2"), `["ask"]`) + `["a"]`)
	equal(t, "answers in time", <-answers, "1 true")
	for _, sid := range []string{ga.Sid, gb.Sid} {
		eventually(t, "nothing is kept of it", func() bool { return n.socketOf(sid).Acks().Len() == 0 })
	}
}

func TestPresenceAndTyping(t *testing.T) {
	n := newNode(t, nil, nil)
	a, ga := n.join("{}")
	b, _ := n.join("{}")
	n.hub.Presence(2)
	a.want(t, `2["presence",{"online":2}]`)
	b.want(t, `2["presence",{"online":2}]`)
	n.hub.Typing(ga.Sid, chat.Typing{Username: "A", ID: ga.Sid, Typing: true})
	b.want(t, `2["typing",{"username":"A","id":"`+ga.Sid+`","typing":true}]`)
	a.silent(t)
}

func TestPublisherAndArchive(t *testing.T) {
	n := newNode(t, nil, nil)
	f, _ := n.join("{}")
	stored := make(chan int64, 2)
	publish := func(text string) int64 {
		noError(t, n.hub.Publish(t.Context(), "", []byte(`["message",{"message":"`+text+`"}]`), func(at int64, err error) {
			if err != nil {
				t.Error(err)
			}
			stored <- at
		}))
		return <-stored
	}
	at := publish("a")
	publish("b")
	first := f.next(t)
	f.next(t)
	entries, err := n.hub.Before(t.Context(), "", 10)
	noError(t, err)
	equal(t, "entries without the genesis", len(entries), 2)
	equal(t, "at", entries[0].At, at)
	equal(t, "what clients got", first, `2["message",{"message":"a"},"`+entries[0].Offset+`"]`)
	entries, err = n.hub.Before(t.Context(), entries[1].Offset, 10)
	noError(t, err)
	equal(t, "older entries", len(entries), 1)
	if _, err := n.hub.Before(t.Context(), "no offset", 1); err == nil {
		t.Error("a bad offset was taken")
	}
}

func TestHubWithoutStreamDeliversItself(t *testing.T) {
	n := newNode(t, nil, func(o *Options) { o.Stream = nil })
	f := n.open()
	f.send("0{}")
	if answer := f.next(t); strings.Contains(answer, "pid") {
		t.Errorf("recovery is offered: %s", answer)
	}
	n.io.Emit("hello")
	f.want(t, `2["hello"]`)
	if err := n.hub.Publish(t.Context(), "", nil, nil); !errors.Is(err, errNoStream) {
		t.Errorf("publish: %v", err)
	}
	if _, err := n.hub.Before(t.Context(), "", 1); !errors.Is(err, errNoStream) {
		t.Errorf("before: %v", err)
	}
}

func TestBroadcastThatTheStreamRefusesIsCounted(t *testing.T) {
	n := newNode(t, nil, nil)
	noError(t, n.stream.(interface {
		Close(ctx context.Context) error
	}).Close(t.Context()))
	n.io.Emit("lost")
	eventually(t, "counted", func() bool { return n.hub.Stats().Unsent == 1 })
}

// TestP1_WhoPublishesDoesNotRunAheadOfTheDelivery: filling a stream in memory makes no gap, however fast it is filled, and
// by however many at once.
func TestP1_WhoPublishesDoesNotRunAheadOfTheDelivery(t *testing.T) {
	for _, c := range []struct{ window, publishers, count int }{{4096, 4, 20_000}, {1000, 3000, 20}, {100, 500, 20}, {1, 20, 100}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			s := memory.New(memory.Options{MaxEntries: c.window + 1})
			n := newNode(t, s, func(o *Options) {
				o.Window = c.window
				o.Hooks.Reset = func() { t.Error("the stream had a gap") }
			})
			var wg sync.WaitGroup
			for range c.publishers {
				wg.Go(func() {
					for range c.count {
						if err := n.hub.Publish(t.Context(), "", []byte(`["x"]`), func(int64, error) {}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			last, err := s.Last(t.Context(), stream.Offset{}, 1)
			noError(t, err)
			n.log.Reach(t.Context(), last[0].Offset)
		})
	}
}

// counting is a stream that says how it is read.
type counting struct {
	stream.Stream
	entries atomic.Int64 // read with Last
	now     atomic.Int64 // readers
	most    atomic.Int64 // of them at once
	slow    chan struct{}
}

func (c *counting) Last(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	now := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	if c.slow != nil {
		<-c.slow
	}
	entries, err := c.Stream.Last(ctx, before, n)
	c.entries.Add(int64(len(entries)))
	return entries, err
}

func TestP6_LoadReadsNoMoreThanTheLogTakes(t *testing.T) {
	s := memory.New(memory.Options{MaxEntries: 5000})
	event := []byte(`["` + strings.Repeat("x", 10<<10) + `"]`)
	for range 4000 {
		noError(t, s.Append(t.Context(), "", event, func(stream.Offset, error) {}))
	}
	c := &counting{Stream: s}
	n := newNode(t, c, func(o *Options) { o.Window, o.WindowBytes = 4000, 1<<20 })
	last, err := s.Last(t.Context(), stream.Offset{}, 1)
	noError(t, err)
	equal(t, "newest", n.log.Head().Offset(), last[0].Offset)
	if read := c.entries.Load(); read < 100 || read > 2*preloadBatch {
		t.Errorf("%d entries were read for a megabyte of %d bytes each", read, len(event))
	}
}

func TestP6_QuestionsForHistoryTakeTurns(t *testing.T) {
	c := &counting{Stream: memory.New(memory.Options{})}
	n := newNode(t, c, nil)
	c.slow = make(chan struct{})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := n.hub.Before(t.Context(), "", 1); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "some are being answered", func() bool { return c.now.Load() == maxReads })
	for range 50 {
		c.slow <- struct{}{}
	}
	all.Wait()
	equal(t, "at once", c.most.Load(), maxReads)
	late, cancel := context.WithCancel(t.Context())
	cancel()
	noError(t, n.hub.reads.Acquire(t.Context(), maxReads))
	if _, err := n.hub.Before(late, "", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("who cannot wait: %v", err)
	}
}

// TestMSG12_BrakeFollowsWhatTheStreamRetains: where other nodes have a smaller window, less may be on its way.
func TestMSG12_BrakeFollowsWhatTheStreamRetains(t *testing.T) {
	retained := 160
	o := Options{Window: 80, Retained: func() int { return retained }}
	b := newBrake(o.retained, 1<<20)
	share := func() int64 {
		size, err := b.enter(t.Context(), 1, 1)
		noError(t, err)
		b.leave(size)
		return b.most / size
	}
	equal(t, "entries, by the window of the node", share(), 10)
	retained = 16
	equal(t, "entries, by that of the others", share(), 2)
}

func TestBrake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBrake(func() int { return 16 }, 1<<20) // two entries
		enter := func() (size int64, took time.Duration) {
			began := time.Now()
			size, err := b.enter(t.Context(), 1, 1)
			if (err != nil) != (time.Since(began) == brakeTimeout) {
				t.Errorf("error %v after %v", err, time.Since(began))
			}
			return size, time.Since(began)
		}
		free := func(what string, want int) {
			t.Helper()
			got := 0
			for ; got < 3 && b.room.TryAcquire(b.least()); got++ {
			}
			equal(t, what, got, want)
			b.room.Release(int64(got) * b.least())
		}
		free("at first", 2)
		size, _ := enter()
		b.keep(stream.Offset{Ms: 1}, size)
		size, _ = enter()
		free("two on the way", 0)
		_, took := enter()
		equal(t, "a third waits, and gives up", took, brakeTimeout)
		go func() {
			time.Sleep(time.Second)
			b.reach(stream.Offset{Ms: 2})
		}()
		third, took := enter()
		equal(t, "or gets the share of the first", took, time.Second)
		b.keep(stream.Offset{Ms: 2}, size)
		free("the second was delivered before the news", 1)
		b.leave(third)
		free("the third was refused", 2)
		size, _ = enter()
		b.keep(stream.Offset{Ms: 1}, size)
		free("sent again", 2)
		size, _ = enter()
		b.keep(stream.Offset{Ms: 9}, size)
		b.reach(stream.Offset{Ms: 8})
		free("stored and not delivered", 1)
		b.restart(stream.Offset{Ms: 5})
		free("lost", 2)
		size, err := b.enter(t.Context(), 1, 2)
		noError(t, err)
		free("one entry is the half of one of two nodes", 0)
		b.leave(size)
		size, err = b.enter(t.Context(), 2<<20, 3)
		noError(t, err)
		equal(t, "a huge entry has all", size, b.most)
	})
}

func TestSettleEndsPublishingAndDeliversTheRest(t *testing.T) {
	n := newNode(t, nil, nil)
	f, _ := n.join("{}")
	var stored atomic.Int64
	var publishers sync.WaitGroup
	for range 4 {
		publishers.Go(func() {
			for n.hub.Publish(t.Context(), "", []byte(`["x"]`), func(int64, error) { stored.Add(1) }) == nil {
			}
		})
	}
	eventually(t, "something is stored", func() bool { return stored.Load() > 100 })
	noError(t, n.hub.Settle(t.Context()))
	all, err := n.stream.Last(t.Context(), stream.Offset{}, 10_000)
	noError(t, err)
	equal(t, "head of the log", n.log.Head().Offset(), all[len(all)-1].Offset)
	for range all[1:] { // behind the genesis
		f.next(t)
	}
	f.silent(t)
	n.hub.Close()
	publishers.Wait()
}
