package engineio

import (
	"sync"
	"time"
)

// wheel is one timer for the heartbeats of all sessions: a ring of slots, one for each tick. A slot lists the sessions that are
// due then. A session is in at most one slot and carries the links of the list itself, so setting allocates nothing.
type wheel struct {
	tick    time.Duration
	started time.Time
	stop    chan struct{}
	done    chan struct{}

	mu     sync.Mutex
	served int // ticks served since the start
	slots  []*Session
}

// wheelLinks is a session's place in the wheel; guarded by wheel.mu.
type wheelLinks struct {
	next, prev *Session
	slot       int32 // 1-based; 0 is nowhere
}

// newWheel makes a wheel for delays from shortest to longest and starts it.
func newWheel(shortest, longest time.Duration) *wheel {
	tick := min(max(shortest/64, 5*time.Millisecond), 500*time.Millisecond)
	w := &wheel{
		tick:    tick,
		started: time.Now(),
		slots:   make([]*Session, longest/tick+2),
		stop:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	go w.run()
	return w
}

func (w *wheel) close() {
	close(w.stop)
	<-w.done
}

// set schedules s.beat after the delay and replaces an earlier schedule. It fires one to two ticks early rather than late: the
// client runs its own clock, and the machine may be busy.
func (w *wheel) set(s *Session, after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.removeLocked(s)
	due := int((time.Since(w.started)+after)/w.tick) - 1
	due = min(max(due, w.served+1), w.served+len(w.slots)-1)
	slot := due % len(w.slots)
	s.wheel = wheelLinks{next: w.slots[slot], slot: int32(slot) + 1}
	if s.wheel.next != nil {
		s.wheel.next.wheel.prev = s
	}
	w.slots[slot] = s
}

func (w *wheel) remove(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.removeLocked(s)
}

func (w *wheel) removeLocked(s *Session) {
	if s.wheel.slot == 0 {
		return
	}
	if s.wheel.prev != nil {
		s.wheel.prev.wheel.next = s.wheel.next
	} else {
		w.slots[s.wheel.slot-1] = s.wheel.next
	}
	if s.wheel.next != nil {
		s.wheel.next.wheel.prev = s.wheel.prev
	}
	s.wheel = wheelLinks{}
}

func (w *wheel) run() {
	defer close(w.done)
	ticker := time.NewTicker(w.tick)
	defer ticker.Stop()
	for served := 0; ; {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
			// A ticker drops ticks when the machine is busy; the clock does not.
			for now := int(time.Since(w.started) / w.tick); served < now; served++ {
				w.advance()
			}
		}
	}
}

// advance serves the next slot. The sessions are called with no lock held.
func (w *wheel) advance() {
	w.mu.Lock()
	w.served++
	slot := w.served % len(w.slots)
	var due []*Session
	for s := w.slots[slot]; s != nil; s = w.slots[slot] {
		w.removeLocked(s)
		due = append(due, s)
	}
	w.mu.Unlock()
	for _, s := range due {
		s.beat()
	}
}
