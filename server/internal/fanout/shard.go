package fanout

import (
	"sync"
	"sync/atomic"
)

// shard is a part of the connections and the goroutine that sweeps it.
type shard struct {
	log  *Log
	wake chan struct{} // one token: the log grew or was reset, or many have left
	stop chan struct{}
	done chan struct{}

	deliveries, writes, parks, parked atomic.Int64 // see Stats

	// Owned by run.
	conns  []*Conn
	writer *socketWriter
	lost   []lostConn

	mu      sync.Mutex
	joined  []*Conn   // not in conns yet
	left    int       // how many in conns or joined have left
	size    int       // connections at the last sweep
	swept   mark      // where the head was when that began
	changed sync.Cond // swept or stopped
	stopped bool
}

type lostConn struct {
	conn   *Conn
	reason Lost
}

func newShard(l *Log) *shard {
	s := &shard{log: l, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
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

// keepUp waits until the sweeps are not too far behind the head.
func (s *shard) keepUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.stopped && s.log.apart(s.swept, s.log.mark(), lag) {
		s.changed.Wait()
	}
}

func (s *shard) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default: // a sweep is about to start, and will see what the caller did
	}
}

// join lists c for the sweeps that begin from now on. It starts none: whoever joins writes what is there already.
func (s *shard) join(c *Conn) {
	s.mu.Lock()
	s.joined = append(s.joined, c)
	s.mu.Unlock()
}

// leave counts, so that a quiet room, too, lets go of the connections that left it, without a sweep for each.
func (s *shard) leave() {
	s.mu.Lock()
	s.left++
	sweep := s.left > 64+s.size/8
	s.mu.Unlock()
	if sweep {
		s.wakeUp()
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
			s.sweep()
		case <-s.stop:
			return
		}
	}
}

// sweep visits every connection of the shard once. Those that are lost are told so at the end, with no lock held.
func (s *shard) sweep() {
	s.mu.Lock()
	s.conns = append(s.conns, s.joined...)
	clear(s.joined)
	s.joined = s.joined[:0]
	s.left = 0
	s.mu.Unlock()

	began := s.log.mark()
	kept := s.conns[:0]
	for _, c := range s.conns {
		stays, lost := c.sweep(s.writer)
		if stays {
			kept = append(kept, c)
		}
		if lost != 0 {
			s.lost = append(s.lost, lostConn{c, lost})
		}
	}
	clear(s.conns[len(kept):])
	s.conns = kept

	for _, l := range s.lost {
		l.conn.tell(l.reason)
	}
	clear(s.lost)
	s.lost = s.lost[:0]

	s.mu.Lock()
	s.size, s.swept = len(kept), began
	s.changed.Broadcast()
	s.mu.Unlock()
}
