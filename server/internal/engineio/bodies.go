package engineio

import (
	"container/list"
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

const (
	// bodiesRoom is what all polling bodies of a node may take together, small ones aside.
	bodiesRoom = 64 << 20
	// smallBody is the size up to which a body is free: it costs no more than what a WebSocket has under way.
	smallBody = 8 << 10
	// holdTime is how long a body may take up room while others wait for it.
	holdTime = time.Second
	// pressInterval is how often a body that waits looks whether another has had its time.
	pressInterval = 100 * time.Millisecond
)

// errNoRoom is what a body gets that found no room in time.
var errNoRoom = errors.New("no room for the body")

// costOf is what a body of that size takes up.
func costOf(size int) int {
	if size <= smallBody {
		return 0
	}
	return size
}

// bodies is the room that large polling bodies share. A body is charged for the bytes that have arrived and are not
// handed over yet. When one waits, the one that has held room for the longest time, and for more than [holdTime], is
// made to go: so nobody who holds on to the room can keep others out of it.
type bodies struct {
	mu      sync.Mutex
	free    int
	leaving int       // bytes of those that were told to go
	holders list.List // of *holding, the longest first; without those that were told to go
	waiting list.List // of *bodyWait, in order
}

// holding is what one body takes up. It belongs to the goroutine that reads the body.
type holding struct {
	room  *bodies
	evict func()        // makes the owner let go soon
	told  chan struct{} // closed once it has been told to go

	size  int           // guarded by room.mu, like what follows
	since time.Time     // when it began to hold something
	place *list.Element // among the holders, while it is one of them
}

type bodyWait struct {
	by      *holding
	size    int
	granted chan struct{}
}

func newBodies(room int) *bodies { return &bodies{free: room} }

// hold makes a holding of nothing. evict is called at most once, by any goroutine, and must not block.
func (b *bodies) hold(evict func()) *holding {
	return &holding{room: b, evict: evict, told: make(chan struct{})}
}

// grow takes room for so many more bytes. It waits for it until ctx ends, and tells whether it had to.
func (h *holding) grow(ctx context.Context, bytes int) (waited bool, err error) {
	b, w := h.room, &bodyWait{by: h, size: bytes, granted: make(chan struct{})}
	var place *list.Element
	b.change(func() { place = b.waiting.PushBack(w) })
	select {
	case <-w.granted:
		return false, nil
	default:
	}
	again := time.NewTicker(pressInterval)
	defer again.Stop()
	for {
		select {
		case <-w.granted:
			return true, nil
		case <-again.C: // somebody may have had enough time by now
			b.change(func() {})
			continue
		case <-h.told:
			err = errEnded
		case <-ctx.Done():
			err = errNoRoom
		}
		b.change(func() { b.waiting.Remove(place) }) // nothing happens if it was granted just now
		return true, err
	}
}

// shrink gives back what the holding has beyond so many bytes.
func (h *holding) shrink(to int) {
	h.room.change(func() {
		surplus := max(h.size-to, 0)
		h.size -= surplus
		h.room.free += surplus
		switch {
		case h.isTold():
			h.room.leaving -= surplus
		case h.size == 0 && h.place != nil:
			h.room.holders.Remove(h.place)
			h.place = nil
		}
	})
}

func (h *holding) isTold() bool {
	select {
	case <-h.told:
		return true
	default:
		return false
	}
}

// change does something under the lock, and then what follows from it: those who wait and fit are let in, and if one is
// left, those who have to make room for it are told so.
func (b *bodies) change(fn func()) {
	b.mu.Lock()
	fn()
	evict := b.settleLocked()
	b.mu.Unlock()
	for _, fn := range evict {
		fn()
	}
}

func (b *bodies) settleLocked() (evict []func()) {
	for e := b.waiting.Front(); e != nil; e = b.waiting.Front() {
		w := e.Value.(*bodyWait)
		if w.size > b.free {
			return b.pressLocked(w.size)
		}
		b.waiting.Remove(e)
		b.grantLocked(w)
	}
	return nil
}

func (b *bodies) grantLocked(w *bodyWait) {
	h := w.by
	b.free -= w.size
	h.size += w.size
	switch {
	case h.isTold():
		b.leaving += w.size
	case h.place == nil:
		h.since = time.Now()
		h.place = b.holders.PushBack(h)
	}
	close(w.granted)
}

// pressLocked tells holders to go, the longest first, until so many bytes are or will be free.
func (b *bodies) pressLocked(bytes int) (evict []func()) {
	for e := b.holders.Front(); e != nil && b.free+b.leaving < bytes; e = b.holders.Front() {
		h := e.Value.(*holding)
		if time.Since(h.since) < holdTime {
			break
		}
		b.holders.Remove(e)
		h.place = nil
		b.leaving += h.size
		close(h.told)
		evict = append(evict, h.evict)
	}
	return evict
}

// heldBody takes room for a body while it is read, once it turns out to be a large one.
type heldBody struct {
	io.Reader
	held   *holding
	ctx    context.Context // ends the wait for room
	waited func()          // called after one
	read   int
	paid   int
}

func (b *heldBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	owed := costOf(b.read) - b.paid
	if owed == 0 {
		return n, err
	}
	b.paid += owed
	waited, full := b.held.grow(b.ctx, owed)
	if full != nil {
		return n, full
	}
	if waited {
		b.waited()
	}
	return n, err
}
