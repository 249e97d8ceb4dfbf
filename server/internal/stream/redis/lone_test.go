package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"slices"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// stranger is a node of the Cluster that does not own the key.
func stranger(t *testing.T, c *redistest.Cluster, key string) *redistest.Server {
	t.Helper()
	owner := c.MasterOf(t, key)
	return c.Nodes[slices.IndexFunc(c.Nodes, func(s *redistest.Server) bool { return s != owner })]
}

// TestP1_ClusterByOneAddress: managed services give one address of a Cluster. Nothing is lost, doubled or reordered while
// the slot of the room moves, whichever node the address belongs to.
func TestP1_ClusterByOneAddress(t *testing.T) {
	for name, c := range map[string]struct {
		options   ClientOptions
		forbidden string // what the user may not do
		owner     bool   // the address is that of the owner, which must first be recognised as part of a Cluster
	}{
		"asked":                {},
		"asked, at the owner":  {owner: true},
		"told":                 {options: ClientOptions{Cluster: true}},
		"redirected":           {forbidden: "-cluster|info"},
		"redirected, by owner": {forbidden: "-cluster|info", owner: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := redistest.StartMasters(t)
			entry := stranger(t, cluster, "room")
			if c.owner {
				entry = cluster.MasterOf(t, "room")
			}
			if c.forbidden != "" {
				entry.CLI("ACL", "SETUSER", "default", c.forbidden)
			}
			options := c.options
			options.Addrs = []string{entry.Addr}
			s := openAt(t, options, Options{MaxLen: lots})
			w := watch(t, s)
			l := startLoad(t, s)
			l.flows(200)
			for range 3 { // there and on, to nodes that do not own our keys yet
				cluster.MoveSlot(t, "room")
				l.flows(200)
			}
			l.end()
			entries := everything(t, s)
			if missing := l.check(entries); missing > 0 {
				t.Errorf("%d entries are missing", missing)
			}
			w.sees(entries)
		})
	}
}

// TestP5_TheAddressOfAClusterDies: once the Cluster is known, the configured node is as good as any other.
func TestP5_TheAddressOfAClusterDies(t *testing.T) {
	cluster := redistest.StartCluster(t)
	owner := cluster.MasterOf(t, "room")
	failover(t, ClientOptions{Addrs: []string{owner.Addr}}, owner.Kill)
}

// TestSubscriptionsMoveIntoTheCluster: a subscriber at one node receives what is published at another.
func TestSubscriptionsMoveIntoTheCluster(t *testing.T) {
	cluster := redistest.StartMasters(t)
	client, err := NewClient(ClientOptions{Addrs: []string{cluster.Nodes[0].Addr}})
	assert.NoError(t, err)
	defer client.Close()
	assert.NoError(t, client.Ping(t.Context()).Err())
	sub := client.Subscribe(t.Context(), "news")
	defer sub.Close()
	_, err = sub.Receive(t.Context())
	assert.NoError(t, err)
	for _, s := range cluster.Nodes {
		s.CLI("PUBLISH", "news", s.Addr)
		message, err := sub.ReceiveMessage(t.Context())
		assert.NoError(t, err)
		if message.Payload != s.Addr {
			t.Errorf("heard %q instead of %q", message.Payload, s.Addr)
		}
	}
	pipe := client.Pipeline()
	pipe.HSet(t.Context(), "{room}:nodes", "a", "1")
	all := pipe.HGetAll(t.Context(), "{room}:nodes")
	_, err = pipe.Exec(t.Context())
	assert.NoError(t, err)
	if all.Val()["a"] != "1" {
		t.Errorf("the pipeline answered %v", all.Val())
	}
}

// TestSentinelsWithAPassword: Sentinels have their own users, not the master's.
func TestSentinelsWithAPassword(t *testing.T) {
	for _, user := range []string{"", "watcher"} {
		t.Run("user "+user, func(t *testing.T) {
			sentinels := redistest.StartSentinelsWithPassword(t, user, "gehe1m")
			where := ClientOptions{
				Addrs: sentinels.Addrs(), SentinelMaster: sentinels.Name,
				SentinelUsername: user, SentinelPassword: "gehe1m",
			}
			failover(t, where, sentinels.Master.Kill)

			where.SentinelPassword = "wrong"
			client, err := NewClient(where)
			assert.NoError(t, err)
			defer client.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if client.Ping(ctx).Err() == nil {
				t.Error("connected with a wrong password")
			}
		})
	}
}

// TestMutualTLS: a Redis that asks for certificates admits clients that present one, and nobody else.
func TestMutualTLS(t *testing.T) {
	server, caFile, certFile, keyFile := redistest.StartMutualTLS(t)
	pem, err := os.ReadFile(caFile)
	assert.NoError(t, err)
	conf := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	conf.RootCAs.AppendCertsFromPEM(pem)
	options := ClientOptions{Addrs: []string{server.Addr}, TLSConfig: conf}

	client, err := NewClient(options)
	assert.NoError(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if client.Ping(ctx).Err() == nil {
		t.Error("connected without a certificate")
	}

	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	assert.NoError(t, err)
	options.TLSConfig = conf.Clone()
	options.TLSConfig.Certificates = []tls.Certificate{pair}
	s := openAt(t, options, Options{})
	put(t, s, "key", "over mutual TLS")
	if entries := everything(t, s); len(entries) != 2 {
		t.Errorf("entries %v", entries)
	}
}
