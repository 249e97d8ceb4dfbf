package engineio

import (
	"sync"
	"time"
)

// wheel is one timer for the heartbeats of all sessions: a ring of slots, one for each tick, each a list of sessions
// whose time comes then. A session stands in at most one slot, through links of its own, so nothing is allocated.
type wheel struct {
	tick time.Duration
	stop chan struct{}
	done chan struct{}

	mu    sync.Mutex
	now   int // the slot that was served last
	slots []*Session
}

// wheelLinks is a session's place in the wheel; guarded by wheel.mu.
type wheelLinks struct {
	next, prev *Session
	slot       int32 // 1-based; 0 is nowhere
}

// newWheel makes a wheel for delays up to longest, exact to one tick late, and starts it.
func newWheel(shortest, longest time.Duration) *wheel {
	tick := min(max(shortest/32, 5*time.Millisecond), time.Second)
	w := &wheel{
		tick:  tick,
		slots: make([]*Session, longest/tick+3),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	go w.run()
	return w
}

func (w *wheel) close() {
	close(w.stop)
	<-w.done
}

// set calls s.beat after the delay, in place of what was set before.
func (w *wheel) set(s *Session, after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.removeLocked(s)
	ticks := min(int((after+w.tick-1)/w.tick)+1, len(w.slots)-1)
	slot := (w.now + ticks) % len(w.slots)
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
	started, ticks := time.Now(), 0
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
			// A ticker drops ticks when the machine is busy; the clock does not.
			for due := int(time.Since(started) / w.tick); ticks < due; ticks++ {
				w.advance()
			}
		}
	}
}

// advance serves the next slot. The sessions are called with no lock held.
func (w *wheel) advance() {
	w.mu.Lock()
	w.now = (w.now + 1) % len(w.slots)
	var due []*Session
	for s := w.slots[w.now]; s != nil; s = w.slots[w.now] {
		w.removeLocked(s)
		due = append(due, s)
	}
	w.mu.Unlock()
	for _, s := range due {
		s.beat()
	}
}
