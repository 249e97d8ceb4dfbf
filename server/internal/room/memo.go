package room

import (
	"context"
	"sync"
	"time"

	"scalable-chat/server/internal/chat"
)

// memoSize is how many answers each half of a memo remembers.
const memoSize = 128

// memo remembers the newest answers about rooms, at most twice memoSize. One caller finds the answer for all who ask
// meanwhile. It has no goroutine and needs no closing. The zero memo is empty.
type memo struct {
	mu         sync.Mutex
	young, old map[string]*finding // by namespace; the young ones become the old ones when they are many
}

// known is an answer.
type known struct {
	people chat.People
	at     time.Time     // when all nodes were asked; zero: they were not
	keep   time.Duration // how long it is good
}

// finding is an answer that is known, or that somebody looks for.
type finding struct {
	done  chan struct{} // closed when the rest is set
	until time.Time
	known
}

// get returns an answer that is good. If there is none, one caller calls find with the answer that is not good any more, or the
// zero value; the others wait. The error is that of ctx.
func (m *memo) get(ctx context.Context, namespace string, find func(last known) known) (chat.People, error) {
	f, last, mine := m.enter(namespace)
	if mine {
		f.look(find, last)
	}
	select {
	case <-f.done:
		return f.people, nil
	case <-ctx.Done():
		return chat.People{}, ctx.Err()
	}
}

// look ends the wait of the others even if find panics.
func (f *finding) look(find func(known) known, last known) {
	defer close(f.done)
	f.known = find(last)
	f.until = time.Now().Add(f.keep)
}

// enter returns the finding of a room; mine means that the caller has to look.
func (m *memo) enter(namespace string) (f *finding, last known, mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.young[namespace]
	if !ok {
		f = m.old[namespace]
	}
	if f != nil {
		select {
		default:
			return f, known{}, false
		case <-f.done:
		}
		if time.Now().Before(f.until) {
			return f, known{}, false
		}
		last = f.known
	}
	f = &finding{done: make(chan struct{})}
	if len(m.young) >= memoSize {
		m.old, m.young = m.young, nil
	}
	if m.young == nil {
		m.young = map[string]*finding{}
	}
	m.young[namespace] = f
	return f, last, true
}
