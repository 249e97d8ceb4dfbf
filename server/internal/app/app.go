// Package app builds the server out of its parts, starts them in order, and stops them in reverse.
//
// The graph, in the order of the path of a message:
//
//	http.Server ─▶ forward.Forwarder ─▶ engineio ─▶ Socket.IO library ─▶ adapter ─▶ room ─▶ chat ─▶ room ─▶ replica ─▶ stream
//	                                      ▲                                                                     │
//	                                      └─────────────────────────── fanout.Log ◀───────── replica ◀──────────┘
//
// It is the one place that knows both the settings and the packages that they concern. No traffic passes through it.
//
// It has many files because each part of a node that is built, measured or watched in its own way has one, and two of them
// differ by system.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/accept"
	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/admission"
	"scalable-chat/server/internal/api"
	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/room"
	"scalable-chat/server/internal/rooms"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/tlsport"
)

// eventBytes is the average size of an event, in bytes, above which a connection is slowed down: MAX_MESSAGE_CHARS of ASCII
// letters. Decoding larger events at the full rate would cost too much CPU time.
const eventBytes = 4 << 10

// spareNamespaces is how many namespaces a session may be in beside its rooms: the global room, and those that it has asked for
// and is refused.
const spareNamespaces = 14

// certificateInterval is how often the files of the certificate are looked at.
const certificateInterval = 5 * time.Second

// Path is where Engine.IO is served.
const Path = "/socket.io/"

// App is one node. It is started once and stopped once.
type App struct {
	cfg      config.Config
	log      *slog.Logger
	timeouts timeouts

	health    *ops.Health
	metrics   *ops.Metrics
	sweepers  *fanout.Sweepers
	replica   *replica.Replica
	topology  topology
	parts     parts      // of the topology
	room      *room.Room // the global one
	rooms     *rooms.Manager
	roomsLog  *slog.Logger // of all rooms' records
	policy    *auth.Policy
	welcome   *room.Welcome
	rates     *chat.Rates    // of the users in all rooms
	budget    *fanout.Budget // of their logs
	binding   sync.Map       // by namespace: what binds the room that is being opened
	hub       *adapter.Hub
	directory *room.Directory // who is in which room
	top       top             // which rooms are busy
	edge      *engineio.Server

	public      *listener
	nodes       *listener            // for the other nodes; nil if they use the public one
	private     *listener            // nil without OPS_ADDR
	certificate *tlsport.Certificate // nil without TLS

	life       context.Context // of everything in background
	end        context.CancelFunc
	background sync.WaitGroup
}

// New builds a node that listens but does not answer yet. The caller ends it with [App.Stop] unless New fails.
func New(cfg config.Config, logger *slog.Logger) (*App, error) {
	t := defaultTimeouts
	t.idle = cfg.KeepAlive
	return newApp(cfg, logger, t)
}

func newApp(cfg config.Config, logger *slog.Logger, t timeouts) (_ *App, err error) {
	id := nodeid.New()
	a := &App{cfg: cfg, log: logger.With("node", id), timeouts: t, health: &ops.Health{}}
	a.life, a.end = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			a.release()
		}
	}()
	if err = a.listenAll(); err != nil {
		return nil, err
	}
	a.metrics = ops.NewMetrics(ops.Catalogues{
		Events: chat.Events(), Outcomes: chat.Outcomes(),
		Closes: engineio.CloseReasons(), Refusals: slices.Concat(engineio.RefusalReasons(), accept.Reasons()),
		Answers: append(api.Codes(), api.OK),
		Rooms:   slices.Concat(admission.Codes(), rooms.Codes()), Strays: engineio.StrayKinds(),
	})
	a.sweepers = fanout.New(fanout.Options{})
	if a.policy, err = newPolicy(a.life, cfg.Auth, a.log); err != nil {
		return nil, err
	}
	a.welcome = welcome(cfg)
	a.topology, err = newTopology(a.life, host{
		id: id, cfg: cfg, log: a.log, port: a.nodePort(), members: func() int { return a.hub.Members("/") }, guests: a.policy.Guests,
		metrics: a.metrics,
	})
	if err != nil {
		return nil, err
	}
	a.parts = a.topology.parts()
	a.build()
	a.measure()
	return a, nil
}

// build makes what is the same with and without Redis.
func (a *App) build() {
	cfg := a.cfg
	a.replica = replica.New(replica.Options{
		Stream:   a.parts.global,
		Sweepers: a.sweepers,
		Name:     "/",
		Encode:   room.Encoder("/"),
		Decode:   room.Decode,
		Window:   fanout.Window{MaxCount: cfg.HistoryWindow, MaxBytes: cfg.HistoryBytes},
		Nodes:    a.parts.nodes,
		Retained: a.parts.retained,
		Since:    a.parts.global.since,
		Hooks:    replica.Hooks{Reset: a.metrics.Reset, Followed: a.metrics.Followed},
		Logger:   a.log,
	})
	a.hub = adapter.New(adapter.Options{
		Bind: a.bind, Recovery: true,
		Bus: a.parts.bus, Nodes: a.parts.nodes,
		Answer: func(namespace string) []byte { return a.directory.Answer(namespace) },
		Hooks:  adapter.Hooks{Recovered: a.metrics.Recovered},
		Logger: a.log,
	})
	a.directory = room.NewDirectory(a.hub)
	a.rates = chat.NewRates(chatLimits(cfg))
	a.rooms = a.newRooms()
	a.room = a.newRoom("/", a.replica, a.parts.members.Online)
	a.edge = a.newEdge()
	options := a.hub.ServerOptions()
	options.SetConnectTimeout(cfg.ConnectTimeout)
	io := socket.NewServer(nil, options)
	a.hub.Attach(io)
	io.Bind(a.edge)
}

// newEdge makes the Engine.IO server.
func (a *App) newEdge() *engineio.Server {
	cfg, door := a.cfg, a.door()
	return engineio.NewServer(engineio.Options{
		Sweepers: a.sweepers,
		NewID:    func() string { return nodeid.NewSession(a.parts.id) },

		PingInterval: cfg.PingInterval, PingTimeout: cfg.PingTimeout, UpgradeTimeout: cfg.UpgradeTimeout,
		BodyTimeout: a.timeouts.request,
		MaxPayload:  cfg.MaxPayloadBytes, MaxBody: cfg.MaxBodyBytes,
		ByteRate: cfg.MessageRate * eventBytes, ByteBurst: cfg.MessageBurst * eventBytes,
		MaxConnections: cfg.MaxConnections, MaxPerAddress: cfg.MaxConnectionsPerIP,
		Origins: engineio.NewOrigins(cfg.AllowedOrigins), Proxies: cfg.TrustedProxies,

		Identify: door.Identify, Expired: door.Expired, Gate: a.rooms, ConnectTimeout: cfg.ConnectTimeout,
		MaxNamespaces: cfg.Rooms.MaxPerConnection + spareNamespaces,

		Hooks:  engineio.Hooks{Closed: a.metrics.Closed, Refused: a.metrics.Refused, Stray: a.metrics.Stray},
		Logger: a.log,
	})
}

// newRoom makes the chat of a namespace. others tells how many are online without the client that is greeted.
func (a *App) newRoom(namespace string, record *replica.Replica, others func() int) *room.Room {
	cfg := a.cfg
	return room.New(room.Options{
		Namespace:  namespace,
		Replica:    record,
		PrivateIDs: a.policy,
		Welcome:    a.welcome,
		Limits:     chatLimits(cfg),
		Rates:      a.rates,
		MaxHistory: cfg.HistoryMax,
		Online:     func() int { return others() + 1 },
		Rooms:      a.rooms.List,
		Directory:  a.directory,
		Handled:    a.metrics.Handled,
		Logger:     a.log,
	})
}

func chatLimits(cfg config.Config) chat.Limits {
	return chat.Limits{
		MaxMessageChars: cfg.MaxMessageChars, MessageRate: cfg.MessageRate, MessageBurst: cfg.MessageBurst, AddressRate: cfg.AddressRate,
	}
}

// Start answers requests, loads the window, joins the cluster, and is then ready. It waits for Redis as long as ctx
// lasts; until then /livez answers, /readyz says starting, and clients are turned away.
func (a *App) Start(ctx context.Context) error {
	a.logSettings()
	warnOfFiles(a.cfg, openFiles(), a.log)
	a.public.serve(a.publicHandler())
	if a.nodes != nil {
		a.nodes.serve(a.nodesHandler())
	}
	if a.private != nil {
		a.private.serve(a.privateHandler())
	}
	if a.certificate != nil {
		a.background.Go(func() { a.certificate.Watch(a.life, certificateInterval) })
	}
	a.background.Go(func() { a.topology.run(a.life) })
	a.background.Go(a.watchHealth)
	if err := a.parts.global.load(ctx, a.replica); err != nil {
		return fmt.Errorf("load the window: %w", err)
	}
	if err := a.topology.join(ctx); err != nil {
		return fmt.Errorf("join the cluster: %w", err)
	}
	a.background.Go(func() {
		err := a.parts.global.follow(a.life, a.replica)
		if a.life.Err() == nil && !errors.Is(err, stream.ErrClosed) {
			a.log.Error("following ended", "error", err)
		}
	})
	stop := a.parts.members.Watch(a.room.Presence)
	context.AfterFunc(a.life, stop)
	a.background.Go(func() { trim(a.life) })
	a.health.Advance(ops.Ready)
	a.log.Info("ready", "address", a.Addr(), "redis", a.cfg.Redis.Enabled())
	return nil
}

// logSettings logs the settings in force: all of them as JSON, for programs; as text, for people, those that differ from the
// defaults, and the rest at debug level.
func (a *App) logSettings() {
	for _, warning := range a.cfg.Warnings {
		a.log.Warn("settings: " + warning)
	}
	if a.cfg.LogFormat == "json" {
		a.log.Info("settings", "config", a.cfg)
		return
	}
	a.log.Info("settings that differ from the defaults (LOG_LEVEL=debug shows all)", "config", a.cfg.Changed())
	a.log.Debug("settings left at the defaults", "config", a.cfg.Defaults())
}

// Addr is the host:port of the main listener.
func (a *App) Addr() string { return a.public.addr() }

// OpsAddr is the host:port of the private listener, empty if there is none.
func (a *App) OpsAddr() string {
	if a.private == nil {
		return ""
	}
	return a.private.addr()
}

// Run starts the node, waits for the end of ctx, and stops it in order.
func (a *App) Run(ctx context.Context) error {
	err := a.Start(ctx)
	if err == nil {
		<-ctx.Done()
	} else if ctx.Err() != nil {
		err = nil // told to stop while it started
	}
	return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
}

// nodePort is the port where other nodes reach this one.
func (a *App) nodePort() int {
	l := a.public
	if a.nodes != nil {
		l = a.nodes
	}
	return l.port()
}
