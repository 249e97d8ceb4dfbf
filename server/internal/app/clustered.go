package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/cluster"
	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/forward"
	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/stream/redis"
	"scalable-chat/server/internal/stream/redis/shard"
)

// clustered is the topology of a node that shares the room with others through Redis.
type clustered struct {
	id        string
	log       *slog.Logger
	client    redis.Client
	record    *redis.Stream
	rooms     *shard.Rooms // nil with ROOMS=off
	registry  *cluster.Registry
	bus       *bus.Redis
	forwarder *forward.Forwarder
	reach     *forward.Reach
	rights    *rights
}

var _ topology = (*clustered)(nil)

func newClustered(ctx context.Context, h host) (*clustered, error) {
	cfg := h.cfg
	address, err := ownAddress(ctx, h)
	if err != nil {
		return nil, err
	}
	client, err := redis.NewClient(clientOptions(cfg.Redis, h.metrics))
	if err != nil {
		return nil, err
	}
	record, err := redis.New(redis.Options{
		Client: client, Key: cfg.StreamKey, MaxLen: int64(cfg.HistoryWindow),
		DedupeTTL: cfg.DedupeTTL, DedupeMax: int64(cfg.DedupeMax), AppendTimeout: cfg.AppendTimeout, Logger: h.log,
	})
	if err != nil {
		_ = client.Close()
		return nil, err
	}
	c := &clustered{id: h.id, log: h.log, client: client, record: record}
	c.registry = cluster.NewRegistry(cluster.RegistryConfig{
		Client: client, Key: cfg.StreamKey, ID: c.id, Address: address,
		Local: h.members, Secret: cfg.ClusterSecret, Guests: h.shareGuests(), Settings: sharedSettings(cfg, record), Log: h.log,
	})
	c.bus = bus.New(bus.Config{Client: client, Key: cfg.StreamKey, DB: cfg.Redis.DB, ID: c.id, Log: h.log})
	c.forwarder = forward.New(forward.Config{
		Self: c.id, Nodes: c.registry, Path: Path, MaxBody: 2 * int64(cfg.MaxBodyBytes), Log: h.log,
		Limit: 2 * cfg.MaxConnections, // a client that polls has a GET and a POST
	})
	c.reach = forward.NewReach(c.forwarder, c.registry.Self)
	if c.rooms, err = c.newRooms(cfg); err != nil {
		c.close()
		return nil, err
	}
	user := cmp.Or(cfg.Redis.Username, "default")
	c.rights = &rights{record: record, bus: c.bus, rooms: c.rooms, log: h.log.With("user", user)}
	return c, nil
}

// The settings of rooms that all nodes share, by their names in Redis.
const (
	roomWindow = "room_window"
	roomTTL    = "room_ttl_ms"
)

func sharedSettings(cfg config.Config, record *redis.Stream) cluster.Settings {
	all := cluster.Settings(record.Settings())
	all[roomWindow], all[roomTTL] = int64(cfg.Rooms.Window), cfg.Rooms.TTL.Milliseconds()
	return all
}

// newRooms makes the records of the rooms, nil if there are none.
func (c *clustered) newRooms(cfg config.Config) (*shard.Rooms, error) {
	if !cfg.Rooms.Enabled() {
		return nil, nil
	}
	return shard.New(shard.Options{
		Client: c.client, Key: cfg.StreamKey, DB: cfg.Redis.DB, Node: c.id, Alive: c.registry.Alive,
		Window:    c.inForce(roomWindow),
		TTL:       func() time.Duration { return time.Duration(c.inForce(roomTTL)()) * time.Millisecond },
		DedupeTTL: cfg.DedupeTTL, DedupeMax: int64(cfg.DedupeMax), AppendTimeout: cfg.AppendTimeout, Logger: c.log,
	})
}

// inForce reads a setting that all nodes share.
func (c *clustered) inForce(name string) func() int {
	return func() int { return int(c.registry.Settings()[name]) }
}

func (c *clustered) parts() parts {
	p := parts{
		id: c.id, global: fromStream(c.record), members: c.registry, bus: c.bus,
		list: c.registry.List, nodes: c.registry.Nodes,
		retained: c.inForce(redis.HistoryWindow), window: c.inForce(roomWindow),
	}
	if c.rooms != nil {
		p.rooms = c.rooms // not a nil of another type
	}
	return p
}

func (c *clustered) run(ctx context.Context) {
	var running sync.WaitGroup
	for _, run := range []func(context.Context){
		c.registry.Run, c.bus.Run, c.reach.Run, c.rights.run, c.warnOfEviction,
	} {
		running.Go(func() { run(ctx) })
	}
	running.Wait()
}

func (c *clustered) join(ctx context.Context) error {
	select {
	case <-c.registry.Joined():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *clustered) route(edge *engineio.Server) http.Handler {
	return c.forwarder.Handle(edge, http.HandlerFunc(edge.RefuseUnknownSession), http.HandlerFunc(edge.RefuseBusy))
}

// deliver waits for nothing: clients get the rest from the node that they reconnect to.
func (c *clustered) deliver(context.Context, ...drainer) error { return nil }

func (c *clustered) drain(ctx context.Context, spread time.Duration) {
	c.forwarder.Shutdown(ctx, spread)
}

func (c *clustered) finish(ctx context.Context) error {
	err := c.record.Close(ctx)
	if c.rooms != nil {
		err = errors.Join(err, c.rooms.Close(ctx))
	}
	return err
}

func (c *clustered) degraded() map[string]func() string {
	all := map[string]func() string{
		"stream": c.record.Degraded, "rights": c.rights.degraded,
		"cluster": c.registry.Degraded, "bus": c.bus.Degraded, "address": c.reach.Degraded,
	}
	if c.rooms != nil {
		all["rooms"] = c.rooms.Degraded
	}
	return all
}

func (c *clustered) close() {
	_ = c.finish(atOnce()) // done in order before, unless the node never started
	c.forwarder.Shutdown(atOnce(), 0)
	_ = c.client.Close()
}

// warnOfEviction warns if Redis may forget what it was given when it is full.
func (c *clustered) warnOfEviction(ctx context.Context) {
	if c.join(ctx) != nil {
		return
	}
	policy, err := c.record.EvictionPolicy(ctx)
	switch {
	case err != nil:
		c.log.Debug("the maxmemory-policy of Redis is not known", "error", err)
	case policy != "" && policy != "noeviction":
		c.log.Warn("Redis may evict messages and ids when it is full, which ends sessions and stores messages twice",
			"maxmemory-policy", policy, "needed", "noeviction")
	}
}

func clientOptions(r config.Redis, m *ops.Metrics) redis.ClientOptions {
	return redis.ClientOptions{
		Observe: m.Durations("redis_seconds", "Time that a command or pipeline took on Redis, as this node sees it; reads that wait for messages do not count."),
		Addrs:   r.Addrs, DB: r.DB, Username: r.Username, Password: r.Password, TLSConfig: r.TLSConfig(),
		Cluster: r.Cluster == config.ClusterYes, Single: r.Cluster == config.ClusterNo,
		SentinelMaster: r.SentinelMaster, SentinelUsername: r.SentinelUsername, SentinelPassword: r.SentinelPassword,
	}
}
