package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Cluster is a Redis Cluster of three masters with a replica each.
type Cluster struct {
	Nodes []*Server
}

// StartCluster starts six processes and returns when all of them agree that the Cluster works.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{}
	create := []string{"--cluster", "create"}
	for range 6 {
		s := Start(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0")
		c.Nodes = append(c.Nodes, s)
		create = append(create, s.Addr)
	}
	c.Nodes[0].CLI(append(create, "--cluster-replicas", "1", "--cluster-yes")...)
	for _, s := range c.Nodes {
		Eventually(t, "node "+s.Addr+" sees a working Cluster", func() error {
			if info := s.CLI("CLUSTER", "INFO"); !strings.Contains(info, "cluster_state:ok") {
				return fmt.Errorf("CLUSTER INFO: %s", info)
			}
			if nodes := s.CLI("CLUSTER", "NODES"); strings.Count(nodes, "slave") != 3 {
				return fmt.Errorf("CLUSTER NODES: %s", nodes)
			}
			return replicaInSync(s)
		})
	}
	return c
}

// Addrs are those of all six nodes, host:port each.
func (c *Cluster) Addrs() []string { return addrs(c.Nodes) }

// URL names all six nodes, separated by commas.
func (c *Cluster) URL() string { return "redis://" + strings.Join(c.Addrs(), ",") }

// MasterOf is the node that owns the key now.
func (c *Cluster) MasterOf(t testing.TB, key string) *Server {
	t.Helper()
	for _, s := range c.Nodes {
		// A node that does not own the key answers MOVED, a replica too.
		if out, err := s.cli("EXISTS", key); err == nil && !strings.Contains(out, "MOVED") {
			return s
		}
	}
	t.Fatalf("no node owns %q", key)
	return nil
}

// Sentinels is a master with one replica, watched by three Sentinels.
type Sentinels struct {
	Name            string // of the master, as the Sentinels know it
	Master, Replica *Server
	Watchers        []*Server
}

// StartSentinels starts the five processes and returns when the Sentinels know each other and the replica, so that a
// failover would succeed.
func StartSentinels(t testing.TB) *Sentinels {
	t.Helper()
	s := &Sentinels{Name: "chat", Master: Start(t, "--repl-diskless-sync-delay", "0")}
	s.Replica = Start(t, "--replicaof", "127.0.0.1 "+s.Master.Port, "--repl-diskless-sync-delay", "0")
	for range 3 {
		w := newServer(t)
		conf := filepath.Join(w.Dir, "sentinel.conf")
		lines := fmt.Sprintf("sentinel monitor %[1]s 127.0.0.1 %[2]s 2\nsentinel down-after-milliseconds %[1]s 1000\n"+
			"sentinel failover-timeout %[1]s 3000\n", s.Name, s.Master.Port)
		if err := os.WriteFile(conf, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		w.args = []string{"--port", w.Port}
		w.conf = conf
		w.start()
		s.Watchers = append(s.Watchers, w)
	}
	Eventually(t, "the replica is in sync", func() error { return replicaInSync(s.Replica) })
	for _, w := range s.Watchers {
		Eventually(t, "the Sentinels know each other", func() error {
			out := w.CLI("INFO", "sentinel")
			if !strings.Contains(out, "status=ok") || !strings.Contains(out, "slaves=1,sentinels=3") {
				return fmt.Errorf("INFO sentinel: %s", out)
			}
			return nil
		})
	}
	return s
}

// Addrs are those of the three Sentinels, host:port each.
func (s *Sentinels) Addrs() []string { return addrs(s.Watchers) }

// URL names the three Sentinels, separated by commas.
func (s *Sentinels) URL() string { return "redis://" + strings.Join(s.Addrs(), ",") }

func addrs(servers []*Server) []string {
	var all []string
	for _, s := range servers {
		all = append(all, s.Addr)
	}
	return all
}

// replicaInSync reports a replica that is not connected to its master; a master is never out of sync.
func replicaInSync(s *Server) error {
	if info := s.CLI("INFO", "replication"); strings.Contains(info, "role:slave") && !strings.Contains(info, "master_link_status:up") {
		return fmt.Errorf("INFO replication: %s", info)
	}
	return nil
}
