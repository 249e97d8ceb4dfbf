package cluster

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"scalable-chat/server/internal/test/assert"
)

func TestMain(m *testing.M) {
	redis.SetLogger(silence{}) // the tests take Redis away on purpose
	goleak.VerifyTestMain(m)
}

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

var quietLog = slog.New(slog.DiscardHandler)

// outlast waits for a time during which something must not happen.
func outlast(t *testing.T, d time.Duration) {
	began := time.Now()
	assert.Eventually(t, "time passes", func() bool { return time.Since(began) > d })
}

// newClient is a client as the server configures it; it is closed after everything that the test started later.
func newClient(t *testing.T, addrs ...string) redis.UniversalClient {
	options := &redis.UniversalOptions{
		Addrs: addrs, ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
		DialTimeout: time.Second, ReadTimeout: time.Second, Protocol: 2, DisableIdentity: true,
	}
	var client redis.UniversalClient = redis.NewClient(options.Simple())
	if len(addrs) > 1 {
		cluster := options.Cluster()
		cluster.ClusterStateReloadInterval = time.Second // or a failover is never noticed
		client = redis.NewClusterClient(cluster)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// background runs fn until the test ends or stop is called, and waits for it.
func background(t *testing.T, fn func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}
