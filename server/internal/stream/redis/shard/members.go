package shard

import (
	"context"
	_ "embed"
	"slices"
	"strconv"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
)

var (
	//go:embed members.lua
	membersLua    string
	membersScript = goredis.NewScript(membersLua)
)

// A node writes the members of 2,000 rooms a second at most, and those of one room once a second.
const (
	censusEvery = 50 * time.Millisecond
	censusRooms = 100
	coolingTime = time.Second
)

// membership is what a census knows of a room. Its lock guards it.
type membership struct {
	now     int
	written int32    // what Redis has; negative: not known
	busy    bool     // it is changed, being written or cooling
	over    bool     // another handle of the room writes
	dead    []string // nodes that Redis had when it was read last, but that were dead
	remove  []string // those of them that were dead the time before too
}

// census writes how many members this node has in each of its rooms. A room that has changed is written soon; then it cools.
// Each master has one exchange at a time, so one that does not answer delays only its own rooms.
type census struct {
	rooms *Rooms
	wake  chan struct{}

	mu      sync.Mutex
	changed []*room          // guarded by mu
	leaving map[string]*room // guarded by mu; closed rooms that Redis may still have members of, by name
	busy    int              // guarded by mu; how many rooms are
	idle    chan struct{}    // guarded by mu; if not nil, it is closed when none is, and nothing cools

	// owned by run
	masters map[string]*counted // by address; those that have something to do
	cooling []cooling           // in order
	results chan written
}

// counted are the rooms of a master that are to be written.
type counted struct {
	client *goredis.Client
	rooms  []*room
	busy   bool
}

type cooling struct {
	room  *room
	until time.Time
}

// written is the result of an exchange.
type written struct {
	master *counted
	counts []count
	errs   []error // of each
	err    error   // of all
}

// count is what is written of a room.
type count struct {
	room    *room
	members int
	remove  []string
}

func newCensus(rooms *Rooms) *census {
	return &census{
		rooms: rooms, wake: make(chan struct{}, 1), leaving: map[string]*room{},
		masters: map[string]*counted{}, results: make(chan written),
	}
}

// SetMembers implements [stream.Room].
func (r *room) SetMembers(n int) { r.rooms.census.set(r, n) }

func (c *census) set(r *room, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before := c.leaving[r.name]; before != nil && before != r {
		before.members.over = true
		delete(c.leaving, r.name)
		r.members.written = -1
	}
	r.members.now = n
	c.changeLocked(r)
}

// leave says that a closed room has no members.
func (c *census) leave(r *room) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.members.now = 0
	if r.members.busy || r.members.written != 0 {
		c.leaving[r.name] = r
	}
	c.changeLocked(r)
}

// changeLocked has the room written, if Redis does not have what it should.
func (c *census) changeLocked(r *room) {
	m := &r.members
	if m.busy || m.over || int(m.written) == m.now && m.remove == nil {
		return
	}
	m.busy = true
	c.busy++
	c.changed = append(c.changed, r)
	kick(c.wake)
}

// compare is told all that Redis has of a room. What it has of this node is corrected if it is wrong. The first of the live
// nodes removes those that are dead, and have been when it looked the last time.
func (c *census) compare(r *room, members map[string]string) {
	var dead []string
	first := true
	for node := range members {
		switch {
		case node == c.rooms.opts.Node:
		case !c.rooms.opts.Alive(node):
			dead = append(dead, node)
		case node < c.rooms.opts.Node:
			first = false
		}
	}
	own, _ := strconv.Atoi(members[c.rooms.opts.Node])
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &r.members
	if m.busy {
		return
	}
	m.written, m.remove = int32(own), nil
	for _, node := range dead {
		if first && slices.Contains(m.dead, node) {
			m.remove = append(m.remove, node)
		}
	}
	m.dead = dead
	c.changeLocked(r)
}

// run writes until ctx ends.
func (c *census) run(ctx context.Context) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for ticking := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
			if !ticking { // a reset puts the next tick off
				ticking = true
				ticker.Reset(censusEvery)
			}
		case w := <-c.results:
			c.finish(ctx, w)
		case now := <-ticker.C:
			if ticking = c.tick(ctx, now); !ticking {
				ticker.Reset(time.Hour)
			}
		}
	}
}

// tick writes what may be written now, and reports whether there is more to do.
func (c *census) tick(ctx context.Context, now time.Time) (more bool) {
	changed := c.cool(now)
	if err := c.assign(ctx, changed); err != nil {
		c.mu.Lock()
		c.changed = append(c.changed, changed...)
		c.mu.Unlock()
		c.rooms.reload(ctx)
		return true
	}
	budget := censusRooms
	for addr, m := range c.masters {
		if !m.busy && len(m.rooms) == 0 {
			delete(c.masters, addr)
			continue
		}
		more = true
		if n := min(budget, len(m.rooms)); n > 0 && !m.busy {
			budget -= n
			m.busy = true
			counts := c.take(m.rooms[:n])
			m.rooms = slices.Delete(m.rooms, 0, n)
			client := m.client
			c.rooms.parts.Go(func() { c.write(ctx, m, client, counts) })
		}
	}
	return more || len(c.cooling) > 0
}

// cool returns the rooms that have changed, and those that have cooled and changed in the meantime.
func (c *census) cool(now time.Time) (changed []*room) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed, c.changed = c.changed, nil
	n := 0
	for ; n < len(c.cooling) && (c.idle != nil || !c.cooling[n].until.After(now)); n++ {
		r := c.cooling[n].room
		r.members.busy = false
		c.busy--
		c.changeLocked(r)
		if !r.members.busy && c.leaving[r.name] == r { // Redis has what it should
			delete(c.leaving, r.name)
		}
	}
	c.cooling = slices.Delete(c.cooling, 0, n)
	changed, c.changed = append(changed, c.changed...), nil
	if c.idle != nil && c.busy == 0 {
		close(c.idle)
		c.idle = nil
	}
	return changed
}

// assign gives the rooms to their masters: all, or none after an error.
func (c *census) assign(ctx context.Context, rooms []*room) error {
	if len(rooms) == 0 {
		return nil
	}
	masters, err := c.rooms.masters(ctx, rooms)
	if err != nil {
		return err
	}
	for i, r := range rooms {
		addr := masters[i].Options().Addr
		if c.masters[addr] == nil {
			c.masters[addr] = &counted{}
		}
		c.masters[addr].client = masters[i]
		c.masters[addr].rooms = append(c.masters[addr].rooms, r)
	}
	return nil
}

// take returns what is to be written of the rooms at this moment.
func (c *census) take(rooms []*room) []count {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := make([]count, 0, len(rooms))
	for _, r := range rooms {
		if r.members.over {
			c.busy--
			continue
		}
		counts = append(counts, count{r, r.members.now, r.members.remove})
		r.members.remove = nil
	}
	return counts
}

// write is one exchange.
func (c *census) write(ctx context.Context, m *counted, client *goredis.Client, counts []count) {
	errs, err := redisx.Within(ctx, redisx.ExchangeTimeout, func(ctx context.Context) ([]error, error) {
		return c.rooms.writeCounts(ctx, client, counts)
	})
	select {
	case c.results <- written{m, counts, errs, err}:
	case <-ctx.Done():
	}
}

// writeCounts returns an error for each room, nil if it was written, or one for all.
func (s *Rooms) writeCounts(ctx context.Context, client *goredis.Client, counts []count) ([]error, error) {
	pipe := client.Pipeline()
	for i, n := range counts {
		args := []any{s.opts.Node, n.members, s.opts.TTL().Milliseconds(), s.publishCommand(), n.room.channel()}
		for _, node := range n.remove {
			args = append(args, node)
		}
		if keys := []string{n.room.online()}; i == 0 {
			membersScript.Eval(ctx, pipe, keys, args...)
		} else {
			membersScript.EvalSha(ctx, pipe, keys, args...)
		}
	}
	results, err := pipe.Exec(ctx)
	errs := make([]error, len(counts))
	for i, result := range results {
		errs[i] = result.Err()
	}
	return errs, redisx.NotSent(results, err)
}

// finish lets the rooms cool. Of those that were not written it is not known what Redis has.
func (c *census) finish(ctx context.Context, w written) {
	w.master.busy = false
	until, failed := time.Now().Add(coolingTime), w.err != nil
	c.mu.Lock()
	for i, n := range w.counts {
		n.room.members.written = int32(n.members)
		if w.err != nil || w.errs[i] != nil {
			n.room.members.written, failed = -1, true
		} else if c.leaving[n.room.name] == n.room && n.members == 0 {
			delete(c.leaving, n.room.name)
		}
		c.cooling = append(c.cooling, cooling{n.room, until})
	}
	c.mu.Unlock()
	if failed {
		c.rooms.reload(ctx)
	}
}

// flush waits until everything is written, which is done without a pause from now on, or until ctx or the census ends.
func (c *census) flush(ctx context.Context) {
	idle := make(chan struct{})
	c.mu.Lock()
	c.idle = idle
	c.mu.Unlock()
	kick(c.wake)
	select {
	case <-idle:
	case <-ctx.Done():
	case <-c.rooms.ended.Done():
	}
}
