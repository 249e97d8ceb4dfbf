package chaos

import (
	"fmt"
	"strings"
	"time"

	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/redistest"
)

// heal undoes every fault: Redis runs, every node runs and reaches it, and nobody is cut off.
func (r *Room) heal() {
	r.t.Helper()
	r.Edge.CutEvery(0)
	r.Edge.SetDown(false)
	r.Redis.Cont()
	r.Redis.WaitReady()
	for _, n := range r.Nodes {
		n.Path.SetDown(false)
		n.Path.CutEvery(0)
		n.Path.Hold(false)
		if n.Running() {
			n.Signal(redistest.Thaw)
		} else {
			n.Start()
		}
	}
	for _, n := range r.Nodes {
		n.WaitReady()
	}
}

func (r *Room) waitForSenders() {
	r.t.Helper()
	finished := make(chan struct{})
	go func() {
		r.talking.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-time.After(settlePatience):
		for _, s := range r.senders {
			r.t.Logf("%s: %d of %d acked, its client is at %+v", s.name, s.ackedCount(), len(s.said), s.client.State())
		}
		r.t.Fatalf("seed %d: after the faults messages are not acked", r.opts.Seed)
	}
}

// remember adds the present content of the stream to the past.
func (r *Room) remember() {
	r.t.Helper()
	r.keep(r.Redis.CLI("--json", "XRANGE", StreamKey, "-", "+"))
}

func (r *Room) keep(printed string) {
	r.t.Helper()
	if err := r.past.keep(printed); err != nil {
		r.t.Fatal(err)
	}
}

// newest is the newest entry of the stream. It waits for one: a destroyed stream is empty until the next message.
func (r *Room) newest() (at stream.Offset) {
	r.t.Helper()
	redistest.Eventually(r.t, "the stream has an entry", func() (err error) {
		out, _, _ := strings.Cut(r.Redis.CLI("XREVRANGE", StreamKey, "+", "-", "COUNT", "1"), "\n")
		at, err = stream.ParseOffset(strings.TrimSpace(out))
		return err
	})
	return at
}

// destroy saves what Redis is about to lose, and makes Redis lose it, in one atomic step.
func (r *Room) destroy(command string) {
	r.t.Helper()
	r.keep(r.Redis.CLI("--json", "EVAL",
		"local all = redis.call('XRANGE', KEYS[1], '-', '+') redis.call("+command+") return all", "1", StreamKey))
}

// Trim removes all but the newest entry of the stream.
func (r *Room) Trim() { r.t.Helper(); r.destroy("'XTRIM', KEYS[1], 'MAXLEN', 1") }

// Drop removes the stream, as a failover that lost everything would; the ids of messages stay.
func (r *Room) Drop() { r.t.Helper(); r.destroy("'DEL', KEYS[1]") }

// Flush empties Redis, so that retries of stored messages are stored again.
func (r *Room) Flush() {
	r.t.Helper()
	r.destroy("'FLUSHALL'")
	r.past.era++
}

// CutOff blocks a node's connection to Redis, and returns when the node has noticed.
func (r *Room) CutOff(n *Node) {
	r.t.Helper()
	n.Path.SetDown(true)
	r.degraded(n)
}

// Reunite restores a node's connection, and returns when the node is no longer degraded.
func (r *Room) Reunite(n *Node) {
	r.t.Helper()
	n.Path.SetDown(false)
	r.inOrder(n)
}

// degraded waits until these nodes report that Redis is away; they must stay ready all the same (P5).
func (r *Room) degraded(nodes ...*Node) {
	r.t.Helper()
	for _, n := range nodes {
		r.says(n, "degraded", func(report ops.Report) bool { return report.Degraded != "" })
	}
}

// inOrder waits until these nodes are no longer degraded.
func (r *Room) inOrder(nodes ...*Node) {
	r.t.Helper()
	for _, n := range nodes {
		r.says(n, "in order", func(report ops.Report) bool { return report.Degraded == "" })
	}
}

func (r *Room) says(n *Node, what string, cond func(ops.Report) bool) {
	r.t.Helper()
	redistest.Eventually(r.t, n.Name+" says that it is "+what, func() error {
		report, err := n.Report()
		if err != nil {
			r.t.Errorf("P5: %v", err)
			return nil
		}
		if !cond(report) {
			return fmt.Errorf("it says %+v", report)
		}
		return nil
	})
}

// connects is how many CONNECTs were answered so far, for all clients.
func (r *Room) connects() int {
	n := 0
	for _, c := range r.clients {
		n += c.State().Connects
	}
	return n
}

// CutClients breaks the connections of all clients.
func (r *Room) CutClients() { r.Edge.CutAll() }
