package redis

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
)

// loneClient is a client with one address: a server or, as with managed services, the entry to a Cluster. With its first
// command it asks which. Once it knows of a Cluster, a client of the Cluster does all the work: that one knows the nodes
// and follows the slots as they move. A redirection (MOVED, ASK) also reveals a Cluster, at any time: the user may lack the
// right to ask, and a server may become a Cluster.
type loneClient struct {
	*redis.Client
	options *redis.UniversalOptions
	observe latency

	mu      sync.Mutex
	asked   bool                 // guarded by mu; the server has answered whether it is a Cluster
	cluster *redis.ClusterClient // guarded by mu; nil while there is none
	closed  bool                 // guarded by mu
}

var (
	_ redis.UniversalClient = (*loneClient)(nil)
	_ redis.Hook            = (*loneClient)(nil)
)

func newLoneClient(u *redis.UniversalOptions, observe latency) *loneClient {
	c := &loneClient{Client: redis.NewClient(u.Simple()), options: u, observe: observe}
	c.AddHook(c)
	observe.watch(c.Client) // what the Cluster does is measured there
	return c
}

// DialHook changes nothing.
func (c *loneClient) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook sends a command to the client that is responsible for it.
func (c *loneClient) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if ofConnection(cmd) {
			return next(ctx, cmd)
		}
		if cluster := c.ask(ctx); cluster != nil {
			return cluster.Process(ctx, cmd)
		}
		err := next(ctx, cmd)
		if cluster := c.redirected(err); cluster != nil {
			return cluster.Process(ctx, cmd)
		}
		return err
	}
}

// ProcessPipelineHook sends the commands of a pipeline to the client that is responsible for them. After a redirection it
// sends all of them again: Redis runs some of them twice, as always when the answer to a pipeline is lost.
func (c *loneClient) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if slices.ContainsFunc(cmds, ofConnection) {
			return next(ctx, cmds)
		}
		if cluster := c.ask(ctx); cluster != nil {
			return pipeline(ctx, cluster, cmds)
		}
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			if cluster := c.redirected(cmd.Err()); cluster != nil {
				return pipeline(ctx, cluster, cmds)
			}
		}
		return err
	}
}

// pipeline runs commands that were made for another client.
func pipeline(ctx context.Context, cluster *redis.ClusterClient, cmds []redis.Cmder) error {
	pipe := cluster.Pipeline()
	for _, cmd := range cmds {
		cmd.SetErr(nil)
		_ = pipe.Process(ctx, cmd) // queues it
	}
	_, err := pipe.Exec(ctx)
	return err
}

// ofConnection reports whether a command concerns one connection: the client sends it when it connects, or [ask] does.
func ofConnection(cmd redis.Cmder) bool {
	switch cmd.Name() {
	case "hello", "auth", "select", "client", "readonly", "cluster":
		return true
	}
	return false
}

// ask returns the client of the Cluster, or nil if no Cluster is known. It first asks the server, until that has answered
// once.
func (c *loneClient) ask(ctx context.Context) *redis.ClusterClient {
	c.mu.Lock()
	asked, cluster := c.asked, c.cluster
	c.mu.Unlock()
	if asked || cluster != nil {
		return cluster
	}
	err := c.ClusterInfo(ctx).Err()
	if err == nil {
		return c.enter("it says that it is one")
	}
	var refusal redis.Error
	if errors.As(err, &refusal) && !redis.HasErrorPrefix(err, "LOADING") {
		c.mu.Lock()
		c.asked = true
		c.mu.Unlock()
	}
	return nil
}

// redirected returns the client of the Cluster if err is a redirection.
func (c *loneClient) redirected(err error) *redis.ClusterClient {
	_, moved := redis.IsMovedError(err)
	_, ask := redis.IsAskError(err)
	if moved || ask {
		return c.enter("it sends elsewhere")
	}
	return nil
}

// enter returns the client of the Cluster and makes it on the first call.
func (c *loneClient) enter(why string) *redis.ClusterClient {
	cluster, entered := c.open()
	if entered {
		slog.Info("redis is a Cluster, its nodes are used", "why", why)
	}
	return cluster
}

// open returns the client of the Cluster, and whether this call made it. It is nil once the client is closed.
func (c *loneClient) open() (cluster *redis.ClusterClient, entered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cluster == nil && !c.closed {
		c.cluster, entered = newClusterClient(c.options, c.observe), true
	}
	return c.cluster, entered
}

func (c *loneClient) inside() *redis.ClusterClient {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cluster
}

// Subscribe subscribes at any node of the Cluster, if there is one: every node gets all messages.
func (c *loneClient) Subscribe(ctx context.Context, channels ...string) *redis.PubSub {
	if cluster := c.inside(); cluster != nil {
		return cluster.Subscribe(ctx, channels...)
	}
	return c.Client.Subscribe(ctx, channels...)
}

// MasterForKey returns the one server, or the master of the Cluster that owns the key.
func (c *loneClient) MasterForKey(ctx context.Context, key string) (*redis.Client, error) {
	if cluster := c.ask(ctx); cluster != nil {
		return cluster.MasterForKey(ctx, key)
	}
	return c.Client, nil
}

// ForEachMaster calls fn with the one server, or concurrently with all masters of the Cluster.
func (c *loneClient) ForEachMaster(ctx context.Context, fn func(context.Context, *redis.Client) error) error {
	if cluster := c.ask(ctx); cluster != nil {
		return cluster.ForEachMaster(ctx, fn)
	}
	return fn(ctx, c.Client)
}

// ReloadState has the client of the Cluster, if there is one, ask which node has what. It does not wait for the answer.
func (c *loneClient) ReloadState(ctx context.Context) {
	if cluster := c.inside(); cluster != nil {
		cluster.ReloadState(ctx)
	}
}

// Close closes both clients.
func (c *loneClient) Close() error {
	c.mu.Lock()
	c.closed = true
	cluster := c.cluster
	c.mu.Unlock()
	err := c.Client.Close()
	if cluster != nil {
		err = errors.Join(err, cluster.Close())
	}
	return err
}
