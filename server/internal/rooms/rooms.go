// Package rooms owns which rooms are open on this node: it opens a room when the first client wants to enter, keeps it as
// long as somebody is in it, and closes it some seconds after the last one has left.
//
//	CONNECT /rooms/cats ──▶ engineio ──▶ Manager.Enter ──▶ limits, rates ──▶ stream.Room, replica, namespace ──▶ library
//
// It is the gate of the edge: the library sees no CONNECT to a room that is not open. It bounds how many rooms there are,
// how fast they are opened, and for whom. One goroutine serves all rooms; a room that runs or waits has none.
package rooms

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/stream"
)

// Prefix precedes the name of a room in that of its namespace.
const Prefix = "/rooms/"

// Options configure a manager. All of them are required unless it says otherwise.
type Options struct {
	// Backend has the records of the rooms. It may be nil if nothing is permitted and nothing listed.
	Backend stream.Rooms
	// Permits says which valid names may be opened.
	Permits func(name string) bool
	// Open makes this node's half of a room over its record, namespace included. It must not wait. online tells how many
	// members the room has on all nodes, as a greeting says it; atLeast are those of this node.
	Open func(name string, record stream.Room, online func(atLeast int) int) Place
	// Full says that there is no memory for more rooms; nil: there always is.
	Full func() bool

	Listed        []string // names of the public list
	Max           int      // rooms that are open at once
	PerConnection int      // rooms that a connection is in
	Tail          int      // entries that are read when a room opens

	Refused func(code string) // called for each refusal, with one of [Codes]; nil: nobody is told
}

// Place is this node's half of a room: what it keeps of the record, and the namespace. Reset, Deliver and Message are those of
// a [stream.Sink].
type Place interface {
	Reset(entries []stream.Entry)
	Deliver(entries []stream.Entry)
	Message(message []byte)
	// Presence tells the members on this node how many there are on all.
	Presence(online int)
	// Drain ends appends, and waits until everything that was stored is delivered, or until ctx ends.
	Drain(ctx context.Context) error
	// Close ends the place. It has no members, and its record is closed.
	Close()
}

// Stats are numbers of the moment, and totals since the start.
type Stats struct {
	Open    int   // rooms
	Waiting int   // clients that wait for a room to open
	Opened  int64 // total
}

// Manager keeps the rooms of one node. Its methods may be called from any goroutine.
type Manager struct {
	opts   Options
	bounds bounds
	began  time.Time
	life   context.Context // ends with Close
	end    context.CancelFunc
	work   sync.WaitGroup // the janitor, and whoever builds a room
	door   *line          // where all openings of the node pass
	anyone *network       // stands for all addresses that say nothing of who is there
	list   list

	openList openRooms

	opened, waiting atomic.Int64

	mu           sync.Mutex
	rooms        map[string]*entry
	networks     map[netip.Prefix]*network
	idleRooms    queue
	idleNetworks queue
	changed      []*entry // whose number of members has changed since it was told
	draining     bool
}

// bounds are the limits that nobody sets.
type bounds struct {
	linger                         time.Duration // how long a room stays open without members
	tick                           time.Duration // between two rounds of the janitor, and so between two presences
	connectionRate, connectionOnce int           // rooms that a connection enters in a second, and at once before that
	networkRate, networkOnce       int           // rooms that are opened for the clients of an address
	nodeRate, nodeOnce             int           // rooms that are opened on the node
	alone                          int           // rooms in which all members have the same address
}

var defaultBounds = bounds{
	linger: 10 * time.Second, tick: time.Second,
	connectionRate: 5, connectionOnce: 50,
	networkRate: 50, networkOnce: 500,
	nodeRate: 2000, nodeOnce: 2000,
	alone: 500,
}

// New makes a manager without rooms. [Manager.Close] ends it.
func New(o Options) *Manager { return newManager(o, defaultBounds) }

func newManager(o Options, b bounds) *Manager {
	if o.Full == nil {
		o.Full = func() bool { return false }
	}
	if o.Refused == nil {
		o.Refused = func(string) {}
	}
	m := &Manager{
		opts: o, bounds: b, began: time.Now(),
		door:  newLine(b.nodeRate, b.nodeOnce),
		rooms: map[string]*entry{}, networks: map[netip.Prefix]*network{},
		anyone: &network{unbounded: true, line: newLine(0, 0)},
	}
	m.life, m.end = context.WithCancel(context.Background())
	m.work.Go(m.janitor)
	return m
}

// Stats reads the numbers.
func (m *Manager) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Stats{Open: len(m.rooms), Waiting: int(m.waiting.Load()), Opened: m.opened.Load()}
}

// Degraded says why no more rooms can be opened. It is empty while some can.
func (m *Manager) Degraded() string {
	if m.hasRoom() {
		return ""
	}
	return "no more rooms can be opened (MAX_ROOMS, ROOMS_BYTES)"
}

// Drain opens no more rooms, ends the appends of all, and waits until everything that was stored is delivered to the members of
// this node, or until ctx ends.
func (m *Manager) Drain(ctx context.Context) error {
	m.mu.Lock()
	m.draining = true
	m.mu.Unlock()
	for _, e := range m.all() {
		if place := e.built(); place != nil {
			if err := place.Drain(ctx); err != nil && !errors.Is(err, stream.ErrClosed) { // closed: it has no members
				return err
			}
		}
	}
	return nil
}

// Close closes all rooms. Who waits for one gets an error. The sessions have ended.
func (m *Manager) Close() {
	m.mu.Lock()
	m.draining = true
	m.mu.Unlock()
	m.end()
	m.work.Wait()
	for _, e := range m.all() {
		m.close(e)
	}
}

// all returns the rooms.
func (m *Manager) all() []*entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.rooms))
}

// Each calls do for every room that is open, in no order and with no lock held.
func (m *Manager) Each(do func(name string, p Place)) {
	for _, e := range m.all() {
		if p := e.built(); p != nil {
			do(e.name, p)
		}
	}
}

// now is the clock of the rates and the idle.
func (m *Manager) now() time.Duration { return time.Since(m.began) }
