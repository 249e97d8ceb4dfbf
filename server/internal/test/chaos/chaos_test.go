package chaos

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/test/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(Finish)) }

// TestP1_ThreeNodesSixtyClients is the calm case: clients of every transport on three nodes behind a balancer that sends
// each request elsewhere.
func TestP1_ThreeNodesSixtyClients(t *testing.T) {
	t.Parallel()
	r := Open(t, Options{Seed: 1, Clients: 60, Senders: 20, Rate: 3})
	r.Talk()
	r.Flows(300)
	r.Settle(Expect{})
}

// TestP3_NodesKilled: kill -9, one node after the other, each comes back.
func TestP3_NodesKilled(t *testing.T) {
	t.Parallel()
	r := Open(t, Options{Seed: 2})
	r.Talk()
	for _, n := range r.Nodes {
		r.Flows(30)
		n.Kill()
		r.Flows(30)
		n.Start()
		n.WaitReady()
		r.FlowsEverywhere()
	}
	r.Settle(Expect{})
}

// TestP3_RollingRestart: every node is stopped in turn and started again, while everybody talks.
func TestP3_RollingRestart(t *testing.T) {
	t.Parallel()
	r := Open(t, Options{Seed: 3})
	r.Talk()
	for _, n := range r.Nodes {
		r.Flows(30)
		if code := n.Terminate(); code != 0 {
			t.Errorf("%s ended with exit code %d", n.Name, code)
		}
		n.Start()
		n.WaitReady()
	}
	r.FlowsEverywhere()
	r.Settle(Expect{})
}

// TestP3_ClientsCut: TCP connections of clients break at random bytes, and all at the same time.
func TestP3_ClientsCut(t *testing.T) {
	t.Parallel()
	r := Open(t, Options{Seed: 4})
	r.Edge.CutEvery(15_000)
	r.CutClients()
	r.Talk()
	for range 4 {
		r.Flows(50)
		r.CutClients()
	}
	if r.Edge.Cuts() < 5 {
		t.Errorf("only %d connections were cut", r.Edge.Cuts())
	}
	r.Settle(Expect{})
}

// TestP5_RedisFrozen: Redis does not answer for five seconds. No client is disconnected, and everything continues.
func TestP5_RedisFrozen(t *testing.T) {
	t.Parallel()
	r := Open(t, Options{Seed: 5})
	r.Talk()
	r.Flows(30)
	before := r.connects()
	r.Redis.Stop()
	time.Sleep(5 * time.Second) // the length of the outage, which is what is tested
	r.degraded(r.Nodes...)
	r.Redis.Cont()
	r.inOrder(r.Nodes...)
	if now := r.connects(); now != before {
		t.Errorf("%d clients lost their connection because of Redis", now-before)
	}
	r.FlowsEverywhere()
	r.Settle(Expect{})
}

// TestP4_RedisKilled: Redis, which writes every command to disk, is killed and started again, twice.
func TestP4_RedisKilled(t *testing.T) {
	t.Parallel()
	r := Open(t, Options{Seed: 6, Redis: []string{"--appendonly", "yes", "--appendfsync", "always"}})
	r.Talk()
	for range 2 {
		r.Flows(50)
		r.Redis.Kill()
		r.degraded(r.Nodes...)
		r.Redis.Restart()
		r.inOrder(r.Nodes...)
		r.FlowsEverywhere()
	}
	r.Settle(Expect{})
}

// TestP5_NodeCutOff: one node after the other cannot reach Redis for a while. Its clients stay, and miss nothing.
func TestP5_NodeCutOff(t *testing.T) {
	t.Parallel()
	r := Open(t, Options{Seed: 7})
	r.Talk()
	before := r.connects()
	r.CutOff(r.Nodes[0])
	r.Flows(50)
	r.Reunite(r.Nodes[0])
	r.FlowsEverywhere()

	// Now the connections stay, but nothing arrives.
	r.Nodes[1].Path.Hold(true)
	r.degraded(r.Nodes[1])
	r.Flows(50)
	r.Nodes[1].Path.Hold(false)
	r.inOrder(r.Nodes[1])
	r.FlowsEverywhere()
	if now := r.connects(); now != before {
		t.Errorf("%d clients lost their connection because of Redis", now-before)
	}
	r.Settle(Expect{})
}

// TestP3_NodeFrozen: a node is frozen, as on a machine that swaps, and then continues.
func TestP3_NodeFrozen(t *testing.T) {
	t.Parallel()
	r := Open(t, Options{Seed: 8})
	r.Talk()
	for _, n := range r.Nodes[:2] {
		n.Signal(redistest.Freeze)
		r.Flows(30)
		time.Sleep(time.Second) // the length of the freeze, which is what is tested
		n.Signal(redistest.Thaw)
		r.FlowsEverywhere()
	}
	r.Settle(Expect{})
}

// TestP3_RequestsStuckInAFrozenNode: messages go to a node that freezes, and are retried elsewhere when the client's
// connection breaks; then the first copies arrive.
func TestP3_RequestsStuckInAFrozenNode(t *testing.T) {
	t.Parallel()
	r := Open(t, Options{Seed: 11, Rate: 8})
	r.Talk()
	for i := range 6 {
		n := r.Nodes[i%len(r.Nodes)]
		n.Signal(redistest.Freeze)
		r.Flows(15) // by then requests are stuck
		r.CutClients()
		r.Flows(15) // by then more are
		n.Signal(redistest.Thaw)
		r.FlowsEverywhere()
	}
	r.Settle(Expect{})
}

// TestP3_DestroyedUnderASleeper: while a node cannot read, its unread entries are trimmed, or the stream is removed, or
// Redis is emptied. The node must notice, and its clients must not miss anything silently.
func TestP3_DestroyedUnderASleeper(t *testing.T) {
	t.Parallel()
	for name, destroy := range map[string]func(*Scene){"trimmed": (*Scene).Trim, "removed": (*Scene).Drop, "flushed": (*Scene).Flush} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Open(t, Options{Seed: 9, Nodes: 2, Clients: 12, Senders: 6, Rate: 8})
			r.Talk()
			r.Flows(20)
			r.CutOff(r.Nodes[0])
			r.Flows(20)
			destroy(r)
			r.Flows(20)
			r.Reunite(r.Nodes[0])
			r.FlowsEverywhere()
			if !r.Nodes[0].said("stream has a gap") {
				t.Error("the node that slept has not noticed")
			}
			r.Settle(Expect{Resets: true})
		})
	}
}

// TestP3_DestroyedUnderEverybody: the same while every node reads. A node that has read everything loses nothing by a trim.
func TestP3_DestroyedUnderEverybody(t *testing.T) {
	t.Parallel()
	r := Open(t, Options{Seed: 10})
	r.Talk()
	for _, destroy := range []func(){r.Trim, r.Drop, r.Flush} {
		r.Flows(30)
		destroy()
		r.FlowsEverywhere()
	}
	r.Settle(Expect{Resets: true})
}
