package adapter

import (
	"maps"
	"sync"
	"time"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/fanout"
)

// member is a socket of this node, from its admission until it has left all its rooms.
type member struct {
	socket    *socket.Socket
	conn      session
	client    Client    // nil if the owner has none
	recovered time.Time // when it continued where an earlier connection ended; zero: it did not

	// Guarded by members.mu.
	own   bool                     // is in the room of its own id; true until it leaves that room
	rooms map[socket.Room]struct{} // the others; nil if there are none

	mu      sync.Mutex
	start   fanout.Cursor // where it begins to follow the log
	since   uint64        // the number of the first volatile broadcast that it may receive
	greeted bool          // counts as a member; follows the log, if there is one
	alone   bool          // its namespace has no log, so it gets no greeting
	gone    bool
}

// Part implements [engineio.Resident].
func (m *member) Part() { m.socket.Disconnect(false) }

// greet starts the delivery of the log after the greeting. It is false if the socket has left already or is greeted. It
// excludes leave, which could otherwise cut off a client that rejoins within the same session.
func (m *member) greet(since uint64, greeting func([]byte, fanout.Cursor, Client) []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone || m.greeted {
		return false
	}
	m.greeted = true
	if !m.alone {
		m.since = since
		m.conn.Follow(m.start, greeting(nil, m.start, m.client))
		m.start = fanout.Cursor{} // it would keep a segment alive
	}
	return true
}

// leave ends the delivery of the log for good. It reports whether the socket was greeted.
func (m *member) leave(log *fanout.Log) (wasGreeted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone, wasGreeted, m.greeted = true, m.greeted, false
	m.start = fanout.Cursor{}
	if wasGreeted && log != nil {
		m.conn.Unfollow(log)
	}
	return wasGreeted
}

func (m *member) isGreeted() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.greeted
}

// hearsSince is the number of the first volatile broadcast for the socket; false: it gets none yet.
func (m *member) hearsSince() (uint64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.since, m.greeted || m.alone
}

// headcount counts the greeted members of a namespace. The lock is held while the owner is told, so that it hears the
// numbers in order. A socket may leave before it is counted; nobody is told of less than none.
type headcount struct {
	changed func(int) // nil: nobody is told

	mu    sync.Mutex
	count int
	told  int
}

func (c *headcount) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count += n
	if now := max(c.count, 0); now != c.told {
		c.told = now
		if c.changed != nil {
			c.changed(now)
		}
	}
}

func (c *headcount) value() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told
}

// members are the sockets of a namespace on this node and their rooms. The library's own maps lose a membership when a join
// races the last leave, and keep a socket for ever if it joins a room while it closes. Here one lock covers both
// directions, and only members can join. Membership in a socket's own room is a flag.
type members struct {
	mu    sync.RWMutex
	all   map[socket.SocketId]*member
	rooms map[socket.Room]map[*member]struct{} // without own rooms; no set is empty
}

func newMembers() *members {
	return &members{all: map[socket.SocketId]*member{}, rooms: map[socket.Room]map[*member]struct{}{}}
}

func roomOf[T ~string](id T) socket.Room { return socket.Room(id) }

func (s *members) add(id socket.SocketId, m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[id] = m
}

func (s *members) isEmpty() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.all) == 0
}

func (s *members) get(id socket.SocketId) *member {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.all[id]
}

// change is one event for the adapter's listeners.
type change struct {
	event string
	room  socket.Room
}

// join puts a member into rooms and returns the changes.
func (s *members) join(id socket.SocketId, rooms []socket.Room) (changes []change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.all[id]
	if m == nil {
		return nil
	}
	for _, room := range rooms {
		if s.isInLocked(m, id, room) {
			continue
		}
		if s.sizeLocked(room) == 0 {
			changes = append(changes, change{"create-room", room})
		}
		changes = append(changes, change{"join-room", room})
		if room == roomOf(id) {
			m.own = true
			continue
		}
		if m.rooms == nil {
			m.rooms = map[socket.Room]struct{}{}
		}
		m.rooms[room] = struct{}{}
		if s.rooms[room] == nil {
			s.rooms[room] = map[*member]struct{}{}
		}
		s.rooms[room][m] = struct{}{}
	}
	return changes
}

// leave takes a member out of one room.
func (s *members) leave(id socket.SocketId, room socket.Room) []change {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.all[id]
	if m == nil {
		return nil
	}
	return s.leaveLocked(nil, m, id, room)
}

func (s *members) leaveLocked(changes []change, m *member, id socket.SocketId, room socket.Room) []change {
	if !s.isInLocked(m, id, room) {
		return changes
	}
	if room == roomOf(id) {
		m.own = false
	} else {
		delete(m.rooms, room)
		delete(s.rooms[room], m)
		if len(s.rooms[room]) == 0 {
			delete(s.rooms, room)
		}
	}
	changes = append(changes, change{"leave-room", room})
	if s.sizeLocked(room) == 0 {
		changes = append(changes, change{"delete-room", room})
	}
	return changes
}

// remove takes a member out of all rooms and out of the set. The member is nil if none has that id.
func (s *members) remove(id socket.SocketId) (*member, []change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.all[id]
	if m == nil {
		return nil, nil
	}
	var changes []change
	for room := range m.rooms {
		changes = s.leaveLocked(changes, m, id, room)
	}
	changes = s.leaveLocked(changes, m, id, roomOf(id))
	delete(s.all, id)
	return m, changes
}

func (s *members) isInLocked(m *member, id socket.SocketId, room socket.Room) bool {
	if room == roomOf(id) {
		return m.own
	}
	_, in := m.rooms[room]
	return in
}

func (s *members) sizeLocked(room socket.Room) int {
	n := len(s.rooms[room])
	if m := s.all[socket.SocketId(room)]; m != nil && m.own {
		n++
	}
	return n
}

// inLocked calls fn with everyone in a room.
func (s *members) inLocked(room socket.Room, fn func(*member)) {
	if m := s.all[socket.SocketId(room)]; m != nil && m.own {
		fn(m)
	}
	for m := range s.rooms[room] {
		fn(m)
	}
}

// match returns the connected sockets in any of the rooms (no rooms: all) and in none of the excepted ones.
func (s *members) match(rooms, except []socket.Room) []*member {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var barred, seen map[*member]struct{}
	if len(except) > 0 {
		barred = map[*member]struct{}{}
	}
	for _, room := range except {
		s.inLocked(room, func(m *member) { barred[m] = struct{}{} })
	}
	if len(rooms) > 1 {
		seen = map[*member]struct{}{}
	}
	var found []*member
	take := func(m *member) {
		if _, no := barred[m]; no || !m.socket.Connected() {
			return
		}
		if seen != nil {
			if _, twice := seen[m]; twice {
				return
			}
			seen[m] = struct{}{}
		}
		found = append(found, m)
	}
	if len(rooms) == 0 {
		found = make([]*member, 0, len(s.all))
		for _, m := range s.all {
			take(m)
		}
	}
	for _, room := range rooms {
		s.inLocked(room, take)
	}
	return found
}

// greeted returns the sockets that have been greeted.
func (s *members) greeted() []*member {
	s.mu.RLock()
	all := make([]*member, 0, len(s.all))
	for _, m := range s.all {
		all = append(all, m)
	}
	s.mu.RUnlock()
	found := all[:0]
	for _, m := range all {
		if m.isGreeted() {
			found = append(found, m)
		}
	}
	return found
}

// roomsOf returns the rooms of a member, nil if no member has that id.
func (s *members) roomsOf(id socket.SocketId) *types.Set[socket.Room] {
	s.mu.RLock()
	defer s.mu.RUnlock()
	m := s.all[id]
	if m == nil {
		return nil
	}
	return m.roomSetLocked(id)
}

func (m *member) roomSetLocked(id socket.SocketId) *types.Set[socket.Room] {
	set := types.NewSet[socket.Room]()
	for room := range m.rooms {
		set.Add(room)
	}
	if m.own {
		set.Add(roomOf(id))
	}
	return set
}

// snapshot returns both directions in the library's form.
func (s *members) snapshot() (*types.Map[socket.Room, *types.Set[socket.SocketId]], *types.Map[socket.SocketId, *types.Set[socket.Room]]) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	rooms := &types.Map[socket.Room, *types.Set[socket.SocketId]]{}
	sids := &types.Map[socket.SocketId, *types.Set[socket.Room]]{}
	for id, m := range maps.All(s.all) {
		set := m.roomSetLocked(id)
		sids.Store(id, set)
		for _, room := range set.Keys() {
			ids, _ := rooms.LoadOrStore(room, types.NewSet[socket.SocketId]())
			ids.Add(id)
		}
	}
	return rooms, sids
}
