package rooms

import (
	"time"
)

// queue holds what has no users, in the order in which it was put there.
type queue []queued

type queued struct {
	idler
	at time.Duration
}

func (q *queue) put(i idler, now time.Duration) {
	i.used().queued = true
	*q = append(*q, queued{i, now})
}

// expired takes out what has had no user for as long as linger, and calls expire with it. What has users again leaves, too.
func (q *queue) expired(now, linger time.Duration, expire func(idler)) {
	for len(*q) > 0 && now-(*q)[0].at >= linger {
		first := (*q)[0]
		*q = (*q)[1:]
		u := first.used()
		u.queued = false
		switch {
		case u.users > 0:
		case now-u.since < linger: // it had users in between
			q.put(first.idler, u.since)
		default:
			expire(first.idler)
		}
	}
}

// janitor tells the members of each room how many they are, and closes rooms that stay empty, until the manager ends.
func (m *Manager) janitor() {
	ticker := time.NewTicker(m.bounds.tick)
	defer ticker.Stop()
	for {
		select {
		case <-m.life.Done():
			return
		case <-ticker.C:
		}
		m.tell()
		m.sweep()
	}
}

// tell sends the presence of the rooms in which it has changed.
func (m *Manager) tell() {
	m.mu.Lock()
	changed := m.changed
	m.changed = nil
	for _, e := range changed {
		e.untold = false
		if m.resolveLocked(e) {
			e.told = nothingTold
		}
	}
	m.mu.Unlock()
	for _, e := range changed {
		place, online := e.built(), e.total.Load()
		if place != nil && online != e.told {
			e.told = online
			place.Presence(int(online))
		}
	}
}

// sweep closes the rooms, and forgets the networks, that nobody has used for a while. If no more rooms can be
// opened, empty ones make place at once.
func (m *Manager) sweep() {
	var closing []*entry
	full := !m.hasRoom()
	m.mu.Lock()
	now, linger := m.now(), m.bounds.linger
	m.idleNetworks.expired(now, linger, func(i idler) { delete(m.networks, i.(*network).address) })
	if full {
		linger = 0
	}
	m.idleRooms.expired(now, linger, func(i idler) {
		e := i.(*entry)
		e.gone = make(chan struct{})
		closing = append(closing, e)
	})
	m.mu.Unlock()
	for _, e := range closing {
		m.close(e)
	}
}
