package chaos

import (
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

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

// TestP5_RedisFrozen: Redis does not answer for five seconds. Nobody is disconnected for it, everything goes on.
func TestP5_RedisFrozen(t *testing.T) {
	t.Parallel()
	r := Open(t, Options{Seed: 3})
	r.Talk()
	r.Flows(30)
	r.Redis.Stop()
	time.Sleep(5 * time.Second) // the length of the outage
	for _, n := range r.Nodes {
		r.hasState(n, true)
	}
	r.Redis.Cont()
	r.FlowsEverywhere()
	r.Settle(Expect{})
}
