package adapter

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	defaultTimeout = 5 * time.Second
	// maxRequests bounds the pending requests.
	maxRequests = 4096
	// maxNodes bounds the nodes that may answer one request, and maxParts the messages of one answer.
	maxNodes = 1024
	maxParts = 256
)

// Errors of requests to the other nodes.
var (
	// ErrUnanswered means that not all other nodes answered in time. It comes with the answers of those that did.
	ErrUnanswered = errors.New("not all nodes answered")
	// ErrTooManyRequests means that too many requests are pending already. Nothing was sent.
	ErrTooManyRequests = errors.New("too many requests to other nodes")
	// ErrClosed means that the hub has been closed.
	ErrClosed = errors.New("hub closed")
)

// requests are this node's requests that wait for answers of other nodes.
type requests struct {
	mu     sync.Mutex
	closed bool
	last   uint64
	open   map[uint64]pending
}

// pending is one request. answer may still be called shortly after the request is removed; expire is called at most once.
type pending struct {
	timer  *time.Timer
	answer func(from string, m *message)
	expire func(error) // no more answers will come
}

// add registers a request and returns the id that its answers carry. It calls expire after the time-out, or when the hub is
// closed, unless the request is removed before.
func (r *requests) add(timeout time.Duration, answer func(string, *message), expire func(error)) (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return 0, ErrClosed
	case len(r.open) >= maxRequests:
		return 0, ErrTooManyRequests
	}
	r.last++
	id := r.last
	timer := time.AfterFunc(timeout, func() {
		if r.remove(id) {
			expire(ErrUnanswered)
		}
	})
	if r.open == nil {
		r.open = map[uint64]pending{}
	}
	r.open[id] = pending{timer, answer, expire}
	return id, nil
}

// remove forgets a request; false: it is gone already.
func (r *requests) remove(id uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.open[id]
	if ok {
		p.timer.Stop()
		delete(r.open, id)
	}
	return ok
}

// answer passes an answer of another node to its request. It drops late answers.
func (r *requests) answer(from string, m *message) {
	r.mu.Lock()
	p, ok := r.open[m.ID]
	r.mu.Unlock()
	if ok {
		p.answer(from, m)
	}
}

func (r *requests) close() {
	r.mu.Lock()
	open := r.open
	r.closed, r.open = true, nil
	r.mu.Unlock()
	for _, p := range open {
		p.timer.Stop()
		p.expire(ErrClosed)
	}
}

// gathering is a request that wants one answer of each other node.
type gathering struct {
	hub      *Hub
	expected int                 // answers
	accepts  kind                // of message
	take     func(*message) bool // takes a part of an answer, one at a time; false: malformed
	done     func(error)         // called once, without the lock

	mu    sync.Mutex
	over  bool
	whole int            // complete answers
	heard map[string]int // by node: the next part
}

// noPart is the next part of an answer that is complete or malformed.
const noPart = -1

// gather sends a request to all other nodes and waits for their answers. An error means that done will not be called.
func (h *Hub) gather(m *message, g *gathering, timeout time.Duration) error {
	g.hub, g.heard = h, map[string]int{}
	var err error
	m.ID, err = h.requests.add(timeout, g.answer, func(why error) { g.expire(why, timeout) })
	if err != nil {
		return err
	}
	if err = h.tell(everyone, m); err == nil || !h.requests.remove(m.ID) {
		return nil
	}
	g.mu.Lock()
	g.over = true
	g.mu.Unlock()
	return err
}

func (g *gathering) answer(from string, m *message) {
	if g.completes(from, m) && g.hub.requests.remove(m.ID) {
		g.end(nil)
	}
}

// completes takes a part of an answer and reports whether it is the last one that was missing.
func (g *gathering) completes(from string, m *message) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	next, known := g.heard[from]
	if g.over || m.Kind != g.accepts || m.Part != next || m.Part >= maxParts || !known && len(g.heard) >= maxNodes {
		return false
	}
	if !g.take(m) {
		g.hub.busMalformed.Add(1)
		g.heard[from] = noPart
		return false
	}
	if !m.Last {
		g.heard[from] = next + 1
		return false
	}
	g.heard[from] = noPart
	g.whole++
	g.over = g.whole == g.expected
	return g.over
}

func (g *gathering) expire(why error, timeout time.Duration) {
	g.mu.Lock()
	g.over = true
	whole := g.whole
	g.mu.Unlock()
	var err error // none if the last answer came just now
	if whole < g.expected {
		err = fmt.Errorf("%w: %d of %d within %v", why, whole, g.expected, timeout)
	}
	g.end(err)
}

// end reports the result. Neither take nor end is called after it. Once the hub is closed no goroutine may start, so done
// then runs in the caller's.
func (g *gathering) end(err error) {
	end := func() { g.hub.protect("callback", func() { g.done(err) }) }
	if !g.hub.tasks.start(end) {
		end()
	}
}
