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
	// bodiesRoom is how many bytes the large polling bodies and the incomplete large messages of WebSockets may take together.
	bodiesRoom = 64 << 20
	// smallBody is the size in bytes up to which neither is charged: a WebSocket reads as much at a time.
	smallBody = 8 << 10
	// holdTime is how long a body may hold room while others wait for it.
	holdTime = time.Second
	// pressInterval is how often a waiting body checks whether a holder is over its time.
	pressInterval = 100 * time.Millisecond
)

// errNoRoom is returned for a body that found no room in time.
var errNoRoom = errors.New("no room for the body")

// costOf is how many bytes a body of that size is charged.
func costOf(size int) int {
	if size <= smallBody {
		return 0
	}
	return size
}

// bodies is the room that large polling bodies share. A body is charged for the bytes that have arrived and are not handed over
// yet. An incomplete message of a WebSocket counts as one. While a body waits, the oldest holder is evicted if it has held room
// for more than [holdTime]. So no client can keep others out by holding on to the room.
type bodies struct {
	mu      sync.Mutex
	free    int
	leaving int       // bytes of evicted holders
	holders list.List // of *holding, oldest first, without evicted ones
	waiting list.List // of *bodyWait, in order
}

// holding is the room of one body. It belongs to the goroutine that reads the body.
type holding struct {
	room  *bodies
	evict func()        // makes the owner give the room back soon
	told  chan struct{} // closed on eviction

	size  int           // guarded by room.mu, like what follows
	since time.Time     // when it began to hold room
	place *list.Element // among the holders, while it is one of them
}

type bodyWait struct {
	by      *holding
	size    int
	granted chan struct{}
}

func newBodies(room int) *bodies { return &bodies{free: room} }

// hold makes an empty holding. evict is called at most once, by any goroutine, and must not block.
func (b *bodies) hold(evict func()) *holding {
	return &holding{room: b, evict: evict, told: make(chan struct{})}
}

// grow takes room for that many more bytes. It waits in order until ctx ends, and reports whether it waited. The error is
// [errNoRoom], or [errEnded] after an eviction.
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
		case <-again.C: // a holder may be over its time by now
			b.change(func() {})
			continue
		case <-h.told:
			err = errEnded
		case <-ctx.Done():
			err = errNoRoom
		}
		b.change(func() { b.waiting.Remove(place) }) // no effect if it was granted just now
		return true, err
	}
}

// shrink gives back all but so many bytes.
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

// resize takes room or gives it back, so that the holding has so many bytes. It waits for room no longer than patience. The error is
// that of grow.
func (h *holding) resize(to int, patience time.Duration) error {
	h.room.mu.Lock()
	more := to - h.size
	h.room.mu.Unlock()
	switch {
	case more < 0:
		h.shrink(to)
	case more > 0:
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := h.grow(ctx, more)
		return err
	}
	return nil
}

func (h *holding) isTold() bool {
	select {
	case <-h.told:
		return true
	default:
		return false
	}
}

// change calls fn under the lock. Then it grants room to the waiting bodies that fit, in order, and evicts holders for the first
// that does not fit.
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

// pressLocked evicts holders, oldest first, until that many bytes are or will be free.
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

// heldBody reads a body and takes room for it once it turns out to be large.
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
