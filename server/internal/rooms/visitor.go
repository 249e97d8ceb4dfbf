package rooms

import (
	"net/netip"
	"time"

	"scalable-chat/server/internal/pace"
)

// visitorKey is what the manager needs of a connection. It is comparable.
type visitorKey interface {
	// Network is the address of the client, or the network that stands for it.
	Network() netip.Prefix
}

// usage counts the users of what is kept a little longer than it is used.
type usage struct {
	users  int           // guarded by Manager.mu, as the rest
	since  time.Duration // when the last user left
	queued bool          // it is in one of the manager's queues
}

// idler is what is forgotten some time after its last user has left.
type idler interface{ used() *usage }

func (u *usage) used() *usage { return u }

// visitor is a connection that is in rooms, or was a moment ago: its rate outlives its rooms, so that leaving resets nothing.
type visitor struct {
	usage   // rooms that it is in, or waits for
	key     visitorKey
	network *network
	rate    pace.Bucket
}

// network is an address whose clients are in rooms, or were a moment ago.
type network struct {
	usage     // visitors
	address   netip.Prefix
	unbounded bool
	line      *line // its openings
	alone     int   // rooms in which all members are of this network
}

// visitorLocked returns the visitor of a connection, with one more user.
func (m *Manager) visitorLocked(key visitorKey) *visitor {
	v := m.visitors[key]
	if v == nil {
		v = &visitor{key: key, network: m.networkLocked(key.Network()), rate: pace.New(m.bounds.connectionRate, m.bounds.connectionOnce)}
		m.visitors[key] = v
	}
	v.users++
	return v
}

func (m *Manager) networkLocked(address netip.Prefix) *network {
	if !isPublic(address) {
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
		m.idleVisitors.put(i, u.since)
	}
}

// carrierNAT is shared by the customers of a provider (RFC 6598).
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// isPublic reports whether an address says who a client is. A private one may be that of a proxy, which stands for everybody.
func isPublic(address netip.Prefix) bool {
	ip := address.Addr()
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !carrierNAT.Contains(ip)
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
