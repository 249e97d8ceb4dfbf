package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
)

// sink is the replica of a room as its owner makes one.
type sink struct{ *Replica }

var _ stream.Sink = sink{}

func (sink) Message([]byte) {}
func (sink) Members(int)    {}

// house is rooms in memory whose replicas share sweepers.
type house struct {
	t        *testing.T
	rooms    *memory.Rooms
	sweepers *fanout.Sweepers
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, rooms: memory.NewRooms(memory.RoomsOptions{}), sweepers: fanout.New(fanout.Options{Shards: 1})}
	t.Cleanup(h.sweepers.Close)
	return h
}

// open opens a room, whose replica begins with the newest entries. change, which may be nil, edits its options.
func (h *house) open(name string, tail int, change func(*Options)) *Replica {
	h.t.Helper()
	room := h.rooms.Room(name)
	o := Options{
		Stream: room, Sweepers: h.sweepers, Encode: encodeEntry, Decode: decodeFrame,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if change != nil {
		change(&o)
	}
	r := New(o)
	room.Follow(tail, sink{r})
	h.t.Cleanup(func() {
		room.Close()
		r.Close()
	})
	assert.Eventually(h.t, "the first reset", func() bool { return !r.isAhead(stream.Offset{Ms: 1}) })
	return r
}

// fill makes a closed room with so many messages, and returns its entries, the genesis first.
func (h *house) fill(name string, messages int) []stream.Entry {
	h.t.Helper()
	room := h.rooms.Room(name)
	defer room.Close()
	for i := range messages {
		assert.NoError(h.t, room.Append(h.t.Context(), "", fmt.Appendf(nil, `["m",%d]`, i), func(stream.Offset, error) {}))
	}
	entries, err := room.Last(h.t.Context(), stream.Offset{}, messages+1)
	assert.NoError(h.t, err)
	return entries
}

// replay takes what a client gets that continues at the cursor: the entries' numbers, as their events say.
func (h *house) replay(at fanout.Cursor) (numbers []int) {
	c := h.sweepers.NewConn(nobody{})
	defer c.Close()
	c.Join(at, nil)
	for part := c.TakeFrames(nil, 1<<20, 1); len(part) > 0; part = c.TakeFrames(nil, 1<<20, 1) {
		n := 0
		_, err := fmt.Sscanf(string(decodeFrame(part)), `["m",%d`, &n)
		assert.NoError(h.t, err)
		numbers = append(numbers, n)
	}
	return numbers
}

// recovers checks that a client that has seen the entry with this number in the stream gets all that follow.
func (h *house) recovers(r *Replica, entries []stream.Entry, seen int) {
	h.t.Helper()
	at, ok, err := r.Recover(entries[seen].Offset)
	if !ok || err != nil {
		h.t.Errorf("recovers from entry %d: %v, error %v", seen, ok, err)
		return
	}
	assert.Equal(h.t, "offset", at.Offset(), entries[seen].Offset)
	got := h.replay(at)
	if len(got) < len(entries)-1-seen {
		h.t.Errorf("%d entries after entry %d, want %d", len(got), seen, len(entries)-1-seen)
	}
	for i, n := range got {
		assert.Equal(h.t, "entry", n, seen+i) // the genesis has no number
	}
}

func TestP3_RecoveryIsOlderThanTheTail(t *testing.T) {
	h := newHouse(t)
	for _, messages := range []int{1, 9, 10, 11, OlderPage, 500} {
		name := fmt.Sprint("room-", messages)
		entries := h.fill(name, messages)
		for _, seen := range []int{messages, messages / 2, 0, messages * 3 / 4} {
			r := h.open(name, 10, nil)
			h.recovers(r, entries, seen)
			h.recovers(r, entries, 0)
			r.opts.Stream.(stream.Room).Close()
		}
	}
}

// counted is the record of a room that counts the reads.
type counted struct {
	stream.Record
	reads, entries atomic.Int64
	fails          atomic.Bool
}

func (c *counted) Last(ctx context.Context, before stream.Offset, n int) ([]stream.Entry, error) {
	c.reads.Add(1)
	if c.fails.Load() {
		return nil, stream.ErrUnavailable
	}
	entries, err := c.Record.Last(ctx, before, n)
	c.entries.Add(int64(len(entries)))
	return entries, err
}

// An offset that a client makes up costs no more than reading the window once, however many clients do so.
func TestP6_ForgedOffsetsReadTheWindowOnce(t *testing.T) {
	h := newHouse(t)
	entries := h.fill("cats", 500)
	c := &counted{}
	r := h.open("cats", 10, func(o *Options) { c.Record, o.Stream = o.Stream, c })
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			_, ok, err := r.Recover(stream.Offset{Ms: uint64(i)})
			if ok || err != nil {
				t.Error(ok, err)
			}
		})
	}
	all.Wait()
	if read := c.entries.Load(); read > 501+10 {
		t.Errorf("%d entries were read", read)
	}
	h.recovers(r, entries, 0)

	// With a window that is smaller than the stream.
	small := &counted{}
	h.fill("dogs", 500)
	r = h.open("dogs", 10, func(o *Options) { small.Record, o.Stream, o.Window.MaxCount = o.Stream, small, 100 })
	for i := range 50 {
		_, ok, err := r.Recover(stream.Offset{Ms: uint64(i)})
		assert.Equal(t, "found", ok, false)
		assert.NoError(t, err)
	}
	if read := small.entries.Load(); read > 110 {
		t.Errorf("%d entries were read for a window of 100", read)
	}
}

func TestP3_RecoveryThatCannotReadTriesForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		entries := h.fill("cats", 100)
		c := &counted{}
		r := h.open("cats", 10, func(o *Options) { c.Record, o.Stream = o.Stream, c })
		c.fails.Store(true)
		began := time.Now()
		if _, ok, err := r.Recover(entries[5].Offset); ok || !errors.Is(err, stream.ErrUnavailable) {
			t.Errorf("recovered %v, error %v", ok, err)
		}
		assert.Equal(t, "tried for", time.Since(began), recoverPatience)
		if reads := c.reads.Load(); reads > 25 {
			t.Errorf("%d reads", reads)
		}
		h.recovers(r, entries, 95) // is in the log
		time.AfterFunc(recoverPatience/2, func() { c.fails.Store(false) })
		h.recovers(r, entries, 5)
	})
}

// When the rooms exceed their memory by far, no older entries are read: the client comes back.
func TestP6_RecoveryKeepsToTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		entries := h.fill("cats", 500)
		c, budget := &counted{}, fanout.NewBudget(1)
		r := h.open("cats", 10, func(o *Options) { c.Record, o.Stream, o.Window.Budget = o.Stream, c, budget })
		if _, ok, err := r.Recover(entries[5].Offset); ok || !errors.Is(err, stream.ErrUnavailable) {
			t.Errorf("recovered %v, error %v", ok, err)
		}
		assert.Equal(t, "reads", c.reads.Load(), 0)
		h.recovers(r, entries, 495)
		r.Close()
		assert.Equal(t, "bytes of a closed room", budget.Used(), 0)
	})
}

func TestHIS7_NewClientGetsHistoryOlderThanTheTail(t *testing.T) {
	h := newHouse(t)
	h.fill("cats", 100)
	c := &counted{}
	r := h.open("cats", 10, func(o *Options) { c.Record, o.Stream = o.Stream, c })
	assert.Equal(t, "the newest 9", len(h.replay(r.Start(9))), 9)
	assert.Equal(t, "reads for them", c.reads.Load(), 0)
	assert.Equal(t, "the newest 50", len(h.replay(r.Start(50))), 50)
	assert.Equal(t, "all", len(h.replay(r.Start(200))), 100)
	c.fails.Store(true)
	assert.Equal(t, "all, again", len(h.replay(r.Start(200))), 100)

	h.fill("dogs", 5)
	small := &counted{}
	r = h.open("dogs", 10, func(o *Options) { small.Record, o.Stream = o.Stream, small })
	assert.Equal(t, "a room that is younger", len(h.replay(r.Start(50))), 5)
	assert.Equal(t, "reads for it", small.reads.Load(), 0)
}

// A node whose rooms always use up their memory keeps small windows, and clients still recover what the stream has: at once, or
// when they come back.
func TestP3_RecoveryWhileTheBudgetIsUsedUp(t *testing.T) {
	const rooms, limit = 30, 256 << 10
	h := newHouse(t)
	budget := fanout.NewBudget(limit)
	entries, replicas := make([][]stream.Entry, rooms), make([]*Replica, rooms)
	for i := range rooms {
		name := fmt.Sprint("room-", i)
		entries[i] = h.fill(name, 500)
		replicas[i] = h.open(name, 200, func(o *Options) { o.Window.Budget = budget })
	}
	most := int64(0)
	for range 10 {
		for i, r := range replicas {
			assert.Eventually(t, "the client comes back often enough", func() bool {
				_, ok, err := r.Recover(entries[i][5].Offset)
				return ok && err == nil
			})
			h.recovers(r, entries[i], 5)
			most = max(most, budget.Used())
		}
	}
	if most > 2*limit+OlderPage*200 {
		t.Errorf("%d bytes were used of %d", most, limit)
	}
}

// Clients recover from everywhere while others append.
func TestP10_RecoveriesWhileTheRoomGrows(t *testing.T) {
	h := newHouse(t)
	entries := h.fill("cats", 400)
	r := h.open("cats", 5, nil)
	var all sync.WaitGroup
	all.Go(func() {
		for i := range 600 {
			assert.NoError(t, r.Append(t.Context(), "", fmt.Appendf(nil, `["m",%d]`, 400+i), func(stream.Offset, error) {}))
		}
	})
	for i := range 8 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 0))
			for range 20 {
				h.recovers(r, entries, rng.IntN(len(entries)))
			}
		})
	}
	all.Wait()
}

// lostOwner notes why its connection was lost.
type lostOwner struct{ lost chan fanout.Lost }

func (o lostOwner) Lost(l fanout.Lost) { o.lost <- l }
func (lostOwner) Pending()             {}

func TestP10_ROOM9_GapLosesTheFollowersOfThatRoomOnly(t *testing.T) {
	h := newHouse(t)
	resets := 0
	cats := h.open("cats", 5, func(o *Options) { o.Hooks.Reset = func() { resets++ } })
	dogs := h.open("dogs", 5, func(o *Options) { o.Hooks.Reset = func() { t.Error("the other room was reset") } })
	one, both := lostOwner{make(chan fanout.Lost, 1)}, lostOwner{make(chan fanout.Lost, 1)}
	h.sweepers.NewConn(one).Join(dogs.Start(0), nil)
	c := h.sweepers.NewConn(both)
	c.Join(cats.Start(0), nil)
	c.Join(dogs.Start(0), nil)
	cats.Reset([]stream.Entry{{Offset: stream.Offset{Ms: 1 << 50}}})
	assert.Equal(t, "lost", assert.Receive(t, "the loss", both.lost), fanout.LostReset)
	assert.Equal(t, "resets", resets, 1)
	done := make(chan error, 1)
	assert.NoError(t, dogs.Append(t.Context(), "", []byte(`["m",7]`), func(_ stream.Offset, err error) { done <- err }))
	assert.NoError(t, <-done)
	for part := []byte(nil); len(part) == 0; part = c.Take(nil, 1<<20) {
		runtime.Gosched()
	}
	assert.Equal(t, "losses in the other room", len(one.lost), 0)
}

// A recovery that a reset overtakes finds a place in the log as it is now, or none.
func TestP3_ResetRacesRecovery(t *testing.T) {
	h := newHouse(t)
	entries := h.fill("cats", 300)
	record := h.rooms.Room("cats")
	defer record.Close()
	r := New(Options{Stream: record, Sweepers: h.sweepers, Encode: encodeEntry, Decode: decodeFrame, Logger: slog.New(slog.DiscardHandler)})
	defer r.Close()
	r.Reset(entries[290:])
	var stop atomic.Bool
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 0))
			for !stop.Load() {
				seen := rng.IntN(len(entries))
				at, ok, err := r.Recover(entries[seen].Offset)
				if err != nil || ok && at.Offset() != entries[seen].Offset {
					t.Errorf("recovered %v at %v, error %v", ok, at.Offset(), err)
				}
			}
		})
	}
	for i := range 200 {
		begin := 100 + i%200
		r.Reset(entries[begin:])
		for j := range 3 {
			runtime.Gosched()
			_, _, _ = r.Recover(entries[j*20].Offset)
		}
	}
	stop.Store(true)
	all.Wait()
	h.recovers(r, entries, 0)
}

// A room without credit blocks only its own appends.
func TestP10_RoomWithoutCreditBlocksNoOther(t *testing.T) {
	h := newHouse(t)
	stuck, free := h.open("stuck", 5, nil), h.open("free", 5, nil)
	assert.NoError(t, stuck.credits.free.Acquire(t.Context(), stuck.credits.most))
	blocked, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- stuck.Append(blocked, "", []byte(`["m",1]`), func(stream.Offset, error) {}) }()
	for i := range 2000 {
		assert.NoError(t, free.Append(t.Context(), "", fmt.Appendf(nil, `["m",%d]`, i), func(stream.Offset, error) {}))
	}
	assert.Equal(t, "the other is still waiting", len(failed), 0)
	cancel()
	if err := assert.Receive(t, "its error", failed); !errors.Is(err, stream.ErrUnavailable) {
		t.Error(err)
	}
	newest, err := free.Before(t.Context(), stream.Offset{}, 1, enough)
	assert.NoError(t, err)
	assert.Equal(t, "event", bytes.HasPrefix(newest[0].Event, []byte(`["m",1999`)), true)
}
