// Package chaos proves that many nodes are one server. It runs real chatd processes with a real Redis, lets many clients
// talk through a round-robin balancer, in the global room and in rooms that are opened, filled, left and closed all the time,
// injects faults, and then compares every timeline of every room with the record.
//
// All random choices (who connects how, which part fails, when) come from one seed. The interleaving of the processes
// does not, so a seed repeats the plan and not the run. A single node may also keep the record in a file instead of Redis.
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
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// StreamKey is the name of the server's record within Redis.
const StreamKey = "chat"

// settlePatience is how long a healed scene may take until every client has every message.
const settlePatience = time.Minute

// Options are the size of a scene. A zero field means the default.
type Options struct {
	Seed     uint64
	Nodes    int               // default 3
	Clients  int               // default 30; their transports are mixed evenly
	Senders  int               // default 10; they are among the clients
	Rate     float64           // messages a second of each sender; default 4
	Rooms    int               // beside the global one; default 8
	Visitors int               // who go from room to room; default 4
	Settings map[string]string // of the nodes, named as in the environment; override the harness's own
	Redis    []string          // arguments of redis-server
	Sharded  bool              // a Redis Cluster of three masters with replicas instead of a single Redis
	Alone    bool              // a single node without Redis, which keeps the record in a file
}

// Scene is a cluster of nodes and its crowd. Its methods are for the test's goroutine.
type Scene struct {
	Redis   *redistest.Server  // unless it is sharded or there is none
	Cluster *redistest.Cluster // if it is
	Nodes   []*Node
	Edge    *redistest.Proxy // in front of the balancer; cuts off clients

	dir     string // of the record, if there is no Redis
	t       testing.TB
	opts    Options
	rnd     *rand.Rand
	balance *balancer
	past    *past
	rooms   []*room
	clients []*siotest.Client // in the global room
	senders []*sender         // among the clients
	roamers []*visitor        // their first clients are among the clients
	talking sync.WaitGroup
	hush    context.CancelFunc // makes the senders send their last message
	began   time.Time
	turn    int               // counts the rooms that faults have hit
	lost    *redistest.Server // a server of the Cluster that is killed, or nil
}

// Open starts Redis, the nodes and the crowd, and returns when every client has its joining offset. All of it ends with
// the test.
func Open(t testing.TB, opts Options) *Scene {
	t.Helper()
	if opts.Alone {
		opts.Nodes = 1
	}
	setDefault(&opts.Nodes, 3)
	setDefault(&opts.Clients, 30)
	setDefault(&opts.Senders, 10)
	setDefault(&opts.Rate, 4)
	setDefault(&opts.Rooms, 8)
	setDefault(&opts.Visitors, 4)
	r := &Scene{
		t: t, opts: opts, rnd: rand.New(rand.NewPCG(opts.Seed, 1)), past: newPast(), began: time.Now(),
	}
	t.Logf("seed %d: %d nodes, %d clients, %d senders, %d visitors of %d rooms",
		opts.Seed, opts.Nodes, opts.Clients, opts.Senders, opts.Visitors, opts.Rooms)
	r.startRedis()
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
func (r *Scene) settings() map[string]string {
	all := map[string]string{
		"STREAM_KEY": StreamKey, "HISTORY_WINDOW": "200000", "ROOM_WINDOW": "20000", "MESSAGE_RATE": "0",
		"PING_INTERVAL": "3s", "PING_TIMEOUT": "3s", "APPEND_TIMEOUT": "2s",
		"DRAIN_DELAY": "0s", "DRAIN_TIMEOUT": "10s",
	}
	maps.Copy(all, r.opts.Settings)
	return all
}

func (r *Scene) startNodes() {
	for i := range r.opts.Nodes {
		n := r.newNode(i)
		r.Nodes = append(r.Nodes, n)
		n.Start()
	}
	for _, n := range r.Nodes {
		n.WaitReady()
	}
}

// NewNode makes a node. There can be no proxy in front of a Cluster, which tells its clients its own addresses.
func (r *Scene) newNode(i int) *Node {
	switch {
	case r.opts.Alone:
		r.dir = filepath.Join(r.t.TempDir(), "data")
		return NewNode(r.t, i, "", r.dir, r.settings())
	case r.Cluster != nil:
		return NewNode(r.t, i, r.Cluster.URL(), "", r.settings())
	}
	path := redistest.StartProxy(r.t, r.Redis.Addr, r.opts.Seed+uint64(i))
	n := NewNode(r.t, i, "redis://"+path.Addr, "", r.settings())
	n.Path = path
	return n
}

// gather opens the clients, and makes the first of them senders and the last of them visitors.
func (r *Scene) gather() {
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
	for i := range r.opts.Rooms {
		r.rooms = append(r.rooms, newRoom(i))
	}
	for i := range r.opts.Visitors {
		r.roamers = append(r.roamers, &visitor{
			name: "v" + strconv.Itoa(i), home: r.clients[len(r.clients)-1-i], rooms: r.rooms, rate: r.opts.Rate,
			rnd: rand.New(rand.NewPCG(r.rnd.Uint64(), 5)),
		})
	}
	r.await("everybody has joined", func(s siotest.State) bool { return s.Joined })
}

// Talk lets the senders talk until [Scene.Settle].
func (r *Scene) Talk() {
	ctx, cancel := context.WithCancel(context.Background())
	life, end := context.WithCancel(context.Background())
	r.hush = cancel
	r.t.Cleanup(func() {
		cancel()
		end()
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
	for _, v := range r.roamers {
		r.talking.Go(func() { v.roam(ctx, life) })
	}
}

// Flows waits until so many more messages are acked, from any sender.
func (r *Scene) Flows(more int) {
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
func (r *Scene) FlowsEverywhere() {
	r.t.Helper()
	r.Flows(1)
	mark := r.newest()
	r.Flows(1)
	r.await("new messages reach everybody", func(s siotest.State) bool { return s.Joined && after(s.Offset, mark) })
}

func (r *Scene) acked() int {
	n := 0
	for _, s := range r.senders {
		n += s.ackedCount()
	}
	return n
}

// await waits until cond holds for every client.
func (r *Scene) await(what string, cond func(siotest.State) bool) {
	r.t.Helper()
	for i, c := range r.clients {
		r.awaitClient(c, fmt.Sprintf("%s (client %d)", what, i), cond)
	}
}

func (r *Scene) awaitClient(c *siotest.Client, what string, cond func(siotest.State) bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), settlePatience)
	defer cancel()
	if err := c.Wait(ctx, cond); err != nil {
		report := c.Report()
		r.t.Fatalf("seed %d: waited in vain until %s: it is at %+v; its connections ended with %q",
			r.opts.Seed, what, c.State(), report.Ends[max(0, len(report.Ends)-5):])
	}
}
