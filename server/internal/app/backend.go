package app

import (
	"context"
	"net/http"
	"sync"
	"time"

	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/cluster"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/forward"
	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/stream"
)

// record is a stream that can be closed.
type record interface {
	stream.Stream
	Close(ctx context.Context) error
}

// backend is what a node that is alone and one of many have differently.
type backend struct {
	id       string // of this node
	stream   record
	members  cluster.Members
	bus      bus.Bus                 // nil: there are no other nodes
	nodes    func() int              // that live, this one included; nil: this one
	retained func() int              // entries that the stream retains; nil: HISTORY_WINDOW
	runs     []func(context.Context) // what works in the background for as long as the node lives

	// With Redis only.
	forwarder *forward.Forwarder
	registry  *cluster.Registry
	redisBus  *bus.Redis
	degraded  map[string]func() string // by part: what is wrong with it, empty if nothing is
	closing   []func() error
}

// newBackend makes the backend that the settings ask for.
func newBackend(a *App) (*backend, error) {
	if a.cfg.Redis.Enabled() {
		return newRedisBackend(a)
	}
	return newMemoryBackend(a), nil
}

// newID makes an Engine.IO session id that names this node.
func (b *backend) newID() string { return nodeid.NewSession(b.id) }

// start begins the background work.
func (b *backend) start(a *App) {
	for _, run := range b.runs {
		a.background.Go(func() { run(a.life) })
	}
	if len(b.degraded) > 0 {
		a.background.Go(func() { b.watch(a) })
	}
}

// watchInterval is how often the parts are asked whether they work.
const watchInterval = 500 * time.Millisecond

// watch keeps the health report up to date.
func (b *backend) watch(a *App) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		for part, ask := range b.degraded {
			a.health.Degrade(part, ask())
		}
		select {
		case <-ticker.C:
		case <-a.life.Done():
			return
		}
	}
}

// join waits until the node is known to the others.
func (b *backend) join(ctx context.Context) error {
	if b.registry == nil {
		return nil
	}
	select {
	case <-b.registry.Joined():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// route puts the forwarder, if there is one, before the edge.
func (b *backend) route(edge *engineio.Server) http.Handler {
	if b.forwarder == nil {
		return edge
	}
	return b.forwarder.Handle(edge, http.HandlerFunc(edge.RefuseUnknownSession), http.HandlerFunc(edge.RefuseBusy))
}

// drain ends the WebSockets that are forwarded for other nodes.
func (b *backend) drain(ctx context.Context, spread time.Duration, parts *sync.WaitGroup) {
	if b.forwarder != nil {
		parts.Go(func() { b.forwarder.Shutdown(ctx, spread) })
	}
}

// close gives up what is left, after the background work has ended.
func (b *backend) close() {
	hurry, cancel := context.WithCancel(context.Background())
	cancel()
	_ = b.stream.Close(hurry) // was closed in order before, or there was nothing to finish
	if b.forwarder != nil {
		b.forwarder.Shutdown(hurry, 0)
	}
	for _, fn := range b.closing {
		_ = fn()
	}
}
