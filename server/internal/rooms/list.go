package rooms

import (
	"context"
	"sync"
	"time"

	"scalable-chat/server/internal/chat"
)

const (
	listAge  = 2 * time.Second // how old the public list may be
	listWait = 2 * time.Second // how long the records are waited for
)

// list is the public list of rooms. Whoever finds it too old asks anew; the others wait for the same answer.
type list struct {
	mu     sync.Mutex
	rooms  []chat.Listed // never changed, only replaced
	err    error         // why there are none
	asked  time.Time     // when the last question was answered
	asking chan struct{} // closed when the question that is open is answered; nil: none is
}

// List returns the public rooms in the order of the settings. The numbers, or the error that they cannot be found, are at most
// two seconds old. The caller must not change the list.
func (m *Manager) List(ctx context.Context) ([]chat.Listed, error) {
	if len(m.opts.Listed) == 0 {
		return nil, nil
	}
	l := &m.list
	l.mu.Lock()
	asking := l.asking
	if asking == nil && time.Since(l.asked) < listAge {
		defer l.mu.Unlock()
		return l.rooms, l.err
	}
	if asking == nil {
		asking = make(chan struct{})
		l.asking = asking
		l.mu.Unlock()
		m.ask(ctx)
	} else {
		l.mu.Unlock()
	}
	select {
	case <-asking:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rooms, l.err
}

// ask asks the records, for all who wait.
func (m *Manager) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listWait)
	defer cancel()
	online, err := m.opts.Backend.Online(ctx, m.opts.Listed)
	var rooms []chat.Listed
	if err == nil {
		rooms = make([]chat.Listed, len(online))
		for i, n := range online {
			rooms[i] = chat.Listed{Name: m.opts.Listed[i], Online: n}
		}
	}
	l := &m.list
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rooms, l.err, l.asked = rooms, err, time.Now()
	close(l.asking)
	l.asking = nil
}
