package app

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"time"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/cluster"
	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/forward"
	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/stream/redis"
)

// addressTimeout bounds the search for this node's own address.
const addressTimeout = 10 * time.Second

// newRedisBackend is for a node that shares the room with others.
func newRedisBackend(a *App) (*backend, error) {
	cfg := a.cfg
	client, err := redis.NewClient(clientOptions(cfg.Redis))
	if err != nil {
		return nil, err
	}
	b := &backend{id: nodeid.New(), closing: []func() error{client.Close}}
	record, err := redis.New(redis.Options{
		Client: client, Key: cfg.StreamKey, MaxLen: int64(cfg.HistoryWindow),
		DedupeTTL: cfg.DedupeTTL, DedupeMax: int64(cfg.DedupeMax), AppendTimeout: cfg.AppendTimeout, Logger: a.log,
	})
	if err != nil {
		_ = client.Close()
		return nil, err
	}
	b.stream = record
	if err := b.addCluster(a, client, record); err != nil {
		b.close()
		return nil, err
	}
	b.runs = append(b.runs, func(ctx context.Context) {
		if b.join(ctx) == nil {
			warnOfEviction(ctx, record, a.log)
		}
	})
	rights := &rights{record: record, bus: b.redisBus, log: a.log.With("user", cmp.Or(cfg.Redis.Username, "default"))}
	b.runs = append(b.runs, rights.run)
	b.degraded["stream"], b.degraded["rights"] = record.Degraded, rights.degraded
	return b, nil
}

// addCluster makes the parts by which nodes know and reach each other.
func (b *backend) addCluster(a *App, client redis.Client, record *redis.Stream) error {
	cfg := a.cfg
	found, err := ownAddress(a)
	if err != nil {
		return err
	}
	b.registry = cluster.NewRegistry(cluster.RegistryConfig{
		Client: client, Key: cfg.StreamKey, ID: b.id, Address: found.Address,
		Local: func() int { return a.edge.Connections() }, Secret: cfg.ClusterSecret,
		Settings: record.Settings(), Log: a.log,
	})
	b.redisBus = bus.New(bus.Config{
		Client: client, Key: cfg.StreamKey, DB: cfg.Redis.DB, ID: b.id, Log: a.log,
	})
	b.forwarder = forward.New(forward.Config{
		Self: b.id, Nodes: b.registry, Path: Path, MaxBody: 2 * int64(cfg.MaxBodyBytes), Log: a.log,
		Limit: 2 * cfg.MaxConnections, // a client that polls has a GET and a POST
	})
	b.members, b.bus, b.nodes = b.registry, b.redisBus, b.registry.Nodes
	b.retained = func() int { return int(b.registry.Settings()[redis.HistoryWindow]) }
	reach := forward.NewReach(b.forwarder, b.registry.Self)
	b.runs = append(b.runs, b.registry.Run, b.redisBus.Run, reach.Run)
	b.degraded = map[string]func() string{
		"cluster": b.registry.Degraded, "bus": b.redisBus.Degraded, "address": reach.Degraded,
	}
	return nil
}

// warnOfEviction says what a Redis may do that forgets what it was given when it is full.
func warnOfEviction(ctx context.Context, record *redis.Stream, log *slog.Logger) {
	policy, err := record.EvictionPolicy(ctx)
	switch {
	case err != nil:
		log.Debug("the maxmemory-policy of Redis is not known", "error", err)
	case policy != "" && policy != "noeviction":
		log.Warn("Redis may evict messages and ids when it is full, which ends sessions and stores messages twice",
			"maxmemory-policy", policy, "needed", "noeviction")
	}
}

func clientOptions(r config.Redis) redis.ClientOptions {
	return redis.ClientOptions{
		Addrs: r.Addrs, DB: r.DB, Username: r.Username, Password: r.Password, TLSConfig: r.TLSConfig(),
		Cluster: r.Cluster == config.ClusterYes, Single: r.Cluster == config.ClusterNo,
		SentinelMaster: r.SentinelMaster, SentinelUsername: r.SentinelUsername, SentinelPassword: r.SentinelPassword,
	}
}

// ownAddress is where the other nodes reach this one. It is logged: a wrong one is seen by clients of other nodes only.
func ownAddress(a *App) (cluster.FoundAddress, error) {
	ctx, cancel := context.WithTimeout(a.life, addressTimeout)
	defer cancel()
	found, err := cluster.Address(ctx, cluster.AddressConfig{
		Configured: a.cfg.NodeAddress, Host: a.cfg.Host, Port: a.port(),
		Discovery: os.Getenv("RENDER_DISCOVERY_SERVICE"),
	})
	switch {
	case err != nil:
	case found.Doubt:
		a.log.Warn("other nodes are told an address that may not lead out of this host; set NODE_ADDRESS", "address", found.Address, "found", found.How)
	default:
		a.log.Info("other nodes reach this one here", "address", found.Address, "found", found.How)
	}
	return found, err
}
