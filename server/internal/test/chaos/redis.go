package chaos

import (
	"fmt"
	"slices"
	"strings"

	"scalable-chat/server/internal/test/redistest"
)

// startRedis starts a single server, or a Cluster, or none.
func (r *Scene) startRedis() {
	r.t.Helper()
	switch {
	case r.opts.Sharded:
		r.Cluster = redistest.StartCluster(r.t, r.opts.Redis...)
	case !r.opts.Alone:
		r.Redis = redistest.Start(r.t, r.opts.Redis...)
	}
}

// redisOf is the server that has the key now.
func (r *Scene) redisOf(key string) *redistest.Server {
	r.t.Helper()
	if r.Cluster == nil {
		return r.Redis
	}
	return r.Cluster.MasterOf(r.t, key)
}

// keys are all keys in Redis.
func (r *Scene) keys() (all []string) {
	r.t.Helper()
	servers := []*redistest.Server{r.Redis}
	if r.Cluster != nil {
		servers = r.Cluster.Nodes
	}
	for _, s := range servers {
		all = append(all, strings.Fields(s.CLI("--scan"))...)
	}
	slices.Sort(all)
	return slices.Compact(all) // replicas have them too
}

// someRoom is one room after the other.
func (r *Scene) someRoom() *room {
	r.turn++
	return r.rooms[r.turn%len(r.rooms)]
}

// LoseMaster kills a master of the Cluster, and returns when its replica has taken over. Writes are paused before, until the
// replica has everything: what a master has acked alone may be lost (docs/GUARANTEES.md), and a storm must not lose anything.
func (r *Scene) LoseMaster() {
	r.t.Helper()
	key := r.someRoom().key()
	r.lost = r.Cluster.MasterOf(r.t, key)
	r.lost.CLI("CLIENT", "PAUSE", "5000", "WRITE")
	redistest.Eventually(r.t, "the replica has everything", func() error {
		info := r.lost.CLI("INFO", "replication")
		if at := field(info, "master_repl_offset"); !strings.Contains(info, ",offset="+at+",") {
			return fmt.Errorf("INFO replication: %s", info)
		}
		return nil
	})
	id := r.lost.CLI("CLUSTER", "MYID")
	r.lost.Kill()
	redistest.Eventually(r.t, "the replica has taken over", func() error {
		for _, s := range r.Cluster.Nodes {
			if s != r.lost && !doesWithout(s, id) {
				return fmt.Errorf("%s: %s", s.Addr, s.CLI("CLUSTER", "NODES"))
			}
		}
		return nil
	})
}

// doesWithout reports whether a server of a Cluster knows that another one has failed, and that all slots are served all the
// same.
func doesWithout(s *redistest.Server, id string) bool {
	for line := range strings.Lines(s.CLI("CLUSTER", "NODES")) {
		if words := strings.Fields(line); words[0] == id && !slices.Contains(strings.Split(words[2], ","), "fail") {
			return false
		}
	}
	return strings.Contains(s.CLI("CLUSTER", "INFO"), "cluster_state:ok")
}

// RestoreMaster starts the server that [Scene.LoseMaster] has killed, and returns when it is a replica that has everything.
func (r *Scene) RestoreMaster() {
	r.t.Helper()
	if r.lost == nil {
		return
	}
	r.lost.Restart()
	redistest.Eventually(r.t, "the server that was killed is a replica", func() error {
		if info := r.lost.CLI("INFO", "replication"); field(info, "master_link_status") != "up" {
			return fmt.Errorf("INFO replication: %s", info)
		}
		return nil
	})
	r.lost = nil
}

// MoveRoom moves the slot of a room to another master.
func (r *Scene) MoveRoom() {
	r.t.Helper()
	r.Cluster.MoveSlot(r.t, r.someRoom().key())
}

// field is the value of a line of INFO.
func field(info, name string) string {
	_, rest, _ := strings.Cut(info, name+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}
