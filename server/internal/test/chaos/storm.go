package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"

	"scalable-chat/server/internal/test/redistest"
)

// Weather says which faults a storm has.
type Weather int

// The kinds of weather.
const (
	// Rough has faults of nodes and of clients' connections. Every client must recover every time.
	Rough Weather = iota
	// Wild also has faults of Redis and of connections to it, and destroys the stream. Clients may have to start afresh.
	Wild
	// Sharded has the faults of Rough, over a Redis Cluster that loses masters and moves slots. Every client must recover
	// every time.
	Sharded
	// Solo has the faults of Rough on a single node that keeps the record in a file. Every client must recover every time.
	Solo
)

// String is the name of the weather.
func (w Weather) String() string { return [...]string{"rough", "wild", "sharded", "solo"}[w] }

// fault is something that can happen to a target. A target has one fault at a time.
type fault struct {
	name    string
	longest time.Duration
	begin   func(r *Scene, i int)
	end     func(r *Scene, i int)
}

func nothing(*Scene, int) {}

func onNode(fn func(n *Node)) func(*Scene, int) { return func(r *Scene, i int) { fn(r.Nodes[i]) } }

var nodeFaults = []fault{
	{"killed", 2 * time.Second, onNode((*Node).Kill), onNode((*Node).Start)},
	{"stopped", 3 * time.Second, onNode(func(n *Node) { n.Signal(syscall.SIGTERM) }), onNode(func(n *Node) {
		n.awaitExit(time.Second)
		n.Start()
	})},
	{"frozen", 2 * time.Second, onNode(func(n *Node) { n.Signal(redistest.Freeze) }), onNode(func(n *Node) {
		n.Signal(redistest.Thaw)
	})},
}

var pathFaults = []fault{
	{"without Redis", 4 * time.Second, onNode(func(n *Node) { n.Path.SetDown(true) }), onNode(func(n *Node) {
		n.Path.SetDown(false)
	})},
	{"with Redis silent", 4 * time.Second, onNode(func(n *Node) { n.Path.Hold(true) }), onNode(func(n *Node) {
		n.Path.Hold(false)
	})},
	{"often cut off from Redis", 3 * time.Second, onNode(func(n *Node) {
		n.Path.CutEvery(20_000)
		n.Path.CutAll()
	}), onNode(func(n *Node) { n.Path.CutEvery(0) })},
}

var clientFaults = []fault{
	{"cut", time.Second, func(r *Scene, _ int) { r.Edge.CutAll() }, nothing},
	{"cut at random", 4 * time.Second, func(r *Scene, _ int) {
		r.Edge.CutEvery(15_000)
		r.Edge.CutAll()
	}, func(r *Scene, _ int) { r.Edge.CutEvery(0) }},
	{"kept out", time.Second, func(r *Scene, _ int) { r.Edge.SetDown(true) }, func(r *Scene, _ int) { r.Edge.SetDown(false) }},
}

var redisFaults = []fault{
	{"frozen", 5 * time.Second, func(r *Scene, _ int) { r.Redis.Stop() }, func(r *Scene, _ int) { r.Redis.Cont() }},
	{"killed", 2 * time.Second, func(r *Scene, _ int) { r.Redis.Kill() }, func(r *Scene, _ int) { r.Redis.Restart() }},
	{"trimmed", time.Second, func(r *Scene, _ int) { r.Trim() }, nothing},
	{"without its stream", time.Second, func(r *Scene, _ int) { r.Drop() }, nothing},
	{"flushed", time.Second, func(r *Scene, _ int) { r.Flush() }, nothing},
}

var shardFaults = []fault{
	{"without a master", 2 * time.Second, func(r *Scene, _ int) { r.LoseMaster() }, func(r *Scene, _ int) { r.RestoreMaster() }},
	{"with a slot elsewhere", time.Second, func(r *Scene, _ int) { r.MoveRoom() }, nothing},
}

// step is one moment of a plan.
type step struct {
	at   time.Duration
	what string
	do   func(*Scene)
}

// target is what a fault hits.
type target struct {
	name   string
	faults []fault
	index  int
	calm   time.Duration // mean time between two faults
}

func (w Weather) targets(nodes int) (all []target) {
	for i := range nodes {
		all = append(all, target{fmt.Sprintf("node %d", i), nodeFaults, i, 6 * time.Second})
	}
	all = append(all, target{"clients", clientFaults, 0, 4 * time.Second})
	if w == Wild {
		all = append(all, target{"Redis", redisFaults, 0, 6 * time.Second})
		for i := range nodes {
			all = append(all, target{fmt.Sprintf("path %d", i), pathFaults, i, 10 * time.Second})
		}
	}
	if w == Sharded {
		all = append(all, target{"Redis", shardFaults, 0, 3 * time.Second})
	}
	return all
}

// plan makes the steps of a storm. The same seed gives the same plan.
func (w Weather) plan(seed uint64, nodes int, length time.Duration) (steps []step) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	for _, t := range w.targets(nodes) {
		at := time.Duration(0)
		for {
			at += time.Duration(rnd.ExpFloat64() * float64(t.calm))
			if at > length {
				break
			}
			f := t.faults[rnd.IntN(len(t.faults))]
			steps = append(steps, step{at, t.name + " " + f.name, func(r *Scene) { f.begin(r, t.index) }})
			at += time.Duration((0.1 + 0.9*rnd.Float64()) * float64(f.longest))
			steps = append(steps, step{at, t.name + " in order", func(r *Scene) { f.end(r, t.index) }})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return int(a.at - b.at) })
	return steps
}

// Storm injects faults for about that long.
func (r *Scene) Storm(w Weather, length time.Duration) {
	r.t.Helper()
	steps := w.plan(r.opts.Seed, len(r.Nodes), length)
	var log strings.Builder
	began := time.Now()
	defer func() { r.t.Logf("seed %d, %s:\n%s", r.opts.Seed, w, log.String()) }()
	for _, s := range steps {
		time.Sleep(time.Until(began.Add(s.at)))
		fmt.Fprintf(&log, "%6.2fs %s\n", time.Since(began).Seconds(), s.what)
		s.do(r)
	}
}
