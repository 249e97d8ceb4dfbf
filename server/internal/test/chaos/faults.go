package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/redistest"
)

// heal undoes every fault: Redis runs, every node runs and reaches it, and nobody is cut off.
func (r *Scene) heal() {
	r.t.Helper()
	r.Edge.CutEvery(0)
	r.Edge.SetDown(false)
	switch {
	case r.Cluster != nil:
		r.RestoreMaster()
	case r.Redis != nil:
		r.Redis.Cont()
		r.Redis.WaitReady()
	}
	for _, n := range r.Nodes {
		if n.Path != nil {
			n.Path.SetDown(false)
			n.Path.CutEvery(0)
			n.Path.Hold(false)
		}
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

func (r *Scene) waitForSenders() {
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

// remember adds the present content of all streams to their pasts.
func (r *Scene) remember() {
	r.t.Helper()
	if r.opts.Alone {
		r.rememberFile()
		return
	}
	errs := []error{r.past.keep(r.entries(StreamKey))}
	for _, room := range r.rooms {
		genesis := r.redisOf(room.key()).CLI("GET", room.key()+":genesis")
		errs = append(errs, room.past.keepGenesis(genesis), room.past.keep(r.entries(room.key())))
	}
	if err := errors.Join(errs...); err != nil {
		r.t.Fatal(err)
	}
}

// entries is the content of a stream, as redis-cli --json prints it.
func (r *Scene) entries(key string) string {
	r.t.Helper()
	return r.redisOf(key).CLI("--json", "XRANGE", key, "-", "+")
}

// newest is the newest entry of the stream. It waits for one: a destroyed stream is empty until the next message.
func (r *Scene) newest() (at stream.Offset) {
	r.t.Helper()
	if r.opts.Alone {
		return r.newestInFile()
	}
	redistest.Eventually(r.t, "the stream has an entry", func() (err error) {
		out, _, _ := strings.Cut(r.redisOf(StreamKey).CLI("XREVRANGE", StreamKey, "+", "-", "COUNT", "1"), "\n")
		at, err = stream.ParseOffset(strings.TrimSpace(out))
		return err
	})
	return at
}

// destroy saves what Redis is about to lose, and makes Redis lose it, in one atomic step. each is done to each stream,
// which is called key, and all to Redis.
func (r *Scene) destroy(each, all string) {
	r.t.Helper()
	pasts, keys := []*past{r.past}, []string{StreamKey}
	for _, room := range r.rooms {
		pasts, keys = append(pasts, room.past), append(keys, room.key())
	}
	script := `local saved = {}
		for i, key in ipairs(KEYS) do
			saved[i] = { redis.call('GET', key .. ':genesis') or '', redis.call('XRANGE', key, '-', '+') }
			` + each + `
		end ` + all + ` return saved`
	printed := r.Redis.CLI(append([]string{"--json", "EVAL", script, strconv.Itoa(len(keys))}, keys...)...)
	var saved [][2]json.RawMessage // genesis, stream
	if err := json.Unmarshal([]byte(printed), &saved); err != nil || len(saved) != len(pasts) {
		r.t.Fatalf("EVAL printed %.200q: %v", printed, err)
	}
	for i, p := range pasts {
		if err := errors.Join(p.keepGenesis(string(saved[i][0])), p.keep(string(saved[i][1]))); err != nil {
			r.t.Fatal(err)
		}
	}
}

// Trim removes all but the newest entry of each stream.
func (r *Scene) Trim() { r.t.Helper(); r.destroy("redis.call('XTRIM', key, 'MAXLEN', 1)", "") }

// Drop removes the streams, as a failover that lost everything would; the ids of messages stay.
func (r *Scene) Drop() { r.t.Helper(); r.destroy("redis.call('DEL', key, key .. ':genesis')", "") }

// Flush empties Redis, so that retries of stored messages are stored again.
func (r *Scene) Flush() {
	r.t.Helper()
	r.destroy("", "redis.call('FLUSHALL')")
	r.past.era++
	for _, room := range r.rooms {
		room.past.era++
	}
}

// CutOff blocks a node's connection to Redis, and returns when the node has noticed.
func (r *Scene) CutOff(n *Node) {
	r.t.Helper()
	n.Path.SetDown(true)
	r.degraded(n)
}

// Reunite restores a node's connection, and returns when the node is no longer degraded.
func (r *Scene) Reunite(n *Node) {
	r.t.Helper()
	n.Path.SetDown(false)
	r.inOrder(n)
}

// degraded waits until these nodes report that Redis is away; they must stay ready all the same (P5).
func (r *Scene) degraded(nodes ...*Node) {
	r.t.Helper()
	for _, n := range nodes {
		r.says(n, "degraded", func(report ops.Report) bool { return report.Degraded != "" })
	}
}

// inOrder waits until these nodes are no longer degraded.
func (r *Scene) inOrder(nodes ...*Node) {
	r.t.Helper()
	for _, n := range nodes {
		r.says(n, "in order", func(report ops.Report) bool { return report.Degraded == "" })
	}
}

func (r *Scene) says(n *Node, what string, cond func(ops.Report) bool) {
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
func (r *Scene) connects() int {
	n := 0
	for _, c := range r.clients {
		n += c.State().Connects
	}
	return n
}

// CutClients breaks the connections of all clients.
func (r *Scene) CutClients() { r.Edge.CutAll() }
