package adapter

import (
	"errors"
	"runtime/debug"
	"sync"
)

// errBacklog means that a call was dropped because the queue is full.
var errBacklog = errors.New("too much waits already")

// tasks are goroutines that run the application's code: listeners and callbacks.
type tasks struct {
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// start runs fn in a goroutine. It returns false after close.
func (t *tasks) start(fn func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.running.Go(fn)
	return true
}

// close refuses new tasks and waits for the running ones.
func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.running.Wait()
}

func (t *tasks) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// protect runs the application's code. It recovers from a panic, which it logs and counts.
func (h *Hub) protect(what string, fn func()) {
	defer func() {
		if p := recover(); p != nil {
			h.panics.Add(1)
			h.logger.Error(what+" panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	fn()
}

// serial runs calls one at a time, in the order of do. Its goroutine exists only while there are calls to run.
type serial struct {
	hub      *Hub
	what     string // the calls' description, for the log
	maxCalls int
	maxBytes int

	mu    sync.Mutex
	queue []call
	bytes int
	busy  bool // a goroutine is at work, or start has not been called after hold
}

type call struct {
	size int
	fn   func()
}

func newSerial(h *Hub, what string, maxCalls, maxBytes int) *serial {
	return &serial{hub: h, what: what, maxCalls: maxCalls, maxBytes: maxBytes}
}

// hold postpones all calls until start. It must be called before do.
func (s *serial) hold() { s.busy = true }

// start runs the calls that hold postponed.
func (s *serial) start() {
	if !s.hub.tasks.start(s.work) {
		s.mu.Lock()
		s.queue, s.bytes = nil, 0
		s.mu.Unlock()
	}
}

// do queues fn, which holds about size bytes. It returns false if the queue is full.
func (s *serial) do(size int, fn func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) >= s.maxCalls || s.bytes+size > s.maxBytes {
		return false
	}
	if !s.busy && !s.hub.tasks.start(s.work) {
		return false
	}
	s.busy = true
	s.queue = append(s.queue, call{size, fn})
	s.bytes += size
	return true
}

func (s *serial) work() {
	for {
		s.mu.Lock()
		if len(s.queue) == 0 || s.hub.tasks.isClosed() {
			s.queue, s.bytes, s.busy = nil, 0, false
			s.mu.Unlock()
			return
		}
		next := s.queue[0]
		s.queue[0] = call{}
		s.queue = s.queue[1:]
		s.bytes -= next.size
		s.mu.Unlock()
		s.hub.protect(s.what, next.fn)
	}
}
