package cluster

import (
	"context"
	"sync"
	"time"
)

// watchInterval is the shortest time between two reports of the online count.
const watchInterval = time.Second

// watchers reports changes of one number to any number of functions.
type watchers struct {
	mu   sync.Mutex
	next int
	fns  map[int]func(int)
}

func (w *watchers) add(fn func(int)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fns == nil {
		w.fns = make(map[int]func(int))
	}
	id := w.next
	w.next++
	w.fns[id] = fn
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.fns, id)
	}
}

// run looks at the number every interval until ctx ends and reports it when it differs from the last time.
func (w *watchers) run(ctx context.Context, interval time.Duration, number func() int) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	last := number()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if n := number(); n != last {
			last = n
			for _, fn := range w.snapshot() {
				fn(n)
			}
		}
	}
}

func (w *watchers) snapshot() []func(int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fns := make([]func(int), 0, len(w.fns))
	for _, fn := range w.fns {
		fns = append(fns, fn)
	}
	return fns
}
