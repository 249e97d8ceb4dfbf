package rooms

import (
	"net/netip"
	"time"

	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/subscriber"
)

// session is what the manager needs of an [engineio.Session].
type session interface {
	// Network is the address of the client, or the network that stands for it.
	Network() netip.Prefix
	// Visit is a value that lasts as long as the session; the first call makes it.
	Visit(make func() any) any
	// Leaving reports whether the session is about to leave a room.
	Leaving() bool
}

// visitor is what the manager keeps of a session, so that leaving a room resets nothing.
type visitor struct {
	rate    pace.Bucket
	rooms   int      // guarded by Manager.mu; that it is in, or waits for
	network *network // guarded by Manager.mu; fixed while rooms is above zero
}

// usage counts the users of a room or a network, which are kept a little longer than they are used.
type usage struct {
	users  int           // guarded by Manager.mu, as the rest
	since  time.Duration // when the last user left
	queued bool          // it is in one of the manager's queues
}

// idler is what is forgotten some time after its last user has left.
type idler interface{ used() *usage }

func (u *usage) used() *usage { return u }

// network is an address whose clients are in rooms, or were a moment ago: its rate outlives them.
type network struct {
	usage     // clients
	address   netip.Prefix
	unbounded bool
	line      *line // its openings
	alone     int   // rooms in which all members are of this network
}

func (m *Manager) visitorOf(s session) *visitor {
	return s.Visit(func() any { return &visitor{rate: pace.New(m.bounds.connectionRate, m.bounds.connectionOnce)} }).(*visitor)
}

// visit counts one more room for a session; nil: it has too many.
func (m *Manager) visit(s session) *visitor {
	v, address := m.visitorOf(s), s.Network()
	m.mu.Lock()
	defer m.mu.Unlock()
	if v.rooms >= m.opts.PerConnection {
		return nil
	}
	if v.rooms++; v.rooms == 1 {
		v.network = m.networkLocked(address)
	}
	return v
}

// endVisitLocked counts one room less.
func (m *Manager) endVisitLocked(v *visitor) {
	if v.rooms--; v.rooms == 0 && !v.network.unbounded {
		m.releaseLocked(v.network)
	}
}

func (m *Manager) networkLocked(address netip.Prefix) *network {
	if !subscriber.IsPublic(address) {
		return m.anyone
	}
	n := m.networks[address]
	if n == nil {
		n = &network{address: address, line: newLine(m.bounds.networkRate, m.bounds.networkOnce)}
		m.networks[address] = n
	}
	n.users++
	return n
}

func (m *Manager) release(i idler) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.releaseLocked(i)
}

// releaseLocked takes back one use.
func (m *Manager) releaseLocked(i idler) {
	u := i.used()
	if u.users--; u.users > 0 {
		return
	}
	if u.since = m.now(); u.queued {
		return
	}
	if _, isRoom := i.(*entry); isRoom {
		m.idleRooms.put(i, u.since)
	} else {
		m.idleNetworks.put(i, u.since)
	}
}

// crowd counts the members of a room by their networks. Most rooms have members of one, or few.
type crowd struct {
	sole *network // the network of all members; nil: there are none, or several
	size int      // members of sole
	many map[*network]int
}

func (c *crowd) isEmpty() bool { return c.sole == nil && c.many == nil }

func (c *crowd) join(n *network) {
	switch {
	case c.many != nil:
		c.many[n]++
	case c.sole == nil || c.sole == n:
		c.sole = n
		c.size++
		n.alone += one(c.size)
	default:
		c.many = map[*network]int{c.sole: c.size, n: 1}
		c.sole.alone--
		c.sole, c.size = nil, 0
	}
}

func (c *crowd) leave(n *network) {
	if c.many == nil {
		n.alone -= one(c.size)
		if c.size--; c.size == 0 {
			c.sole = nil
		}
		return
	}
	if c.many[n]--; c.many[n] > 0 {
		return
	}
	delete(c.many, n)
	if len(c.many) > 1 {
		return
	}
	for last, size := range c.many {
		c.sole, c.size = last, size
		last.alone++
	}
	c.many = nil
}

// one is 1 for the first member of a network, 0 for the others.
func one(size int) int {
	if size == 1 {
		return 1
	}
	return 0
}
