package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Client is what [NewClient] returns. All users of Redis share it.
type Client = redis.UniversalClient

// ClientOptions say where Redis is.
type ClientOptions struct {
	// Addrs have the form host:port. A single one is a server or any node of a Cluster; several are nodes of a Cluster.
	// With SentinelMaster they are the Sentinels that watch the master of that name.
	Addrs []string
	// Cluster says that a single address is a node of a Cluster, Single that it is not. Without either the client asks
	// Redis.
	Cluster, Single bool
	// SentinelMaster is the name of a master. SentinelUsername and SentinelPassword are for the Sentinels themselves.
	SentinelMaster, SentinelUsername, SentinelPassword string
	// DB is the number of the database; a Cluster has only 0.
	DB                 int
	Username, Password string
	// TLSConfig sets how connections are encrypted; nil means no encryption.
	TLSConfig *tls.Config
	// Observe is told how long each command or pipeline took, from any goroutine; reads that wait for a message do not count. It
	// must be quick; nil: nobody is told.
	Observe func(time.Duration)
}

// NewClient makes a client of a master. It does not connect yet. Every command fails within seconds when Redis hangs. The
// client does not retry it, except in a Cluster when the command went to the wrong node or the connection failed. The
// caller closes the client.
func NewClient(o ClientOptions) (Client, error) {
	cluster := o.SentinelMaster == "" && (len(o.Addrs) > 1 || o.Cluster)
	switch {
	case len(o.Addrs) == 0:
		return nil, errors.New("redis: no address")
	case cluster && o.DB != 0:
		return nil, errors.New("redis: a Cluster has only database 0")
	}
	u := universal(o)
	switch {
	case cluster:
		return newClusterClient(u, o.Observe), nil
	case o.SentinelMaster != "":
		return latency(o.Observe).watch(redis.NewFailoverClient(u.Failover())), nil
	case o.Single:
		return latency(o.Observe).watch(redis.NewClient(u.Simple())), nil
	}
	return newLoneClient(u, o.Observe), nil
}

func universal(o ClientOptions) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs: slices.Clone(o.Addrs), DB: o.DB, // the client of a Cluster appends to it
		Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
		MasterName: o.SentinelMaster, SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword,

		DialTimeout: 2 * time.Second, DialerRetries: 1,
		ReadTimeout: 3 * time.Second, WriteTimeout: 3 * time.Second, ContextTimeoutEnabled: true,
		MaxRetries: -1,
		// A middlebox between us and Redis may silently drop a connection that was idle for long: the next command would
		// hang.
		ConnMaxIdleTime: time.Minute,

		Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

func newClusterClient(u *redis.UniversalOptions, observe latency) *redis.ClusterClient {
	c := u.Cluster()
	c.NewClient = func(o *redis.Options) *redis.Client { return observe.watch(redis.NewClient(o)) }
	// A dead master does not name its successor and the client does not ask, so it reloads the state often.
	c.ClusterStateReloadInterval = 2 * time.Second
	return redis.NewClusterClient(c)
}

// The client library logs every failed dial in its own format. [redisx.Trouble] reports what matters; the rest goes to the debug
// log.
func init() { redis.SetLogger(debugLog{}) }

type debugLog struct{}

// Printf implements the logger of the client library.
func (debugLog) Printf(ctx context.Context, format string, v ...any) {
	if log := slog.Default(); log.Enabled(ctx, slog.LevelDebug) {
		log.DebugContext(ctx, fmt.Sprintf(format, v...))
	}
}
