package redistest

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// NewClient returns a client with the configuration of the server's own: no retries, deadlines honoured. Several addresses
// make it a client of a Redis Cluster. The end of the test closes it, after everything that the test started later.
func NewClient(t testing.TB, addrs ...string) redis.UniversalClient {
	t.Helper()
	options := &redis.UniversalOptions{
		Addrs: addrs, ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
		DialTimeout: time.Second, ReadTimeout: time.Second, Protocol: 2, DisableIdentity: true,
	}
	var client redis.UniversalClient = redis.NewClient(options.Simple())
	if len(addrs) > 1 {
		cluster := options.Cluster()
		cluster.ClusterStateReloadInterval = time.Second // without it a failover goes unnoticed
		client = redis.NewClusterClient(cluster)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Silence keeps the client library from logging outages that tests cause.
func Silence() { redis.SetLogger(silence{}) }

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}
