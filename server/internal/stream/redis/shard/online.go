package shard

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// roll is who has members in a room, as far as this node has heard.
type roll struct {
	nodes []present
	total int  // what the sink was told
	told  bool // the sink was told something
}

// present is one node in a room.
type present struct {
	node    *node
	members int
	fresh   bool // heard since the roll was last asked for
}

// count notes how many members a node says it has.
func (d *feed) count(node string, members int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sink == nil {
		return
	}
	at := slices.IndexFunc(d.roll.nodes, func(p present) bool { return p.node.id == node })
	if at < 0 {
		at = len(d.roll.nodes)
		d.roll.nodes = append(d.roll.nodes, present{node: d.feeds.nodes.see(node)})
	}
	d.roll.nodes[at].members, d.roll.nodes[at].fresh = members, true
	d.sumLocked()
}

// askLocked notes that Redis is asked for the roll from now on.
func (d *feed) askLocked() {
	for i := range d.roll.nodes {
		d.roll.nodes[i].fresh = false
	}
}

// enrolLocked takes the roll as Redis had it. What the nodes have said in the meantime is newer.
func (d *feed) enrolLocked(members map[string]string) {
	nodes := slices.DeleteFunc(d.roll.nodes, func(p present) bool { return !p.fresh })
	for node, number := range members {
		n, err := strconv.Atoi(number)
		if err == nil && n > 0 && !slices.ContainsFunc(nodes, func(p present) bool { return p.node.id == node }) {
			nodes = append(nodes, present{node: d.feeds.nodes.see(node), members: n})
		}
	}
	d.roll.nodes = slices.Clip(nodes)
	d.sumLocked()
}

func (d *feed) enrol(members map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sink != nil {
		d.enrolLocked(members)
	}
}

// sumLocked tells the sink the number of members on live nodes, if that is new.
func (d *feed) sumLocked() {
	total := 0
	for _, p := range d.roll.nodes {
		if p.node.alive.Load() {
			total += p.members
		}
	}
	if d.last.IsZero() || d.roll.told && total == d.roll.total {
		return
	}
	d.roll.total, d.roll.told = total, true
	d.sink.Members(total)
}

// recount counts anew, because other nodes are alive than before.
func (d *feed) recount() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sink != nil {
		d.sumLocked()
	}
}

// nodes are the nodes that have members in any room.
type nodes struct {
	self string
	ask  func(node string) bool

	mu    sync.Mutex
	known map[string]*node // guarded by mu
}

// node is one of them, and whether it was alive when it was looked at last.
type node struct {
	id    string
	alive atomic.Bool
	died  time.Time // guarded by nodes.mu
}

// forgetAfter is how long a node must be dead to be forgotten. One that is heard of again is a new one.
const forgetAfter = time.Minute

func (n *nodes) see(id string) *node {
	n.mu.Lock()
	defer n.mu.Unlock()
	seen := n.known[id]
	if seen == nil {
		seen = &node{id: id, died: time.Now()}
		seen.alive.Store(id == n.self || n.ask(id))
		n.known[id] = seen
	}
	return seen
}

// look asks who is alive, and reports whether that has changed.
func (n *nodes) look() (changed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, of := range n.known {
		alive := id == n.self || n.ask(id)
		switch was := of.alive.Swap(alive); {
		case alive != was:
			changed, of.died = true, time.Now()
		case !alive && time.Since(of.died) > forgetAfter:
			delete(n.known, id)
		}
	}
	return changed
}
