package engineio

import (
	"reflect"
	"slices"
	"sync"

	"github.com/zishang520/engine.io/v2/events"
)

// emitter is an EventEmitter that takes a quarter of the memory of the library's, which counts with three listeners on each of
// very many sessions. Listeners run in the order in which they were added, in the goroutine that emits, with no lock held.
type emitter struct {
	mu        sync.Mutex
	listeners []listener
}

type listener struct {
	event events.EventName
	fn    events.Listener
	once  bool
}

var _ events.EventEmitter = (*emitter)(nil)

func (e *emitter) add(event events.EventName, once bool, fns []events.Listener) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, fn := range fns {
		if fn != nil {
			e.listeners = append(e.listeners, listener{event, fn, once})
		}
	}
}

// remove removes the listeners that match and reports whether there were any.
func (e *emitter) remove(match func(listener) bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.removeLocked(match)
}

func (e *emitter) removeLocked(match func(listener) bool) bool {
	var kept []listener // a new slice: Emit may be reading the old one
	for _, l := range e.listeners {
		if !match(l) {
			kept = append(kept, l)
		}
	}
	removed := len(kept) < len(e.listeners)
	e.listeners = kept
	return removed
}

// On implements events.EventEmitter.
func (e *emitter) On(event events.EventName, fns ...events.Listener) error {
	e.add(event, false, fns)
	return nil
}

// AddListener implements events.EventEmitter.
func (e *emitter) AddListener(event events.EventName, fns ...events.Listener) error {
	return e.On(event, fns...)
}

// Once implements events.EventEmitter.
func (e *emitter) Once(event events.EventName, fns ...events.Listener) error {
	e.add(event, true, fns)
	return nil
}

// Emit implements events.EventEmitter.
func (e *emitter) Emit(event events.EventName, args ...any) {
	spent := func(l listener) bool { return l.once && l.event == event }
	e.mu.Lock()
	all := e.listeners[:len(e.listeners):len(e.listeners)]
	if slices.ContainsFunc(all, spent) {
		e.removeLocked(spent) // before they are called, so that each runs once
	}
	e.mu.Unlock()
	for _, l := range all {
		if l.event == event {
			l.fn(args...)
		}
	}
}

// RemoveListener implements events.EventEmitter. Like the library, it compares functions by their code only.
func (e *emitter) RemoveListener(event events.EventName, fn events.Listener) bool {
	code := reflect.ValueOf(fn).Pointer()
	return fn != nil && e.remove(func(l listener) bool {
		return l.event == event && reflect.ValueOf(l.fn).Pointer() == code
	})
}

// RemoveAllListeners implements events.EventEmitter.
func (e *emitter) RemoveAllListeners(event events.EventName) bool {
	return e.remove(func(l listener) bool { return l.event == event })
}

// Clear implements events.EventEmitter.
func (e *emitter) Clear() { e.remove(func(listener) bool { return true }) }

// Listeners implements events.EventEmitter.
func (e *emitter) Listeners(event events.EventName) []events.Listener {
	e.mu.Lock()
	defer e.mu.Unlock()
	var fns []events.Listener
	for _, l := range e.listeners {
		if l.event == event {
			fns = append(fns, l.fn)
		}
	}
	return fns
}

// ListenerCount implements events.EventEmitter.
func (e *emitter) ListenerCount(event events.EventName) int { return len(e.Listeners(event)) }

// EventNames implements events.EventEmitter.
func (e *emitter) EventNames() []events.EventName {
	e.mu.Lock()
	defer e.mu.Unlock()
	var names []events.EventName
	seen := map[events.EventName]bool{}
	for _, l := range e.listeners {
		if !seen[l.event] {
			seen[l.event] = true
			names = append(names, l.event)
		}
	}
	return names
}

// Len implements events.EventEmitter.
func (e *emitter) Len() int { return len(e.EventNames()) }

// GetMaxListeners implements events.EventEmitter. There is no such bound.
func (e *emitter) GetMaxListeners() uint { return 0 }

// SetMaxListeners implements events.EventEmitter and does nothing.
func (e *emitter) SetMaxListeners(uint) {}
