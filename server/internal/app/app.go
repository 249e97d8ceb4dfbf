// Package app builds the server out of its parts, starts them in order, and stops them in reverse.
//
// The graph, in the order of the path of a message:
//
//	http.Server ─▶ cluster.Forwarder ─▶ engineio ─▶ Socket.IO library ─▶ chat ─▶ adapter ─▶ stream
//	                                      ▲                                        │
//	                                      └───────────── fanout.Log ◀──────────────┘
//
// It is the one place that knows both what a setting is called and whom it concerns.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/accept"
	"scalable-chat/server/internal/adapter"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/stream"
)

// eventBytes is how large an event may be on average without slowing its connection down: what MAX_MESSAGE_CHARS of the
// most common letters take. To decode larger ones at the full rate would keep the processor busy.
const eventBytes = 4 << 10

// Path is where Engine.IO is served.
const Path = "/socket.io/"

// App is one node. It is started once and stopped once.
type App struct {
	cfg      config.Config
	log      *slog.Logger
	timeouts timeouts

	health   *ops.Health
	metrics  *ops.Metrics
	sweepers *fanout.Sweepers
	frames   *fanout.Log
	backend  *backend
	hub      *adapter.Hub
	chat     *chat.Service
	edge     *engineio.Server

	public  *listener
	private *listener // nil without OPS_ADDR

	life       context.Context // of everything in background
	end        context.CancelFunc
	background sync.WaitGroup
}

// New builds a node that listens already but does not answer yet. If it succeeds, the caller ends it with [App.Stop].
func New(cfg config.Config, logger *slog.Logger) (*App, error) {
	t := defaultTimeouts
	t.idle = cfg.KeepAlive
	return newApp(cfg, logger, t)
}

func newApp(cfg config.Config, logger *slog.Logger, t timeouts) (_ *App, err error) {
	a := &App{cfg: cfg, log: logger, timeouts: t, health: &ops.Health{}}
	a.life, a.end = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			a.release()
		}
	}()
	if a.public, err = a.listen(cfg.ListenAddr(), publicLimits(cfg, openFiles())); err != nil {
		return nil, err
	}
	if cfg.OpsAddr != "" {
		if a.private, err = a.listen(cfg.OpsAddr, privateLimits()); err != nil {
			return nil, err
		}
	}
	a.metrics = ops.NewMetrics(ops.Catalogues{
		Events: chat.Events(), Outcomes: chat.Outcomes(),
		Closes: engineio.CloseReasons(), Refusals: slices.Concat(engineio.RefusalReasons(), accept.Reasons()),
	})
	a.sweepers = fanout.New(fanout.Options{})
	a.frames = a.sweepers.NewLog(stream.Offset{}, fanout.Window{MaxCount: cfg.HistoryWindow, MaxBytes: cfg.HistoryBytes})
	if a.backend, err = newBackend(a); err != nil {
		return nil, err
	}
	a.build()
	a.measure()
	return a, nil
}

// build makes what is the same with and without Redis.
func (a *App) build() {
	cfg := a.cfg
	a.hub = adapter.New(adapter.Options{
		Stream: a.backend.stream,
		Log:    a.frames,
		Window: cfg.HistoryWindow, WindowBytes: cfg.HistoryBytes,
		History:  func(auth map[string]any) int { return chat.WantedHistory(auth, cfg.HistoryMax) },
		Online:   func() int { return a.backend.members.Online() },
		Handler:  a.handler,
		Leave:    a.leave,
		Bus:      a.backend.bus,
		Nodes:    a.backend.nodes,
		Retained: a.backend.retained,
		Hooks:    adapter.Hooks{Recovered: a.metrics.Recovered, Reset: a.metrics.Reset, Followed: a.metrics.Followed},
		Logger:   a.log,
	})
	limits := chat.Limits{
		MaxMessageChars: cfg.MaxMessageChars, MessageRate: cfg.MessageRate, MessageBurst: cfg.MessageBurst,
	}
	a.chat = chat.New(limits, a.hub, a.hub, a.hub.Typing, chat.Hooks{Handled: a.metrics.Handled, Logger: a.log})
	a.edge = engineio.NewServer(engineio.Options{
		Sweepers: a.sweepers,
		NewID:    a.backend.newID,

		PingInterval: cfg.PingInterval, PingTimeout: cfg.PingTimeout, UpgradeTimeout: cfg.UpgradeTimeout,
		BodyTimeout: a.timeouts.request,
		MaxPayload:  cfg.MaxPayloadBytes, MaxBody: cfg.MaxBodyBytes,
		ByteRate: cfg.MessageRate * eventBytes, ByteBurst: cfg.MessageBurst * eventBytes,
		MaxConnections: cfg.MaxConnections, MaxPerAddress: cfg.MaxConnectionsPerIP,
		Origins: engineio.NewOrigins(cfg.AllowedOrigins), Proxies: cfg.TrustedProxies,

		Hooks:  engineio.Hooks{Closed: a.metrics.Closed, Refused: a.metrics.Refused},
		Logger: a.log,
	})
	options := a.hub.ServerOptions()
	options.SetConnectTimeout(cfg.ConnectTimeout)
	socket.NewServer(nil, options).Bind(a.edge)
}

// handler makes the handler of one socket.
func (a *App) handler(s *socket.Socket) adapter.Handler {
	if s.Nsp().Name() != "/" {
		return nil
	}
	// Nobody asks for the handshake again, but the library keeps it as long as the socket, whatever the client put into it.
	*s.Handshake() = socket.Handshake{}
	client := a.newClient(s)
	return func(ctx context.Context, event string, args []any, ack func(...any)) bool {
		var answer func(any)
		if ack != nil {
			answer = func(v any) { ack(v) }
		}
		switch event {
		case chat.EventMessage:
			a.chat.Message(ctx, client, args, answer)
		case chat.EventHistory:
			a.chat.History(ctx, client, args, answer)
		case chat.EventTyping:
			a.chat.Typing(ctx, client, args, answer)
		default:
			a.chat.Unknown(ctx, client)
			return false
		}
		return true
	}
}

// newClient makes what the rules remember of a socket. The limits are those of the connection, however often it leaves
// the room and comes in again.
func (a *App) newClient(s *socket.Socket) *chat.Client {
	id := string(s.Id())
	conn, ok := s.Conn().(*engineio.Session)
	if !ok {
		return a.chat.NewClient(id)
	}
	client := clientOf(conn)
	if client == nil {
		client = a.chat.NewClient(id)
	} else {
		client = a.chat.Succeed(client, id)
	}
	conn.SetValue(client)
	return client
}

// leave says how long the connection of a socket that left the room waits.
func (a *App) leave(s *socket.Socket) time.Duration {
	if conn, ok := s.Conn().(*engineio.Session); ok {
		if client := clientOf(conn); client != nil {
			return a.chat.Leave(client)
		}
	}
	return 0
}

func clientOf(conn *engineio.Session) *chat.Client {
	client, _ := conn.Value().(*chat.Client)
	return client
}

// Start answers requests, loads the window, joins the cluster, and is then ready. It waits for Redis as long as ctx
// lasts; until then /livez answers, /readyz says starting, and clients are turned away.
func (a *App) Start(ctx context.Context) error {
	a.logSettings()
	warnOfFiles(a.cfg, openFiles(), a.log)
	a.public.serve(a.publicHandler())
	if a.private != nil {
		a.private.serve(ops.Private(a.health, a.metrics))
	}
	a.backend.start(a)
	if err := a.hub.Load(ctx); err != nil {
		return fmt.Errorf("load the window: %w", err)
	}
	if err := a.backend.join(ctx); err != nil {
		return fmt.Errorf("join the cluster: %w", err)
	}
	a.background.Go(func() {
		err := a.hub.Run(a.life)
		if a.life.Err() == nil && !errors.Is(err, stream.ErrClosed) {
			a.log.Error("following ended", "error", err)
		}
	})
	stop := a.backend.members.Watch(a.hub.Presence)
	context.AfterFunc(a.life, stop)
	a.background.Go(func() { trim(a.life) })
	a.health.Advance(ops.Ready)
	a.log.Info("ready", "address", a.Addr(), "node", a.backend.id, "redis", a.cfg.Redis.Enabled())
	return nil
}

// logSettings says what is in force. Programs, which read JSON, get everything; people, who read text, get what somebody
// decided, and the rest only if they want to know more.
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

// The last steps of a stop, after the clients were sent elsewhere, are bounded, too.
const (
	requestsTimeout = 2 * time.Second
	appendsTimeout  = 10 * time.Second
)

// spreadPerSession is how far apart two clients are sent elsewhere: with very many, over half of the time that there is.
const spreadPerSession = time.Millisecond

// Stop ends the node step by step; when ctx ends it hurries. The error says which steps were cut short.
func (a *App) Stop(ctx context.Context) error {
	a.log.Info("stopping", "connections", a.edge.Connections())
	wasReady := a.health.Report().Status == ops.Ready.String()
	a.health.Advance(ops.Draining)
	if wasReady {
		sleep(ctx, a.cfg.DrainDelay) // load balancers look again
	}

	draining, cancel := context.WithTimeout(ctx, a.cfg.DrainTimeout)
	defer cancel()
	a.edge.Refuse()
	var err error
	if wasReady && !a.cfg.Redis.Enabled() {
		// Nobody can come back for it: what was acked has to reach those who are here.
		err = step("deliver what was acked", a.hub.Settle(draining))
	}
	spread := min(a.cfg.DrainTimeout/2, time.Duration(a.edge.Connections())*spreadPerSession)
	var parts sync.WaitGroup
	a.backend.drain(draining, spread, &parts)
	err = errors.Join(err, step("close the sessions", a.edge.Shutdown(draining, spread)))
	parts.Wait()

	requests, cancel := context.WithTimeout(ctx, requestsTimeout)
	defer cancel()
	if cut := a.public.shutdown(requests); cut != nil {
		// Long polls that were forwarded to nodes that live on; their clients come back.
		a.log.Info("requests were broken off", "error", cut)
	}
	appends, cancel := context.WithTimeout(ctx, appendsTimeout)
	defer cancel()
	err = errors.Join(err, step("finish the appends", a.backend.stream.Close(appends)))
	a.release()
	a.log.Info("stopped", "error", err)
	return err
}

// release ends whatever is left and waits for it.
func (a *App) release() {
	if a.hub != nil {
		a.hub.Close()
	}
	a.end()
	a.background.Wait()
	if a.backend != nil {
		a.backend.close()
	}
	if a.sweepers != nil {
		a.sweepers.Close()
	}
	for _, l := range []*listener{a.public, a.private} {
		if l != nil {
			l.close()
		}
	}
}

func step(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// port is that of the main listener.
func (a *App) port() int {
	if tcp, ok := a.public.net.Addr().(*net.TCPAddr); ok {
		return tcp.Port
	}
	return a.cfg.Port
}
