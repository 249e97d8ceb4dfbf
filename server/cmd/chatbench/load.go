package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// stalled is how long nothing may arrive before the rest counts as missing.
	stalled = 4 * time.Second
	// reasonsKept is how many failures are reported in words; all are counted.
	reasonsKept = 5
)

// load is one run: connect, hold, warm up, measure, and wait for the messages in flight.
type load struct {
	options options
	plan    plan
	tag     []byte
	born    time.Time

	speakers [][]int // of each client
	clients  []*client
	readers  sync.WaitGroup
	sent     []int64 // by speaker; owned by the sender while it sends

	measureFrom atomic.Int64 // clock from which on messages are measured
	delivered   atomic.Int64 // different messages, summed over the clients
	closed      atomic.Int64 // clients that lost their connection
	enough      atomic.Bool  // from now on nobody sends, although there is time
	ending      atomic.Bool  // from now on chatbench closes the connections
	late        atomic.Int64 // largest delay of a send behind its due time, in nanoseconds

	mu      sync.Mutex
	reasons []string // the first failures in words
}

func runLoad(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	l := newLoad(o)
	r, err := l.measure(ctx)
	if err != nil {
		return err
	}
	if err := r.print(stdout, o.json); err != nil {
		return err
	}
	if r.faults() > 0 {
		return errFaulty
	}
	return nil
}

func newLoad(o options) *load {
	p := o.plan()
	return &load{
		options: o, plan: p, tag: newTag(), born: time.Now(), speakers: p.speakersBy(), sent: make([]int64, p.speakers()),
	}
}

// clock is the time since the start of the run.
func (l *load) clock() time.Duration { return time.Since(l.born) }

func (l *load) cutMessage(b []byte) (m message, rest []byte, ok bool) {
	return cutMessage(b, l.tag, l.plan.speakers())
}

func (l *load) measure(ctx context.Context) (*result, error) {
	before := usageOf(l.options.pids)
	start := time.Now()
	defer l.stopReaders()
	failures := l.connect(ctx)
	if least := l.leastClients(); len(l.clients) < least {
		return nil, fmt.Errorf("%d of %d clients connected: %v", len(l.clients), l.options.clients, l.reasons)
	}
	r := &result{Clients: len(l.clients), ConnectFailures: failures, ConnectSeconds: time.Since(start).Seconds()}
	r.connected(before, usageOf(l.options.pids), r.Clients)
	l.startReaders()
	if l.options.hold > 0 {
		if err := pause(ctx, l.options.hold); err != nil {
			return nil, err
		}
		r.held(before, usageOf(l.options.pids), r.Clients, l.plan.rooms)
	}
	if _, err := l.phase(ctx, l.options.warmup); err != nil {
		return nil, err
	}
	if err := l.measuredPhase(ctx, r); err != nil {
		return nil, err
	}
	l.stopReaders()
	r.verify(l)
	return r, nil
}

func (l *load) measuredPhase(ctx context.Context, r *result) error {
	if l.options.duration <= 0 {
		return nil
	}
	l.measureFrom.Store(int64(l.clock()))
	l.late.Store(0)
	sentBefore, deliveredBefore := l.totalSent(), l.delivered.Load()
	servers, stores, own, start := usageOf(l.options.pids), usageOf(l.options.storePids), ownCPU(), time.Now()
	end, err := l.phase(ctx, l.options.duration)
	if err != nil {
		return err
	}
	r.Seconds = end.Sub(start).Seconds()
	r.Sent = l.totalSent() - sentBefore
	r.Delivered = l.delivered.Load() - deliveredBefore
	r.Late = millis(time.Duration(l.late.Load()))
	r.worked(usageOf(l.options.pids).cpu-servers.cpu, usageOf(l.options.storePids).cpu-stores.cpu, ownCPU()-own)
	return nil
}

// leastClients is how many must connect: with rooms all of them, since each has its place in the plan.
func (l *load) leastClients() int {
	if l.plan.rooms > 0 {
		return l.options.clients
	}
	return l.options.senders
}

// connect opens all clients and returns how many failed. Clients keep their order, so that they alternate between nodes.
func (l *load) connect(ctx context.Context) (failures int) {
	all := make([]*client, l.options.clients)
	next := make(chan int)
	var lanes sync.WaitGroup
	for range min(l.options.lanes, len(all)) {
		lanes.Go(func() {
			for i := range next {
				c, err := dial(l, i)
				if err != nil {
					l.blame("connect", err)
				}
				all[i] = c
			}
		})
	}
	for i := range all {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	lanes.Wait()
	for _, c := range all {
		if c != nil {
			c.id = len(l.clients)
			l.clients = append(l.clients, c)
		}
	}
	return len(all) - len(l.clients)
}

func (l *load) startReaders() {
	for _, c := range l.clients {
		if l.options.window > 0 && c.id < l.options.senders {
			c.window = make(chan struct{}, l.options.window)
		}
		l.readers.Go(func() {
			if err := c.read(); !l.ending.Load() {
				l.closed.Add(1)
				l.blame(fmt.Sprintf("client %d", c.id), err)
			}
		})
	}
}

// stopReaders ends all connections and returns when all readers have ended. Another call does nothing.
func (l *load) stopReaders() {
	l.ending.Store(true)
	for _, c := range l.clients {
		c.conn.Close()
	}
	l.readers.Wait()
}

// phase sends for the time d and waits until everything has arrived or nothing more comes. It returns the time of the last
// delivery.
func (l *load) phase(ctx context.Context, d time.Duration) (end time.Time, err error) {
	if d <= 0 {
		return time.Now(), ctx.Err()
	}
	start := time.Now()
	var senders sync.WaitGroup
	senders.Go(func() { l.announce(ctx, start, d) })
	for s := range l.options.senders {
		senders.Go(func() { l.send(ctx, l.clients[s], start, d) })
	}
	senders.Wait()
	return l.settle(ctx)
}

// send is one sender during one phase. It speaks in its rooms in turn. With a rate it sends every message that is due in d, late if necessary. It ends early
// if its connection ends, or if the server accepts or echoes nothing for longer than the drain time.
func (l *load) send(ctx context.Context, c *client, start time.Time, d time.Duration) {
	var interval time.Duration
	if l.options.rate > 0 {
		interval = time.Duration(float64(time.Second) * float64(l.options.senders) / l.options.rate)
	}
	patience := start.Add(d + l.options.drain)
	ctx, cancel := context.WithDeadline(ctx, patience)
	defer cancel()
	c.conn.SetWriteDeadline(patience)
	defer c.conn.SetWriteDeadline(time.Time{})
	var text, packet []byte
	turn := c.id // so that not all begin with their first room
	for due := start; due.Before(start.Add(d)) && !l.enough.Load(); due = due.Add(interval) {
		if pause(ctx, time.Until(due)) != nil || !c.acquire(ctx) {
			return
		}
		turn++
		m := message{speaker: c.speakers[turn%len(c.speakers)], sent: l.clock()}
		m.number = l.sent[m.speaker]
		text = appendMessage(text[:0], l.tag, m, l.options.size)
		packet = l.options.protocol.publish(packet[:0], l.publication(m, text))
		if err := c.write(opText, packet); err != nil {
			l.blame(fmt.Sprintf("sender %d", c.id), err)
			c.conn.Close() // the reader counts the closed client
			return
		}
		l.sent[m.speaker]++
		if interval == 0 {
			due = time.Now()
			continue
		}
		l.noteLate(time.Since(due))
	}
}

func (l *load) publication(m message, text []byte) publication {
	p := publication{event: l.options.event, n: m.number, text: text}
	if l.plan.rooms > 0 {
		p.room = l.plan.roomName(l.plan.room(m.speaker))
	}
	return p
}

func (l *load) noteLate(d time.Duration) {
	for {
		old := l.late.Load()
		if int64(d) <= old || l.late.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

// settle waits until every client has every message. It gives up when no more messages come or the drain time is over.
func (l *load) settle(ctx context.Context) (last time.Time, err error) {
	want := l.totalSent() * int64(l.receivers())
	deadline := time.Now().Add(l.options.drain)
	for before := int64(-1); ; {
		got, now := l.delivered.Load(), time.Now()
		if got != before {
			before, last = got, now
		}
		if got >= want || now.After(deadline) || now.Sub(last) > stalled {
			return last, ctx.Err()
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return last, err
		}
	}
}

// receivers is how many clients get each message.
func (l *load) receivers() int {
	if l.plan.rooms > 0 {
		return l.plan.members
	}
	return len(l.clients)
}

// sentIn sums what was sent in a room. No sender may be sending.
func (l *load) sentIn(room int) (sum int64) {
	for _, n := range l.sent[room*l.plan.members:][:l.plan.members] {
		sum += n
	}
	return sum
}

// totalSent sums what all senders sent. No sender may be sending.
func (l *load) totalSent() (sum int64) {
	for _, n := range l.sent {
		sum += n
	}
	return sum
}

// blame keeps the first reasons of failures; other code counts the failures.
func (l *load) blame(what string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.reasons) < reasonsKept {
		l.reasons = append(l.reasons, fmt.Sprintf("%s: %v", what, err))
	}
}

// pause sleeps, or returns the cause as soon as ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return errors.New("interrupted")
	}
}
