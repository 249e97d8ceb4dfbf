package engineio

import (
	"sync"
	"time"
)

// A client that says goodbye with a POST often has a poll under way at the same moment, which may be served second: it is
// answered like one that was served first. The session is gone by then, so its id is kept for a moment.

// keptFarewells is how many of the newest are remembered.
const keptFarewells = 256

// farewells are the ids of sessions that said goodbye by a POST while no poll of theirs was open.
type farewells struct {
	mu   sync.Mutex
	kept [keptFarewells]farewell
	next uint8 // wraps with the array
}

type farewell struct {
	id string
	at time.Time
}

func (f *farewells) add(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[f.next] = farewell{id, time.Now()}
	f.next++
}

// take reports, once, whether the session has just said goodbye.
func (f *farewells) take(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.kept {
		if kept := &f.kept[i]; kept.id == id && id != "" {
			fits := time.Since(kept.at) < lastPollTimeout
			*kept = farewell{}
			return fits
		}
	}
	return false
}
