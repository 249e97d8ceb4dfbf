package shard

import (
	"context"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
)

// How often a sender looks at the deadlines of what it holds, and at the rooms that rest.
const (
	sweepEvery = 100 * time.Millisecond
	restEvery  = 10 * time.Millisecond
)

// blameFor is how long a master is said to fail that has no rooms any more.
const blameFor = 3 * time.Second

// sender stores what is appended to the rooms of one master: one exchange at a time, with one batch of each room that has
// something. What fails rests for a moment and goes to the router, which is a sender too: its exchanges find out which
// masters have the rooms, and it hands the rooms over. So a master that does not answer delays only its own rooms.
//
// One sender at a time holds a room, from its first record until nothing is left. Its goroutine makes all calls of done; for what
// is left when all have ended, Close does.
type sender struct {
	rooms   *Rooms
	trouble *redisx.Trouble
	wake    chan struct{}
	reads   chan struct{} // bounds the calls of Last
	loaded  atomic.Bool   // the master knows the script

	// guarded by Rooms.mu
	master  *goredis.Client // nil: this is the router
	due     []*room         // held, to be sent
	retired bool            // run has ended for want of rooms
	failed  time.Time       // the last exchange has, then; zero: it has not. Only run changes it
	records int             // of the rooms at home here, until their outcome is known
	bytes   int

	// owned by run
	results chan []result
	flight  []*room // held, in the exchange that is under way
	resting []resting
	wait    redisx.Backoff // of rooms without a batch
}

// result is what an exchange has brought for one room: a master for the router, or an outcome.
type result struct {
	outcome
	master *goredis.Client
}

// resting is a room that is held and goes to the router at this time.
type resting struct {
	room *room
	at   time.Time
}

func (s *Rooms) newSender(master *goredis.Client) *sender {
	return &sender{
		rooms: s, master: master, wake: make(chan struct{}, 1), reads: make(chan struct{}, readsAtOnce), results: make(chan []result, 1),
		trouble: redisx.NewTrouble("messages of rooms cannot be stored", s.opts.Logger),
		wait:    redisx.Backoff{Max: 500 * time.Millisecond},
	}
}

// run works until ctx ends, or until no room has come for a while: a master may be gone for good. What is left when ctx ends is
// reported by [Rooms.Close], once no sender can hand a room to another any more.
func (w *sender) run(ctx context.Context) {
	timer := time.NewTimer(idleLimit)
	defer timer.Stop()
	for swept := time.Now(); ; {
		w.start(ctx)
		timer.Reset(w.pause())
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case results := <-w.results:
			w.finish(ctx, results)
		case <-timer.C:
			if w.retire() {
				return
			}
		}
		now := time.Now()
		w.rouse(now)
		if now.Sub(swept) >= sweepEvery {
			swept = now
			w.sweep(now)
			w.recover(now)
		}
	}
}

// pause is how long to wait for something to do.
func (w *sender) pause() time.Duration {
	switch {
	case len(w.resting) > 0:
		return restEvery
	case len(w.flight) > 0 || !w.failed.IsZero():
		return sweepEvery
	}
	return idleLimit
}

// start begins the next exchange, if none is under way and there is something to do.
func (w *sender) start(ctx context.Context) {
	if len(w.flight) > 0 {
		return
	}
	rooms, master := w.take()
	if len(rooms) == 0 {
		return
	}
	w.flight = rooms
	if master == nil {
		go func() { w.results <- w.rooms.resolve(ctx, rooms) }()
		return
	}
	batches := make([]*batch, len(rooms))
	for i, r := range rooms {
		batches[i] = r.appends.batch
	}
	go func() { w.results <- w.send(ctx, master, batches) }()
}

// take removes rooms that are due, and makes a batch of each if this is not the router.
func (w *sender) take() ([]*room, *goredis.Client) {
	s := w.rooms
	s.mu.Lock()
	defer s.mu.Unlock()
	n, size := 0, 0
	var rooms []*room
	for ; n < len(w.due) && (w.master == nil || len(rooms) < sentRooms && size < sentBytes); n++ {
		r := w.due[n]
		switch {
		case r.appends.batch == nil && len(r.appends.queue) == 0: // all have expired
			r.appends.held = false
			continue
		case w.master != nil && r.appends.batch == nil:
			r.appends.batch = s.takeLocked(r)
		}
		if r.appends.batch != nil {
			size += r.appends.batch.bytes
		}
		rooms = append(rooms, r)
	}
	if w.due = w.due[n:]; len(w.due) == 0 {
		w.due = nil
	}
	return rooms, w.master
}

// send is one exchange with a master.
func (w *sender) send(ctx context.Context, master *goredis.Client, batches []*batch) []result {
	results := make([]result, len(batches))
	loaded := w.loaded.Load()
	outcomes, err := redisx.Within(ctx, redisx.ExchangeTimeout, func(ctx context.Context) ([]outcome, error) {
		return w.rooms.sendAll(ctx, master, batches, loaded), nil
	})
	for i := range results {
		if err != nil {
			results[i].err = err
		} else {
			results[i].outcome = outcomes[i]
		}
	}
	return results
}

// finish acts on the results of an exchange, while the next one is already under way.
func (w *sender) finish(ctx context.Context, results []result) {
	flight := w.flight
	w.flight = nil
	w.judge(ctx, results)
	w.start(ctx)
	for i, r := range flight {
		switch got := results[i]; {
		case got.master != nil:
			w.rooms.hand(r, got.master)
		case got.err == nil:
			w.report(r, got.outcome)
		case unknown(got.err):
			w.queue(r)
		case r.appends.batch != nil && (final(got.err) || time.Since(r.appends.batch.began) > markerTTL/2):
			w.report(r, got.outcome)
		default:
			w.rest(r)
		}
	}
}

// judge draws from the results whether the master is well, knows the script, and still has these rooms.
func (w *sender) judge(ctx context.Context, results []result) {
	var failed error
	well := false
	for _, got := range results {
		switch {
		case got.err == nil || final(got.err):
			well = true
		case unknown(got.err):
			w.loaded.Store(false)
			return
		default:
			failed = got.err
		}
	}
	if failed != nil && ctx.Err() == nil {
		w.rooms.reload(ctx)
	}
	switch {
	case well:
		w.loaded.Store(true)
		w.wait.Reset()
		w.trouble.Well()
		w.mark(time.Time{})
	case ctx.Err() == nil:
		w.trouble.Failed(failed)
		w.mark(time.Now())
	}
}

// mark notes when the last exchange has failed, or that it has not.
func (w *sender) mark(failed time.Time) {
	w.rooms.mu.Lock()
	defer w.rooms.mu.Unlock()
	w.failed = failed
}

// recover forgets a failure once no room has come for a while: another master has taken over.
func (w *sender) recover(now time.Time) {
	if !w.failed.IsZero() && now.Sub(w.failed) > blameFor && len(w.held()) == 0 {
		w.trouble.Over()
		w.mark(time.Time{})
	}
}

// report tells the callers of a batch what has become of it, and holds the room for the rest of its records.
func (w *sender) report(r *room, o outcome) {
	s, b := w.rooms, r.appends.batch
	s.settle(r, o)
	for i := b.told; i < len(b.records); i++ {
		if o.err != nil {
			b.records[i].done(stream.Offset{}, unavailable(o.err))
		} else {
			b.records[i].done(o.offsets[i], nil)
		}
	}
	s.told(len(b.records) - b.told)
	if o.err == nil {
		s.feeds.stored(r, o.offsets[len(o.offsets)-1])
	}
	if o.unheard != nil {
		s.unheard.Add(1)
		s.feeds.missed(r)
	}
	w.queue(r)
}

// queue makes the room due, or lets it go if nothing is left.
func (w *sender) queue(r *room) {
	s := w.rooms
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.appends.held = r.appends.batch != nil || len(r.appends.queue) > 0; r.appends.held {
		w.due = append(w.due, r)
	}
}

// rest holds the room until it may be tried again.
func (w *sender) rest(r *room) {
	wait := &w.wait
	if r.appends.batch != nil {
		wait = &r.appends.batch.wait
	}
	w.resting = append(w.resting, resting{r, time.Now().Add(wait.Next())})
}

// rouse gives the rooms that have rested to the router.
func (w *sender) rouse(now time.Time) {
	if len(w.resting) == 0 {
		return
	}
	still := w.resting[:0]
	var rested []*room
	for _, r := range w.resting {
		if r.at.After(now) {
			still = append(still, r)
		} else {
			rested = append(rested, r.room)
		}
	}
	clear(w.resting[len(still):])
	w.resting = still
	w.rooms.reroute(rested)
}

// sweep reports the records whose deadline has passed.
func (w *sender) sweep(now time.Time) {
	for _, r := range w.held() {
		w.rooms.expire(r, now)
	}
}

// held are all rooms that this sender holds.
func (w *sender) held() []*room {
	w.rooms.mu.Lock()
	all := append([]*room(nil), w.due...)
	w.rooms.mu.Unlock()
	all = append(all, w.flight...)
	for _, r := range w.resting {
		all = append(all, r.room)
	}
	return all
}

// retire ends a sender that has nothing to do. Rooms whose home it is find another one.
func (w *sender) retire() bool {
	s := w.rooms
	s.mu.Lock()
	defer s.mu.Unlock()
	busy := len(w.due) + len(w.flight) + len(w.resting) + len(w.reads) + w.records
	w.retired = w.master != nil && busy == 0 && w.failed.IsZero()
	if w.retired {
		delete(s.senders, w.master.Options().Addr)
	}
	return w.retired
}

// abandon reports what is left. No sender runs any more.
func (w *sender) abandon() {
	always := func(posting) bool { return true }
	for _, r := range w.held() {
		sent, unsent := w.rooms.drop(r, always)
		w.rooms.refuse(sent, errStopped)
		w.rooms.refuse(unsent, errStopped)
	}
}
