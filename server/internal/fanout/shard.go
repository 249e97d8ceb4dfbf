package fanout

import (
	"sync"
	"sync/atomic"
)

// shard is a part of the connections and the goroutine that sweeps it.
type shard struct {
	maxPrivate int           // see Options
	wake       chan struct{} // one token: an audience is due
	stop       chan struct{}
	done       chan struct{}

	deliveries, writes, parks, parked atomic.Int64 // see Stats

	// Owned by run.
	writer *socketWriter
	told   []told
	taken  []*audience // the audiences of this round

	mu        sync.Mutex // guards the fields of every audience that say so, and what follows
	audiences map[*Log]*audience
	due       []*audience // to be swept, each listed once, first come first served
	changed   sync.Cond   // an audience was swept, or the shard stopped
	stopped   bool
}

// audience is the connections of one shard that follow one log. It exists while it has members.
type audience struct {
	log *Log

	// Owned by the shard's run.
	readers []*reader

	// Guarded by shard.mu.
	joined []*reader // not in readers yet
	left   int       // how many in readers or joined have left
	size   int       // readers after the last sweep
	swept  mark      // where the head was when that began
	queued bool      // is in due
}

// told is a connection whose owner is to be told something.
type told struct {
	conn *Conn
	news news
}

func newShard(maxPrivate int) *shard {
	s := &shard{
		maxPrivate: maxPrivate, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		audiences: map[*Log]*audience{},
	}
	s.writer = newSocketWriter()
	s.changed.L = &s.mu
	go s.run()
	return s
}

func (s *shard) end() {
	s.mu.Lock()
	s.stopped = true
	s.changed.Broadcast()
	s.mu.Unlock()
	close(s.stop)
}

// keepUp waits until the sweeps of this log are not too far behind its head.
func (s *shard) keepUp(l *Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.stopped {
		a := s.audiences[l]
		if a == nil || !l.apart(a.swept, l.mark(), lag) {
			return
		}
		s.changed.Wait()
	}
}

// grew has the log swept, if anybody here follows it: it grew or was reset.
func (s *shard) grew(l *Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.audiences[l]; a != nil {
		s.queueLocked(a)
	}
}

// queueLocked has an audience swept soon. One that is listed already will see what the caller did.
func (s *shard) queueLocked(a *audience) {
	if a.queued {
		return
	}
	a.queued = true
	s.due = append(s.due, a)
	select {
	case s.wake <- struct{}{}:
	default: // a round is about to start
	}
}

// join lists a reader for the sweeps that begin from now on. It starts none: the caller writes what is there already.
func (s *shard) join(r *reader, l *Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.audiences[l]
	if a == nil {
		a = &audience{log: l, swept: l.mark()}
		s.audiences[l] = a
	}
	a.joined = append(a.joined, r)
}

// leave counts, so that a quiet log, too, lets go of the connections that left it, without a sweep for each.
func (s *shard) leave(l *Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.audiences[l]
	if a.left++; a.left >= a.size+len(a.joined) || a.left > 64+a.size/8 {
		s.queueLocked(a)
	}
}

func (s *shard) run() {
	defer close(s.done)
	g := newGatherer()
	defer g.close()
	for {
		select {
		case <-s.wake:
			g.gather()
			s.round()
		case <-s.stop:
			return
		}
	}
}

// round sweeps every audience that is due once. Owners hear their news at the end, with no lock held.
func (s *shard) round() {
	s.mu.Lock()
	s.taken, s.due = s.due, s.taken[:0]
	s.mu.Unlock()
	for _, a := range s.taken {
		s.sweep(a)
	}
	clear(s.taken)
	for _, t := range s.told {
		t.conn.tell(t.news)
	}
	clear(s.told)
	s.told = s.told[:0]
}

// sweep visits every connection of an audience once.
func (s *shard) sweep(a *audience) {
	s.mu.Lock()
	a.queued = false
	a.readers = append(a.readers, a.joined...)
	clear(a.joined)
	a.joined = a.joined[:0]
	a.left = 0
	s.mu.Unlock()

	began := a.log.mark()
	kept := a.readers[:0]
	for _, r := range a.readers {
		stays, n := r.conn.sweep(r, s.writer)
		if stays {
			kept = append(kept, r)
		}
		if n != (news{}) {
			s.told = append(s.told, told{r.conn, n})
		}
	}
	clear(a.readers[len(kept):])
	a.readers = kept

	s.mu.Lock()
	defer s.mu.Unlock()
	a.size, a.swept = len(kept), began
	if len(kept) == 0 && len(a.joined) == 0 && !a.queued { // a round that is to come would take a later one for it
		delete(s.audiences, a.log)
	}
	s.changed.Broadcast()
}
