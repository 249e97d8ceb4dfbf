package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/forward"
	"scalable-chat/server/internal/pace"
	"scalable-chat/server/internal/redisx"
)

const (
	defaultInterval = time.Second
	// defaultTTL leaves time for the others to notice, and to tell their clients, within the eight seconds of PRE-3.
	defaultTTL = 5 * time.Second
	// lookupGap is the shortest time between two readings of the registry: however many unknown ids are asked for, they
	// share one reading.
	lookupGap = 250 * time.Millisecond
	// lookupWait is the longest time that a lookup waits for a reading.
	lookupWait = time.Second
)

// RegistryConfig says who this node is. Client, Key, ID and Local are required.
type RegistryConfig struct {
	Client  redis.UniversalClient // remains the caller's; closed by the caller after Run returned
	Key     string                // STREAM_KEY: the hash tag of all keys
	ID      string                // from [nodeid.New]
	Address string                // host:port from [Address]; if it is empty, nothing can be forwarded to this node
	Local   func() int            // this node's members of the global room; may be called from any goroutine
	// Secret is what all nodes share to recognise each other. If it is empty, the first node makes one and keeps it in
	// Redis.
	Secret string
	// Guests is told the secret that signs the ids of guests, which the first node makes and keeps in Redis, before the node
	// has joined and whenever it changes; nil: the operator gave one. It must be quick.
	Guests func(secret string)
	// Settings must be the same on all nodes: this is what this node would have, [Registry.Settings] what counts.
	Settings Settings
	Interval time.Duration // between heartbeats; 0 means 1 s
	TTL      time.Duration // a node whose heartbeat has not been seen for so long is gone; 0 means 5 s
	Log      *slog.Logger  // nil means the default logger
}

// Registry is this node's entry in the cluster and its picture of the others. The picture comes from memory: while
// Redis is away it stays as it is.
type Registry struct {
	cfg      RegistryConfig
	watchers watchers
	joined   chan struct{} // closed by the first heartbeat that succeeded
	stopped  chan struct{} // closed when Run returns
	kick     chan struct{} // asks for a reading before the next heartbeat is due

	// owned by Run
	roster *roster
	beat   uint64
	begun  time.Time // when the last heartbeat began

	view     atomic.Pointer[view]
	settings atomic.Pointer[Settings] // in force
	token    *secret                  // by which nodes recognise each other
	guests   *secret                  // that signs the ids of guests; nil: it is not shared
	failed   atomic.Pointer[error]    // of the last heartbeat

	mu    sync.Mutex
	round chan struct{} // guarded by mu; closed when a reading that has not begun yet is over
}

var (
	_ Members       = (*Registry)(nil)
	_ forward.Nodes = (*Registry)(nil)
)

// NewRegistry returns the registry of one node. Nothing happens before Run.
func NewRegistry(cfg RegistryConfig) *Registry {
	if cfg.Interval <= 0 {
		cfg.Interval = defaultInterval
	}
	if cfg.TTL <= 0 {
		cfg.TTL = defaultTTL
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	r := &Registry{
		cfg:     cfg,
		joined:  make(chan struct{}),
		stopped: make(chan struct{}),
		kick:    make(chan struct{}, 1),
		round:   make(chan struct{}),
		roster:  newRoster(cfg.ID, cfg.TTL, 2*cfg.Interval),
	}
	r.view.Store(r.roster.view())
	r.token = newSecret(cfg.Secret, cfg.Key, "token", nil)
	if cfg.Guests != nil {
		r.guests = newSecret("", cfg.Key, "guests", cfg.Guests)
	}
	r.settings.Store(&cfg.Settings)
	r.failed.Store(new(error))
	return r
}

// Run keeps the node registered until ctx ends; then it says goodbye, so that the others know at once, and returns. It
// may be called once. An outage of Redis does not end it.
func (r *Registry) Run(ctx context.Context) {
	defer close(r.stopped)
	var watching sync.WaitGroup
	watching.Go(func() { r.watchers.run(ctx, watchInterval, r.Online) })
	defer watching.Wait()

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			r.leave(ctx)
			return
		case <-timer.C:
		case <-r.kick:
			if pace.Sleep(ctx, time.Until(r.begun.Add(lookupGap))) != nil {
				continue
			}
		}
		r.heartbeat(ctx)
		timer.Reset(r.cfg.Interval)
	}
}

// Joined is closed when this node knows the others; it should not serve before. It is then registered too, unless Redis
// takes no writes (because it is full, for example); Degraded reports that.
func (r *Registry) Joined() <-chan struct{} { return r.joined }

// Err returns why the last heartbeat failed, nil if it did not.
func (r *Registry) Err() error { return *r.failed.Load() }

// errRefused means that the other nodes were read, but that Redis did not take the record of this one.
var errRefused = errors.New("this node is not registered")

// Degraded says in words, without addresses, what is wrong with the registry. It is empty while all is well.
func (r *Registry) Degraded() string {
	switch err := r.Err(); {
	case err == nil && r.view.Load().claimed[r.cfg.Address]:
		return "another node has registered the same address (NODE_ADDRESS)"
	case err == nil:
		return ""
	case errors.Is(err, errRefused):
		return redisx.Degraded("the other nodes cannot see this one", err)
	default:
		return redisx.Degraded("the other nodes cannot be seen", err)
	}
}

// Online returns the members of the global room, as [Members] says.
func (r *Registry) Online() int { return r.cfg.Local() + r.view.Load().online }

// List returns the live nodes that this node knows, itself first.
func (r *Registry) List() []Node {
	self := Node{ID: r.cfg.ID, Address: r.cfg.Address, Connections: r.cfg.Local(), Self: true}
	return append([]Node{self}, r.view.Load().others...)
}

// Nodes returns the number of live nodes that this node knows, itself included.
func (r *Registry) Nodes() int { return r.view.Load().nodes + 1 }

// Alive reports whether a node lives, as far as this one knows. This one does.
func (r *Registry) Alive(id string) bool { return id == r.cfg.ID || r.view.Load().alive[id] }

// Watch calls fn as [Members] says, while Run runs.
func (r *Registry) Watch(fn func(online int)) (stop func()) { return r.watchers.add(fn) }

// Admits is [forward.Nodes.Admits].
func (r *Registry) Admits(ticket string) bool {
	return forward.Admits(r.token.get(), r.cfg.ID, ticket)
}

// Route is [forward.Nodes.Route]. The picture of the others may be older than a node that has just joined; so an unknown id
// waits for one reading of the registry, which all lookups of that time share.
func (r *Registry) Route(ctx context.Context, nodeID string) (forward.Route, bool) {
	if route, ok := r.known(nodeID); ok {
		return route, true
	}
	r.mu.Lock()
	round := r.round
	r.mu.Unlock()
	select {
	case r.kick <- struct{}{}:
	default: // a reading is asked for already
	}
	timeout := time.NewTimer(lookupWait)
	defer timeout.Stop()
	select {
	case <-round:
	case <-timeout.C:
	case <-r.stopped:
	case <-ctx.Done():
	}
	return r.known(nodeID)
}

func (r *Registry) known(nodeID string) (forward.Route, bool) {
	address, ok := r.view.Load().addresses[nodeID]
	secret := r.token.get()
	if !ok || secret == "" {
		return forward.Route{}, false
	}
	return forward.Route{Address: address, Ticket: forward.Ticket(secret, nodeID)}, true
}

// Self returns the route to this node as the others know it. It is unknown before the first heartbeat and without an
// address.
func (r *Registry) Self() (forward.Route, bool) {
	secret := r.token.get()
	if r.cfg.Address == "" || secret == "" {
		return forward.Route{}, false
	}
	return forward.Route{Address: r.cfg.Address, Ticket: forward.Ticket(secret, r.cfg.ID)}, true
}

// heartbeat writes this node's record, reads those of the others, and releases the lookups that wait for the reading.
func (r *Registry) heartbeat(ctx context.Context) {
	r.mu.Lock()
	round := r.round
	r.round = make(chan struct{})
	r.mu.Unlock()
	defer close(round)
	r.begun = time.Now()

	ctx, cancel := context.WithTimeout(ctx, redisx.ExchangeTimeout)
	defer cancel()
	told, err := r.exchange(ctx, record{
		Address: r.cfg.Address, Connections: r.cfg.Local(), Settings: r.cfg.Settings.String(),
	})
	if was := r.Err(); (was == nil) != (err == nil) && !errors.Is(err, context.Canceled) {
		r.cfg.Log.Warn("cluster registry", "works", err == nil, "error", err)
	}
	r.failed.Store(&err)
	refused := errors.Is(err, errRefused)
	if err != nil && !refused {
		return
	}
	// While Redis refuses the records of the nodes, an old one does not show that its node is dead.
	dead := r.roster.observe(time.Now(), told.entries, !refused)
	r.show(r.roster.view())
	r.settle(ctx, told.settings)
	if len(dead) > 0 {
		// A node that was only slow comes back with its next heartbeat; if this fails, the next reading tries again.
		r.cfg.Client.HDel(ctx, redisx.Key(r.cfg.Key, "nodes"), dead...)
	}
	select {
	case <-r.joined:
	default:
		close(r.joined)
	}
}

// show makes v what the others see, and logs when a node begins to claim the address of this one.
func (r *Registry) show(v *view) {
	address := r.cfg.Address
	if was := r.view.Swap(v); v.claimed[address] && !was.claimed[address] {
		r.cfg.Log.Warn("another node has registered the same address: give each its own NODE_ADDRESS", "address", address)
	}
}

// reading is what one heartbeat learns.
type reading struct {
	entries  map[string]string // the records of the nodes
	settings string            // in force; empty: none are shared yet
}

// exchange does the whole of a heartbeat in one round trip. The keys are written again each time, so that a Redis that
// lost its data has them back within one interval; the hash as a whole expires when no node is left. With errRefused the
// reading is valid all the same.
func (r *Registry) exchange(ctx context.Context, rec record) (reading, error) {
	r.beat++
	rec.Beat = r.beat
	nodes := redisx.Key(r.cfg.Key, "nodes")
	pipe := r.cfg.Client.Pipeline()
	token := r.token.share(ctx, pipe)
	var guests *redis.StringCmd
	if r.guests != nil {
		guests = r.guests.share(ctx, pipe)
	}
	settings := r.shareSettings(ctx, pipe)
	written := pipe.HSet(ctx, nodes, r.cfg.ID, rec.encode())
	pipe.PExpire(ctx, nodes, r.cfg.TTL)
	entries := pipe.HGetAll(ctx, nodes)
	if err := cmp.Or(redisx.NotSent(pipe.Exec(ctx)), entries.Err()); err != nil {
		return reading{}, fmt.Errorf("heartbeat: %w", err)
	}
	r.token.adopt(token, r.cfg.Log)
	if r.guests != nil {
		r.guests.adopt(guests, r.cfg.Log)
	}
	told := reading{entries: entries.Val(), settings: settings.Val()}
	if err := written.Err(); err != nil {
		return told, fmt.Errorf("heartbeat: %w: %w", errRefused, err)
	}
	return told, nil
}

// leave replaces the record by a farewell, which the others remove once all of them have had time to see it. If the last
// heartbeat got no answer, leave does not try.
func (r *Registry) leave(ctx context.Context) {
	if err := r.Err(); err != nil && !errors.Is(err, context.Canceled) {
		r.cfg.Log.Warn("cluster registry: leaving unannounced", "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisx.ExchangeTimeout)
	defer cancel()
	if _, err := r.exchange(ctx, record{Left: true}); err != nil {
		r.cfg.Log.Warn("cluster registry: leaving unannounced", "error", err)
	}
}
