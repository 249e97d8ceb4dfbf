package rooms

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/stream"
)

// Hold keeps a room open for somebody who is no client, and opens it first if need be, at most until ctx ends. The caller calls
// release once. The bounds and rates of the node hold, those of connections and addresses do not; nobody becomes a member. The
// error is an [engineio.Refusal] if the room can never be opened.
func (m *Manager) Hold(ctx context.Context, name string) (place Place, release func(), err error) {
	if err := m.check(name); err != nil {
		return nil, nil, err
	}
	m.waiting.Add(1)
	defer m.waiting.Add(-1)
	v := &visitor{network: m.anyone}
	if err := m.hold(ctx, v, name); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.rooms[name]
	if e == nil || e.place == nil { // the manager was closed
		return nil, nil, errDraining
	}
	return e.place, func() { m.part(e, v) }, nil
}

// check refuses what is not the name of a room that may be opened.
func (m *Manager) check(name string) error {
	switch {
	case !stream.ValidRoom(name):
		return errInvalid
	case !m.opts.Permits(name):
		return errForbidden
	}
	return nil
}

// openAge is how old the list of open rooms may be. Making it takes milliseconds when there are many.
const openAge = time.Second

// openRooms are the rooms that were open a moment ago.
type openRooms struct {
	mu    sync.Mutex
	rooms []chat.Listed // in the order of names; never changed, only replaced
	asked time.Time
}

// Open returns the first n of the open rooms whose names come after the given one, in the order of their names, and whether there
// are more. The list, with the members on all nodes, is at most a second old. The caller must not change it.
func (m *Manager) Open(after string, n int) (rooms []chat.Listed, more bool) {
	all := m.listOpen()
	first, found := slices.BinarySearchFunc(all, after, func(r chat.Listed, name string) int { return cmp.Compare(r.Name, name) })
	if found {
		first++
	}
	rest := all[first:]
	return rest[:min(n, len(rest))], len(rest) > n
}

func (m *Manager) listOpen() []chat.Listed {
	o := &m.openList
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.asked.IsZero() && time.Since(o.asked) < openAge {
		return o.rooms
	}
	var rooms []chat.Listed
	for _, e := range m.all() {
		rooms = append(rooms, chat.Listed{Name: e.name, Online: int(e.total.Load())})
	}
	slices.SortFunc(rooms, func(a, b chat.Listed) int { return strings.Compare(a.Name, b.Name) })
	o.rooms, o.asked = rooms, time.Now()
	return rooms
}
