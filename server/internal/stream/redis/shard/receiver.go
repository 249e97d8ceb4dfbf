package shard

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/stream"
)

const (
	tickEvery   = 50 * time.Millisecond
	newsLimit   = 250 * time.Millisecond // news of a stored entry comes within this time
	answerLimit = time.Second            // a subscription is confirmed within this time
	askedAtOnce = 512                    // subscriptions that are not confirmed yet
	idleLimit   = 10 * time.Second       // a receiver or a sender without rooms lives so long
	retryMax    = time.Second            // between two attempts to make a link, or to read
)

// receiver follows the rooms of one master. Its goroutine does all that there is to do for them, one thing after the other: it
// makes the link, subscribes, reads what was missed, checks, and sends messages. So a master that does not answer delays
// only its own rooms, and Redis has one request of this node at a time, however many rooms need one.
type receiver struct {
	feeds   *feeds
	addr    string
	master  atomic.Pointer[redis.Client] // the client makes a new one after a server was away
	sharded bool
	wake    chan struct{}
	deaf    *redisx.Trouble
	blind   *redisx.Trouble

	mu      sync.Mutex
	retired bool       // nothing enters any more
	home    []*feed    // guarded by mu; the rooms of this master
	wants   []*feed    // guarded by mu; their subscriptions are to be made or ended
	strays  []*feed    // guarded by mu; have lost their subscriptions
	dirty   []*feed    // guarded by mu; to be read
	due     []deadline // guarded by mu; in order
	out     []outgoing // guarded by mu; to be published
	outSize int        // guarded by mu; bytes in out

	// owned by run
	link     *link
	linkWait redisx.Backoff
	linkAt   time.Duration // when there may be a new link
	asked    []request     // in order
	used     time.Duration // when there were rooms last
	reader   reader
	checker  checker
}

// outgoing is a message to the other nodes.
type outgoing struct {
	channel string
	data    []byte
}

// deadline is when an entry of a room should have come.
type deadline struct {
	feed   *feed
	offset stream.Offset
	at     time.Duration
}

// request is a subscription that was asked for.
type request struct {
	feed *feed
	at   time.Duration
}

func newReceiver(f *feeds, master *redis.Client, sharded bool) *receiver {
	log, wait := f.rooms.opts.Logger, redisx.Backoff{Max: retryMax}
	s := &receiver{
		feeds: f, addr: master.Options().Addr, sharded: sharded, wake: make(chan struct{}, 1),
		deaf: redisx.NewTrouble("news of rooms is not received", log), blind: redisx.NewTrouble("rooms cannot be read", log),
		used: f.now(), linkWait: wait, reader: reader{budget: maxBudget, wait: wait},
	}
	s.master.Store(master)
	return s
}

func (s *receiver) kick() { kick(s.wake) }

func (s *receiver) add(d *feed) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired {
		return false
	}
	d.index = len(s.home)
	s.home = append(s.home, d)
	return true
}

// remove takes a room out of the list, and puts the last one in its place.
func (s *receiver) remove(d *feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.home[len(s.home)-1]
	s.home[d.index], last.index = last, d.index
	s.home[len(s.home)-1] = nil
	s.home = s.home[:len(s.home)-1]
}

// retire ends the receiver if it has nothing to do.
func (s *receiver) retire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired = len(s.home)+len(s.dirty)+len(s.due) == 0
	return s.retired
}

// residents returns the rooms from one place to before another one in the list.
func (s *receiver) residents(from, to int) []*feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	to = min(to, len(s.home))
	return append([]*feed(nil), s.home[min(from, to):to]...)
}

func (s *receiver) rooms() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.home)
}

// want sees to the subscription of a room, of one that was closed too.
func (s *receiver) want(d *feed) { queue(s, &s.wants, d) }

// unread queues a room to be read.
func (s *receiver) unread(d *feed) { queue(s, &s.dirty, d) }

// watch queues a deadline, which the next tick looks at. All are equally far away, so they are in order.
func (s *receiver) watch(d deadline) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = append(s.due, d)
}

// queue adds to a list of the receiver and wakes its goroutine.
func queue[T any](s *receiver, list *[]T, item T) {
	s.mu.Lock()
	*list = append(*list, item)
	s.mu.Unlock()
	s.kick()
}

// everything is more than any list has.
const everything = math.MaxInt

// take removes up to n of the oldest from a list of the receiver.
func take[T any](s *receiver, list *[]T, n int) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, len(*list))
	taken := (*list)[:n:n]
	if *list = (*list)[n:]; len(*list) == 0 {
		*list = nil
	}
	return taken
}

// run works until ctx ends, or until the receiver has had no rooms for a while.
func (s *receiver) run(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	defer s.hangUp()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-ticker.C:
			s.tick(ctx)
			if s.feeds.now()-s.used > idleLimit && s.feeds.retire(s) {
				return
			}
		}
		s.listen(ctx)
		s.connect(ctx)
		s.subscribe(ctx)
		s.publish(ctx)
		s.read(ctx)
	}
}

// tick does what has a time.
func (s *receiver) tick(ctx context.Context) {
	s.abandon()
	if strays := take(s, &s.strays, everything); len(strays) > 0 {
		s.feeds.rooms.reload(ctx)
		s.feeds.evict(strays...)
	}
	s.settle()
	s.retry()
	s.check(ctx)
}

// abandon makes strays of rooms whose subscriptions were not confirmed.
func (s *receiver) abandon() {
	refused := s.link != nil && s.link.moved.Swap(false)
	for len(s.asked) > 0 && (refused || s.feeds.now()-s.asked[0].at > answerLimit) {
		if d := s.asked[0].feed; d.waits(s.link) && d.lose(s.link) {
			s.stray(d)
		}
		s.asked = s.asked[1:]
	}
}

func (s *receiver) stray(d *feed) { queue(s, &s.strays, d) }

// settle looks at the entries that should have come by now.
func (s *receiver) settle() {
	now := s.feeds.now()
	s.mu.Lock()
	n := 0
	for n < len(s.due) && s.due[n].at <= now {
		n++
	}
	s.mu.Unlock()
	for _, due := range take(s, &s.due, n) {
		if due.feed.overdue(due.offset) {
			s.checker.missed++
			s.feeds.stats.missed.Add(1)
		}
	}
}
