package fanout

import (
	"sync"
	"sync/atomic"
	"time"
)

// shard is a part of the connections and the goroutine that sweeps it.
type shard struct {
	maxPrivate int           // see Options
	wake       chan struct{} // one token: an audience is due
	stop       chan struct{}
	done       chan struct{}

	deliveries, writes, parks, parked atomic.Int64 // see Stats
	lateness                          lateness     // see Lags
	furthest                          furthest     // see Stats.Behind; noted by run

	// Owned by run.
	writer *socketWriter
	told   []told
	taken  []*audience // the audiences of this round

	mu        sync.Mutex // guards the fields below, and those of every audience that say so
	audiences map[*Log]*audience
	due       []*audience // to be swept in this order, each listed once
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
	left   int       // how many of readers and joined have left
	size   int       // readers after the last sweep
	swept  mark      // the head when the last sweep began
	queued bool      // is in due
	oldest uint64    // time stamp of the oldest frame that no sweep has taken, in milliseconds; zero: there is none
}

// told is a connection with news for its owner.
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

// keepUp waits until the sweeps of this log are close enough to its head: see [lag].
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

// grew queues a sweep of a log that grew or was reset, if any connection of the shard follows it. stamp is that of the first new
// frame, zero if there is none.
func (s *shard) grew(l *Log, stamp uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.audiences[l]; a != nil {
		if a.oldest == 0 {
			a.oldest = stamp
		}
		s.queueLocked(a)
	}
}

// queueLocked queues an audience to be swept. The sweep of one that is queued already will see the caller's change.
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

// join adds a reader to all sweeps that begin from now on. It starts no sweep: the caller writes the frames up to the head.
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

// leave counts the connections that left, so that a quiet log releases them, too, without a sweep for each.
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

// round sweeps every due audience once. It tells the owners their news at the end, without a lock.
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
	stamp := a.oldest
	a.oldest = 0
	s.mu.Unlock()

	began := a.log.mark()
	s.visit(a, stamp)

	s.mu.Lock()
	defer s.mu.Unlock()
	a.size, a.swept = len(a.readers), began
	if a.size == 0 && len(a.joined) == 0 && !a.queued { // a queued one must stay: its round could take a later one for it
		delete(s.audiences, a.log)
	}
	s.changed.Broadcast()
}

// clockEvery is how many writes of a sweep count as of the same moment: reading the clock takes time.
const clockEvery = 32

// visit writes to every connection of an audience, and drops those that left. stamp is that of the oldest frame that is waited for.
func (s *shard) visit(a *audience, stamp uint64) {
	kept := a.readers[:0]
	writes, behind := int64(0), int64(0)
	for _, r := range a.readers {
		v := r.conn.sweep(r, s.writer, stamp)
		if v.stays {
			kept = append(kept, r)
		}
		if v.news != (news{}) {
			s.told = append(s.told, told{r.conn, v.news})
		}
		behind = max(behind, v.behind)
		if v.wrote {
			writes++
		}
		if writes == clockEvery {
			s.lateness.add(stamp, time.Now(), writes)
			writes = 0
		}
	}
	clear(a.readers[len(kept):])
	a.readers = kept
	if writes > 0 || behind > 0 {
		now := time.Now()
		s.lateness.add(stamp, now, writes)
		s.furthest.note(behind, now)
	}
}
