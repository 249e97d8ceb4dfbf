package shard

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
)

// feeds are the rooms that this node follows. One goroutine finds the master of each room; what else there is to do for a
// room is done by the goroutine and the link of its master, see [receiver]. A room itself has neither.
type feeds struct {
	rooms *Rooms
	began time.Time
	end   context.CancelFunc
	parts sync.WaitGroup
	wake  chan struct{} // there are rooms without a home
	stats counters
	nodes nodes
	lost  *redisx.Trouble

	mu        sync.RWMutex
	followed  map[string]*feed     // guarded by mu; by channel
	receivers map[string]*receiver // guarded by mu; by address
	homeless  []*feed              // guarded by mu
}

func newFeeds(rooms *Rooms) *feeds {
	ctx, end := context.WithCancel(context.Background())
	f := &feeds{
		rooms: rooms, began: time.Now(), end: end, wake: make(chan struct{}, 1),
		lost:     redisx.NewTrouble("rooms are not followed", rooms.opts.Logger),
		followed: map[string]*feed{}, receivers: map[string]*receiver{},
	}
	f.nodes = nodes{self: rooms.opts.Node, ask: rooms.opts.Alive, known: map[string]*node{}}
	f.parts.Go(func() { f.route(ctx) })
	f.parts.Go(func() { f.watchNodes(ctx) })
	return f
}

func (f *feeds) now() time.Duration { return time.Since(f.began) }

// open begins to follow a room, as [stream.Room.Follow] says.
func (f *feeds) open(r *room, tail int, sink stream.Sink) {
	d := &feed{feeds: f, room: r, channel: r.channel(), tail: min(max(tail, 1), lastPage), sink: sink, page: firstPage}
	r.feed.Store(d)
	f.mu.Lock()
	f.followed[d.channel] = d
	f.mu.Unlock()
	f.evict(d)
}

// evict gives the rooms to the router: they need a home, the same or another one.
func (f *feeds) evict(feeds ...*feed) {
	if len(feeds) == 0 {
		return
	}
	f.mu.Lock()
	f.homeless = append(f.homeless, feeds...)
	f.mu.Unlock()
	kick(f.wake)
}

// close ends it. No method of the sink runs or will run when it has returned. A room that was never opened may be closed.
func (f *feeds) close(r *room) {
	d := r.feed.Load()
	if d == nil {
		return
	}
	f.mu.Lock()
	if f.followed[d.channel] == d {
		delete(f.followed, d.channel)
	}
	f.mu.Unlock()
	d.close()
}

// find returns the feed of a channel, or nil.
func (f *feeds) find(channel string) *feed {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.followed[channel]
}

// stored says that this node has stored an entry at this offset, so that its news should come soon.
func (f *feeds) stored(r *room, o stream.Offset) {
	if d := r.feed.Load(); d != nil {
		d.expect(o)
	}
}

// missed says that news of the room may be lost: the room is read.
func (f *feeds) missed(r *room) {
	if d := r.feed.Load(); d != nil {
		d.suspect()
	}
}

// publish sends the message to the other nodes, or drops it.
func (f *feeds) publish(r *room, message []byte) {
	d := r.feed.Load()
	if d == nil || !d.say(messageNews(f.rooms.opts.Node, message)) {
		f.stats.unsent.Add(1)
	}
}

// hear handles a message on a channel. A link that a room has left brings nothing more for it, perhaps late.
func (f *feeds) hear(l *link, channel, text string) {
	d := f.find(channel)
	if d == nil || !d.hears(l) {
		return
	}
	n, err := parseNews(text)
	switch {
	case err != nil:
		f.stats.malformed.Add(1)
		d.suspect()
	case n.kind == newsMessage && n.node != f.rooms.opts.Node:
		d.tell([]byte(n.message))
	case n.kind == newsMembers:
		d.count(n.node, n.members)
	case n.kind == newsEntries, n.kind == newsLast:
		d.take(n)
	}
}

// route finds a home for each room that has none, until ctx ends.
func (f *feeds) route(ctx context.Context) {
	wait := redisx.Backoff{Max: retryMax}
	for {
		select {
		case <-f.wake:
		case <-ctx.Done():
			return
		}
		if err := f.settle(ctx); err != nil && ctx.Err() == nil {
			f.lost.Failed(err)
			wait.Sleep(ctx)
			kick(f.wake)
			continue
		}
		f.lost.Well()
		wait.Reset()
	}
}

// lookEvery is how often it is seen which nodes are alive.
const lookEvery = 500 * time.Millisecond

// watchNodes counts the members of all rooms anew whenever a node has died or come back, until ctx ends.
func (f *feeds) watchNodes(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if !f.nodes.look() {
			continue
		}
		f.mu.RLock()
		all := slices.Collect(maps.Values(f.followed))
		f.mu.RUnlock()
		for _, d := range all {
			d.recount()
		}
	}
}

// settle finds homes for all rooms that have none. It leaves those for which it has not found one.
func (f *feeds) settle(ctx context.Context) error {
	f.mu.Lock()
	homeless := f.homeless
	f.homeless = nil
	f.mu.Unlock()
	homeless = slices.DeleteFunc(homeless, (*feed).closed)
	if len(homeless) == 0 {
		return nil
	}
	sharded, err := f.rooms.sharded(ctx)
	for i, d := range homeless {
		var master *redis.Client
		if err == nil {
			master, err = f.rooms.master(ctx, d.room)
		}
		if err != nil {
			f.mu.Lock()
			f.homeless = append(f.homeless, homeless[i:]...)
			f.mu.Unlock()
			return err
		}
		f.house(ctx, d, master, sharded)
	}
	return nil
}

// house gives the room a home.
func (f *feeds) house(ctx context.Context, d *feed, master *redis.Client, sharded bool) {
	for !d.enter(f.receiver(ctx, master, sharded)) {
		// it has just retired
	}
}

// receiver returns what follows the rooms of a master.
func (f *feeds) receiver(ctx context.Context, master *redis.Client, sharded bool) *receiver {
	f.mu.Lock()
	defer f.mu.Unlock()
	addr := master.Options().Addr
	s := f.receivers[addr]
	if s == nil {
		s = newReceiver(f, master, sharded)
		f.receivers[addr] = s
		f.parts.Go(func() { s.run(ctx) })
	}
	s.master.Store(master)
	return s
}

// retire forgets a receiver that has no rooms, and reports whether it has none.
func (f *feeds) retire(s *receiver) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !s.retire() {
		return false
	}
	delete(f.receivers, s.addr)
	return true
}

// degraded is [Rooms.Degraded] for the receiving.
func (f *feeds) degraded() string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	troubles := []*redisx.Trouble{f.lost}
	for _, s := range f.receivers {
		troubles = append(troubles, s.deaf, s.blind)
	}
	return redisx.Troubles(troubles...)
}

// stop ends everything and waits for it.
func (f *feeds) stop() {
	f.end()
	f.parts.Wait()
}
