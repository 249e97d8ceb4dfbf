// Package chaos proves that many nodes are one room. It runs real chatd processes with a real Redis, lets many clients
// talk through a round-robin balancer, injects faults, and then compares every timeline with the record.
//
// All random choices (who connects how, which part fails, when) come from one seed. The interleaving of the processes
// does not, so a seed repeats the plan and not the run.
//
//	clients ─▶ Edge (cuts at will) ─▶ balancer ─▶ nodes ─▶ one Path each (cut at will) ─▶ Redis
//
// It has many files because four of them differ by system or build, and each kind of fault, actor and check has its own.
package chaos

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// StreamKey is the room's name within Redis.
const StreamKey = "chat"

// settlePatience is how long a healed room may take until every client has every message.
const settlePatience = time.Minute

// Options are the size of a room. A zero field means the default.
type Options struct {
	Seed     uint64
	Nodes    int               // default 3
	Clients  int               // default 30; their transports are mixed evenly
	Senders  int               // default 10; they are among the clients
	Rate     float64           // messages a second of each sender; default 4
	Settings map[string]string // of the nodes, named as in the environment; override the harness's own
	Redis    []string          // arguments of redis-server
}

// Room is a cluster and its crowd. Its methods are for the test's goroutine.
type Room struct {
	Redis *redistest.Server
	Nodes []*Node
	Edge  *redistest.Proxy // in front of the balancer; cuts off clients

	t       testing.TB
	opts    Options
	rnd     *rand.Rand
	balance *balancer
	past    *past
	clients []*siotest.Client
	senders []*sender
	talking sync.WaitGroup
	hush    context.CancelFunc // makes the senders send their last message
	began   time.Time
}

// Open starts Redis, the nodes and the crowd, and returns when every client has its joining offset. All of it ends with
// the test.
func Open(t testing.TB, opts Options) *Room {
	t.Helper()
	setDefault(&opts.Nodes, 3)
	setDefault(&opts.Clients, 30)
	setDefault(&opts.Senders, 10)
	setDefault(&opts.Rate, 4)
	r := &Room{
		t: t, opts: opts, rnd: rand.New(rand.NewPCG(opts.Seed, 1)), past: newPast(), began: time.Now(),
	}
	t.Logf("seed %d: %d nodes, %d clients, %d senders", opts.Seed, opts.Nodes, opts.Clients, opts.Senders)
	r.Redis = redistest.Start(t, opts.Redis...)
	r.startNodes()
	r.balance = startBalancer(t, r.Nodes)
	r.Edge = redistest.StartProxy(t, r.balance.addr, opts.Seed)
	r.gather()
	return r
}

func setDefault[T int | float64](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// settings apply to every node: time-outs short enough for a test, and limits that no test reaches.
func (r *Room) settings() map[string]string {
	all := map[string]string{
		"STREAM_KEY": StreamKey, "HISTORY_WINDOW": "200000", "MESSAGE_RATE": "0",
		"PING_INTERVAL": "3s", "PING_TIMEOUT": "3s", "APPEND_TIMEOUT": "2s",
		"DRAIN_DELAY": "0s", "DRAIN_TIMEOUT": "10s",
	}
	maps.Copy(all, r.opts.Settings)
	return all
}

func (r *Room) startNodes() {
	for i := range r.opts.Nodes {
		path := redistest.StartProxy(r.t, r.Redis.Addr, r.opts.Seed+uint64(i))
		n := newNode(r.t, i, path.Addr, r.settings())
		n.Path = path
		r.Nodes = append(r.Nodes, n)
		n.Start()
	}
	for _, n := range r.Nodes {
		n.WaitReady()
	}
}

// gather opens the clients and makes the first of them senders.
func (r *Room) gather() {
	r.t.Helper()
	transports := make([]siotest.Transport, r.opts.Clients)
	for i := range transports {
		transports[i] = siotest.Transport(i % 3)
	}
	r.rnd.Shuffle(len(transports), func(i, j int) { transports[i], transports[j] = transports[j], transports[i] })
	for _, transport := range transports {
		c := siotest.Open(siotest.Options{URL: "http://" + r.Edge.Addr, Transport: transport})
		r.t.Cleanup(c.Close)
		r.clients = append(r.clients, c)
	}
	for i := range r.opts.Senders {
		r.senders = append(r.senders, newSender("s"+strconv.Itoa(i), r.clients[i], 1+3*(i%2), r.opts.Rate, r.rnd.Uint64()))
	}
	r.await("everybody has joined", func(s siotest.State) bool { return s.Joined })
}

// Talk lets the senders talk until [Room.Settle].
func (r *Room) Talk() {
	ctx, cancel := context.WithCancel(context.Background())
	r.hush = cancel
	r.t.Cleanup(func() {
		cancel()
		for _, s := range r.senders {
			s.abandon()
		}
		for _, c := range r.clients {
			c.Close() // pending acks end with an error
		}
		r.talking.Wait()
	})
	for _, s := range r.senders {
		r.talking.Go(func() { s.talk(ctx) })
	}
}

// Flows waits until so many more messages are acked, from any sender.
func (r *Room) Flows(more int) {
	r.t.Helper()
	target := r.acked() + more
	redistest.Eventually(r.t, "messages flow", func() error {
		if n := r.acked(); n < target {
			return fmt.Errorf("%d of %d acked", n, target)
		}
		return nil
	})
}

// FlowsEverywhere waits until every client has got a message that was stored after now.
func (r *Room) FlowsEverywhere() {
	r.t.Helper()
	r.Flows(1)
	mark := r.newest()
	r.Flows(1)
	r.await("new messages reach everybody", func(s siotest.State) bool { return s.Joined && after(s.Offset, mark) })
}

func (r *Room) acked() int {
	n := 0
	for _, s := range r.senders {
		n += s.ackedCount()
	}
	return n
}

// await waits until cond holds for every client.
func (r *Room) await(what string, cond func(siotest.State) bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), settlePatience)
	defer cancel()
	for i, c := range r.clients {
		if err := c.Wait(ctx, cond); err != nil {
			report := c.Report()
			r.t.Fatalf("seed %d: waited in vain until %s: client %d is at %+v; its connections ended with %q",
				r.opts.Seed, what, i, c.State(), report.Ends[max(0, len(report.Ends)-5):])
		}
	}
}
