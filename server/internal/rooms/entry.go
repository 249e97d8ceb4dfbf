package rooms

import (
	"context"
	"sync/atomic"

	"scalable-chat/server/internal/stream"
)

// entry is a room that is opening, open or closing. It is the sink of its record.
type entry struct {
	usage   // clients inside, or waiting
	manager *Manager
	name    string
	total   atomic.Int64 // members on all nodes

	// Guarded by Manager.mu.
	crowd  crowd
	record stream.Room // nil until the room is built, as place
	place  Place
	ready  chan struct{} // closed by the first Reset, then nil
	gone   chan struct{} // not nil: the room is closing; closed when its name is free
	untold bool          // in Manager.changed
	gave   int64         // the largest number that a greeting gave since the doubt began
	doubt  int           // rounds of the janitor until that number is looked at; 0: there is no doubt

	told int64 // the last presence; owned by the janitor
}

var _ stream.Sink = (*entry)(nil)

// open opens a room for a client of the network, unless somebody else does. The caller uses the room that it returns, and
// releases it.
func (m *Manager) open(ctx context.Context, n *network, name string) (e *entry, err error) {
	needless := func() bool { return m.has(name) }
	always := func() bool { return true }
	waited := n.line.pass(ctx, m.now, needless, always, func() {
		err = m.door.pass(ctx, m.now, needless, m.hasRoom, func() { e = m.insert(name) })
	})
	if e != nil {
		m.build(e)
	}
	if waited != nil {
		err = waited
	}
	return e, err
}

func (m *Manager) has(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rooms[name] != nil || m.draining
}

// hasRoom reports whether one more room may be opened.
func (m *Manager) hasRoom() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.rooms) < m.opts.Max && !m.opts.Full()
}

// insert makes an entry with one user, who builds it; nil: the node drains, or somebody was quicker.
func (m *Manager) insert(name string) *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.draining || m.rooms[name] != nil {
		return nil
	}
	e := &entry{manager: m, name: name, ready: make(chan struct{})}
	e.users = 1
	m.rooms[name] = e
	m.work.Add(1)
	m.opened.Add(1)
	return e
}

// build opens the room.
func (m *Manager) build(e *entry) {
	defer m.work.Done()
	record := m.opts.Backend.Room(e.name)
	place := m.opts.Open(e.name, record, e.online)
	m.mu.Lock()
	e.record, e.place = record, place
	m.mu.Unlock()
	record.Follow(m.opts.Tail, e)
}

// built returns the place, nil if there is none yet.
func (e *entry) built() Place {
	e.manager.mu.Lock()
	defer e.manager.mu.Unlock()
	return e.place
}

// close closes a room that nobody can enter: gone is set, or the manager drains.
func (m *Manager) close(e *entry) {
	e.record.Close()
	e.place.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rooms, e.name)
	e.record, e.place, e.doubt = nil, nil, 0 // the janitor's list may hold the entry for a moment
	if e.gone != nil {
		close(e.gone)
	}
}

// Reset implements [stream.Sink]. The first one makes the room ready.
func (e *entry) Reset(entries []stream.Entry) {
	e.place.Reset(entries)
	m := e.manager
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.ready != nil {
		close(e.ready)
		e.ready = nil
	}
}

// Deliver implements [stream.Sink].
func (e *entry) Deliver(entries []stream.Entry) { e.place.Deliver(entries) }

// Message implements [stream.Sink].
func (e *entry) Message(message []byte) { e.place.Message(message) }

// Members implements [stream.Sink]. The members are told by the janitor.
func (e *entry) Members(total int) {
	if e.total.Swap(int64(total)) == int64(total) {
		return
	}
	m := e.manager
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changedLocked(e)
}

func (m *Manager) changedLocked(e *entry) {
	if !e.untold {
		e.untold = true
		m.changed = append(m.changed, e)
	}
}

// doubtful is after how many rounds of the janitor a number in a greeting is looked at. By then the total has settled.
const doubtful = 3

// online is the number that a greeting is made of, which counts the new member besides; atLeast are the members of this node. The total may still count a socket
// that has just left, for example the earlier one of the same client. If nothing but these two has changed in the end, the
// total is what it was, and nobody would be told; so the janitor looks at the number later.
func (e *entry) online(atLeast int) int {
	n := max(e.total.Load(), int64(atLeast))
	m := e.manager
	m.mu.Lock()
	defer m.mu.Unlock()
	e.gave = max(e.gave, n+1)
	if e.doubt == 0 {
		e.doubt = doubtful
	}
	m.changedLocked(e)
	return int(n)
}

// nothingTold is not the number of members of any room.
const nothingTold = -1

// resolveLocked counts one round of doubt, and reports whether it has ended with a greeting that gave too much.
func (m *Manager) resolveLocked(e *entry) (over bool) {
	if e.doubt == 0 {
		return false
	}
	if e.doubt--; e.doubt > 0 {
		m.changedLocked(e)
		return false
	}
	over, e.gave = e.gave > e.total.Load(), 0
	return over
}
