package cluster

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/pace"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/redisx"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/background"
	"scalable-chat/server/internal/test/journal"
	"scalable-chat/server/internal/test/redistest"
)

const (
	testInterval = 30 * time.Millisecond
	testTTL      = 200 * time.Millisecond
)

type testNode struct {
	*Registry
	client redis.UniversalClient
	count  atomic.Int64
	stop   func()
}

// join starts a node of the cluster "chat" and waits until it is registered.
func join(t *testing.T, r *redistest.Server, connections int, change ...func(*RegistryConfig)) *testNode {
	t.Helper()
	return joinAt(t, redistest.NewClient(t, r.Addr), connections, change...)
}

func joinAt(t *testing.T, client redis.UniversalClient, connections int, change ...func(*RegistryConfig)) *testNode {
	t.Helper()
	n := &testNode{client: client}
	n.count.Store(int64(connections))
	id := nodeid.New()
	cfg := RegistryConfig{
		Client: n.client, Key: "chat", ID: id, Address: id + ".internal:8000", Log: journal.Quiet,
		Local: func() int { return int(n.count.Load()) }, Interval: testInterval, TTL: testTTL,
	}
	for _, c := range change {
		c(&cfg)
	}
	n.Registry = NewRegistry(cfg)
	n.stop = background.Run(t, n.Run)
	<-n.Joined()
	return n
}

func runBus(t *testing.T, client redis.UniversalClient, id string) *bus.Redis {
	b := bus.New(bus.Config{Client: client, Key: "chat", ID: id, Log: journal.Quiet})
	background.Run(t, b.Run)
	return b
}

func (n *testNode) waitOnline(t *testing.T, want int) {
	t.Helper()
	assert.Eventually(t, "online count", func() bool { return n.Online() == want })
}

func TestRegistryCountsTheWholeCluster(t *testing.T) {
	r := redistest.Start(t)
	a, b, c := join(t, r, 1), join(t, r, 20), join(t, r, 300)
	for _, n := range []*testNode{a, b, c} {
		n.waitOnline(t, 321)
		assert.Equal(t, "nodes", n.Nodes(), 3)
		for id, lives := range map[string]bool{a.cfg.ID: true, b.cfg.ID: true, c.cfg.ID: true, nodeid.New(): false} {
			assert.Equal(t, "alive", n.Alive(id), lives)
		}
	}
	b.count.Store(25)
	a.waitOnline(t, 326)
	keys, err := a.client.Keys(t.Context(), "*").Result()
	slices.Sort(keys)
	if err != nil || !slices.Equal(keys, []string{"{chat}:nodes", "{chat}:token"}) {
		t.Fatalf("keys %v, %v", keys, err)
	}
}

func TestRegistryWatchReportsWhatOthersHold(t *testing.T) {
	r := redistest.Start(t)
	a, b := join(t, r, 1), join(t, r, 0)
	seen := make(chan int, 10)
	defer a.Watch(func(n int) { seen <- n })()
	b.count.Store(41)
	assert.Equal(t, "presence", <-seen, 42)
}

func TestRegistryForgetsAKilledNodeAfterTheTTL(t *testing.T) {
	r := redistest.Start(t)
	a, b := join(t, r, 1), join(t, r, 2)
	a.waitOnline(t, 3)
	// As after kill -9: no more heartbeats, no farewell.
	b.client.Close()
	began := time.Now()
	a.waitOnline(t, 1)
	if after := time.Since(began); after < testTTL/2 {
		t.Fatalf("gone after %v, before the TTL of %v", after, testTTL)
	}
	_, ok := a.Route(t.Context(), b.cfg.ID)
	assert.Equal(t, "route to the dead", ok, false)
	assert.Eventually(t, "entry removed", func() bool {
		return a.client.HLen(t.Context(), "{chat}:nodes").Val() == 1
	})
}

func TestRegistryOrderlyStopIsSeenAtOnce(t *testing.T) {
	r := redistest.Start(t)
	slow := func(cfg *RegistryConfig) { cfg.TTL = time.Hour }
	a, b := join(t, r, 1, slow), join(t, r, 2, slow)
	a.waitOnline(t, 3)
	b.stop()
	a.waitOnline(t, 1)
}

func TestP5_RegistryKeepsItsPictureWhileRedisIsAway(t *testing.T) {
	for name, outage := range map[string]struct{ begin, end func(*redistest.Server) }{
		"killed and empty": {(*redistest.Server).Kill, (*redistest.Server).Restart},
		"frozen":           {(*redistest.Server).Stop, (*redistest.Server).Cont},
	} {
		t.Run(name, func(t *testing.T) {
			r := redistest.Start(t)
			a, b := join(t, r, 1), join(t, r, 2)
			a.waitOnline(t, 3)
			b.waitOnline(t, 3)
			outage.begin(r)
			assert.Eventually(t, "outage noticed", func() bool { return a.Err() != nil && b.Err() != nil })
			var wrong atomic.Int64
			watch := background.Run(t, func(ctx context.Context) {
				for ctx.Err() == nil {
					if _, ok := a.Route(ctx, b.cfg.ID); !ok || a.Online() != 3 {
						wrong.Add(1)
					}
					_ = pace.Sleep(ctx, time.Millisecond)
				}
			})
			background.Outlast(t, 2*testTTL)
			outage.end(r)
			assert.Eventually(t, "both are back", func() bool { return a.Err() == nil && b.Err() == nil })
			background.Outlast(t, 2*testTTL)
			watch()
			assert.Equal(t, "moments at which the other was lost", wrong.Load(), 0)
			route, ok := a.Route(t.Context(), b.cfg.ID)
			assert.Equal(t, "route", ok && b.Admits(route.Ticket), true)
		})
	}
}

// TestP5_RegistryReadsWhatItCannotWrite: while Redis is full, or refuses writes for another reason, a node neither loses
// the others nor fails to start.
func TestP5_RegistryReadsWhatItCannotWrite(t *testing.T) {
	for name, refusal := range map[string]struct{ set, unset []string }{
		"OOM":        {[]string{"maxmemory", "1"}, []string{"maxmemory", "0"}},
		"NOREPLICAS": {[]string{"min-replicas-to-write", "1"}, []string{"min-replicas-to-write", "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := redistest.Start(t)
			a, b := join(t, r, 1), join(t, r, 2)
			a.waitOnline(t, 3)
			b.waitOnline(t, 3)
			r.CLI(append([]string{"CONFIG", "SET"}, refusal.set...)...)
			assert.Eventually(t, "the refusal is reported", func() bool { return strings.Contains(a.Degraded(), name) && b.Err() != nil })
			c := join(t, r, 0)
			c.waitOnline(t, 3)
			route, ok := c.Route(t.Context(), a.cfg.ID)
			assert.Equal(t, "the new node is admitted", ok && a.Admits(route.Ticket), true)
			background.Outlast(t, 3*testTTL)
			for _, n := range []*testNode{a, b, c} {
				assert.Equal(t, "online", n.Online(), 3)
			}
			r.CLI(append([]string{"CONFIG", "SET"}, refusal.unset...)...)
			assert.Eventually(t, "nothing is degraded", func() bool { return a.Degraded()+b.Degraded()+c.Degraded() == "" })
			_, ok = a.Route(t.Context(), c.cfg.ID)
			assert.Equal(t, "the new node is known", ok, true)
			background.Outlast(t, testTTL/2)
			assert.Equal(t, "nodes", a.Nodes(), 3)
		})
	}
}

// TestRegistryAndBusNoticeAWrongPassword: a pipeline that is never sent is not a success.
func TestRegistryAndBusNoticeAWrongPassword(t *testing.T) {
	r := redistest.Start(t, "--requirepass", "password")
	client := redis.NewClient(&redis.Options{Addr: r.Addr, Username: "default", Password: "wrong", MaxRetries: -1, Protocol: 2})
	t.Cleanup(func() { _ = client.Close() })
	n := NewRegistry(RegistryConfig{
		Client: client, Key: "chat", ID: nodeA, Local: func() int { return 0 }, Interval: testInterval, Log: journal.Quiet,
	})
	background.Run(t, n.Run)
	assert.Eventually(t, "the refusal is reported", func() bool { return n.Degraded() == "the other nodes cannot be seen: Redis refuses (WRONGPASS)" })
	select {
	case <-n.Joined():
		t.Fatal("joined what cannot be read")
	default:
	}
	b := runBus(t, client, nodeA)
	assert.Equal(t, "publish", b.Publish("topic", nil), nil)
	assert.Eventually(t, "the loss is counted", func() bool { return b.Stats().Unsent == 1 && b.Stats().Sent == 0 })
	assert.Eventually(t, "the bus is degraded", func() bool { return strings.HasSuffix(b.Degraded(), "Redis refuses (WRONGPASS)") })
}

func TestRegistryTokenIsSharedAndSurvivesAFlush(t *testing.T) {
	r := redistest.Start(t)
	a, b := join(t, r, 1), join(t, r, 1)
	admitted := func(from, to *testNode) bool {
		route, ok := from.Route(t.Context(), to.cfg.ID)
		return ok && to.Admits(route.Ticket) && !from.Admits(route.Ticket)
	}
	assert.Equal(t, "a to b", admitted(a, b), true)
	before := a.token.get()
	if err := a.client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	c := join(t, r, 1)
	for _, pair := range [][2]*testNode{{a, b}, {b, a}, {a, c}, {c, b}} {
		assert.Eventually(t, "admitted", func() bool { return admitted(pair[0], pair[1]) })
	}
	if len(before) < 32 {
		t.Fatalf("secret of %d characters", len(before))
	}
}

func TestRegistryConfiguredSecretStaysOutOfRedis(t *testing.T) {
	r := redistest.Start(t)
	secret := func(s string) func(*RegistryConfig) { return func(cfg *RegistryConfig) { cfg.Secret = s } }
	a, b, odd := join(t, r, 1, secret("s")), join(t, r, 1, secret("s")), join(t, r, 1, secret("other"))
	route, _ := a.Route(t.Context(), b.cfg.ID)
	assert.Equal(t, "same secret", b.Admits(route.Ticket), true)
	route, _ = odd.Route(t.Context(), b.cfg.ID)
	assert.Equal(t, "other secret", b.Admits(route.Ticket), false)
	assert.Equal(t, "token in Redis", a.client.Exists(t.Context(), "{chat}:token").Val(), 0)
}

func TestRegistryFindsANodeNewerThanItsPicture(t *testing.T) {
	r := redistest.Start(t)
	lazy := func(cfg *RegistryConfig) { cfg.Interval, cfg.TTL = time.Hour, 3*time.Hour }
	a, b := join(t, r, 1, lazy), join(t, r, 1, lazy)
	var lookups sync.WaitGroup
	for range 500 {
		lookups.Go(func() {
			if _, ok := a.Route(t.Context(), b.cfg.ID); !ok {
				t.Error("the new node is not found")
			}
			if _, ok := a.Route(t.Context(), nodeid.New()); ok {
				t.Error("an invented node is found")
			}
		})
	}
	lookups.Wait()
	if a.beat > 6 {
		t.Fatalf("1000 lookups read the registry %d times", a.beat)
	}
}

func TestRouteEndsWithItsContextAndWithTheRegistry(t *testing.T) {
	r := redistest.Start(t)
	a := join(t, r, 1)
	r.Stop()
	defer r.Cont()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok := a.Route(ctx, nodeB)
	assert.Equal(t, "found", ok, false)
	r.Cont()
	a.stop()
	_, ok = a.Route(t.Context(), nodeB)
	assert.Equal(t, "found", ok, false)
}

func TestRegistryAndBusOnARedisCluster(t *testing.T) {
	c := redistest.StartCluster(t)
	var addrs []string
	for _, server := range c.Nodes {
		addrs = append(addrs, server.Addr)
	}
	slowly := func(cfg *RegistryConfig) { cfg.TTL = 5 * time.Second }
	a := joinAt(t, redistest.NewClient(t, addrs...), 1, slowly)
	b := joinAt(t, redistest.NewClient(t, addrs...), 2, slowly)
	a.waitOnline(t, 3)
	route, ok := a.Route(t.Context(), b.cfg.ID)
	assert.Equal(t, "admitted", ok && b.Admits(route.Ticket), true)

	idB := nodeid.New()
	busA, busB := runBus(t, a.client, nodeid.New()), runBus(t, b.client, idB)
	var heard atomic.Int64
	busB.Subscribe("n", func(string, []byte) { heard.Add(1) })
	assert.Eventually(t, "the other is reached", func() bool {
		return busA.Send(idB, "n", nil) == nil && busA.Publish("n", nil) == nil && heard.Load() > 2
	})

	c.MasterOf(t, redisx.Key("chat", "nodes")).Kill()
	assert.Eventually(t, "outage noticed", func() bool { return a.Err() != nil })
	assert.Eventually(t, "failed over", func() bool { return a.Err() == nil && b.Err() == nil })
	assert.Equal(t, "online", a.Online(), 3)
	before := heard.Load()
	assert.Eventually(t, "the other is reached again", func() bool { return busA.Publish("n", nil) == nil && heard.Load() > before })
}
