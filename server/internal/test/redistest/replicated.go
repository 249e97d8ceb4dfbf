package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Cluster is a Redis Cluster of three masters, each with a replica or without.
type Cluster struct {
	Nodes []*Server
}

// StartCluster starts six processes and returns when all of them agree that the Cluster works; args are more settings.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	return startCluster(t, 1, args...)
}

// StartMasters starts a Cluster of three masters without replicas.
func StartMasters(t testing.TB) *Cluster {
	t.Helper()
	return startCluster(t, 0)
}

func startCluster(t testing.TB, replicas int, args ...string) *Cluster {
	t.Helper()
	c := &Cluster{}
	create := []string{"--cluster", "create"}
	for range 3 + 3*replicas {
		s := Start(t, append([]string{
			"--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0",
		}, args...)...)
		c.Nodes = append(c.Nodes, s)
		create = append(create, s.Addr)
	}
	c.Nodes[0].CLI(append(create, "--cluster-replicas", strconv.Itoa(replicas), "--cluster-yes")...)
	for _, s := range c.Nodes {
		Eventually(t, "node "+s.Addr+" sees a working Cluster", func() error {
			if info := s.CLI("CLUSTER", "INFO"); !strings.Contains(info, "cluster_state:ok") {
				return fmt.Errorf("CLUSTER INFO: %s", info)
			}
			if nodes := s.CLI("CLUSTER", "NODES"); strings.Count(nodes, "slave") != 3*replicas {
				return fmt.Errorf("CLUSTER NODES: %s", nodes)
			}
			return replicaInSync(s)
		})
	}
	return c
}

// Addrs are the addresses of all nodes, each as host:port.
func (c *Cluster) Addrs() []string { return addrs(c.Nodes) }

// URL names all nodes, separated by commas.
func (c *Cluster) URL() string { return "redis://" + strings.Join(c.Addrs(), ",") }

// MasterOf is the node that currently owns the key.
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

// MoveSlot moves the slot of the key, with its content, to another master, as resharding does, and returns that master.
func (c *Cluster) MoveSlot(t testing.TB, key string) *Server {
	t.Helper()
	from := c.MasterOf(t, key)
	to := c.masterAfter(from)
	slot, fromID, toID := from.CLI("CLUSTER", "KEYSLOT", key), from.CLI("CLUSTER", "MYID"), to.CLI("CLUSTER", "MYID")
	to.CLI("CLUSTER", "SETSLOT", slot, "IMPORTING", fromID)
	from.CLI("CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
	for {
		keys := strings.Fields(from.CLI("CLUSTER", "GETKEYSINSLOT", slot, "100"))
		if len(keys) == 0 {
			break
		}
		from.CLI(append([]string{"MIGRATE", "127.0.0.1", to.Port, "", "0", "5000", "KEYS"}, keys...)...)
	}
	for _, s := range append([]*Server{to}, c.Nodes...) {
		s.CLI("CLUSTER", "SETSLOT", slot, "NODE", toID)
	}
	return to
}

// masterAfter is the next node that is a master.
func (c *Cluster) masterAfter(s *Server) *Server {
	for i := slices.Index(c.Nodes, s) + 1; ; i++ {
		node := c.Nodes[i%len(c.Nodes)]
		if role, err := node.cli("ROLE"); err == nil && strings.HasPrefix(role, "master") {
			return node
		}
	}
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
	return startSentinels(t, "", nil)
}

// StartSentinelsWithPassword starts Sentinels that require the password, also from each other. The master has
// none. If user is empty, the password is the default user's.
func StartSentinelsWithPassword(t testing.TB, user, password string) *Sentinels {
	t.Helper()
	lines := fmt.Sprintf("requirepass %[1]s\nsentinel sentinel-pass %[1]s\n", password)
	auth := []string{"--no-auth-warning", "-a", password}
	if user != "" {
		lines = fmt.Sprintf("user default off\nuser %[1]s on >%[2]s ~* &* +@all\nsentinel sentinel-user %[1]s\nsentinel sentinel-pass %[2]s\n", user, password)
		auth = append(auth, "--user", user)
	}
	return startSentinels(t, lines, auth)
}

func startSentinels(t testing.TB, lines string, auth []string) *Sentinels {
	t.Helper()
	s := &Sentinels{Name: "chat", Master: Start(t, "--repl-diskless-sync-delay", "0")}
	s.Replica = Start(t, "--replicaof", "127.0.0.1 "+s.Master.Port, "--repl-diskless-sync-delay", "0")
	lines += fmt.Sprintf("sentinel monitor %[1]s 127.0.0.1 %[2]s 2\nsentinel down-after-milliseconds %[1]s 1000\n"+
		"sentinel failover-timeout %[1]s 3000\n", s.Name, s.Master.Port)
	for range 3 {
		w := newServer(t)
		w.auth = auth
		w.conf = filepath.Join(w.Dir, "sentinel.conf")
		if err := os.WriteFile(w.conf, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		w.args = []string{"--port", w.Port}
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

// Addrs are the addresses of the three Sentinels, each as host:port.
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
