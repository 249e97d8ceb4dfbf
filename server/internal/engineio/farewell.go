package engineio

import (
	"sync"
	"time"
)

// A client that closes its session with a POST often sends a poll at the same moment. If the poll is served after the POST, it
// gets the same answer as before it. The session is gone by then, so its id is kept for a moment.

// keptFarewells is how many of the newest are kept.
const keptFarewells = 256

// farewells are the ids of sessions that their client closed with a POST while no poll was open.
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

// take reports whether the client has just closed the session. It reports each session once.
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
