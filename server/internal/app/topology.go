package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/bus"
	"scalable-chat/server/internal/cluster"
	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/stream"
)

// topology is what a node does differently when it is alone and when it is one of many: [alone] and [clustered].
type topology interface {
	// parts returns what the rest of the node is built on.
	parts() parts
	// run does the background work until ctx ends.
	run(ctx context.Context)
	// join blocks until this node knows the others, or until ctx ends.
	join(ctx context.Context) error
	// route returns the handler that stands in front of the edge.
	route(edge *engineio.Server) http.Handler
	// deliver blocks until the clients of this node have what they cannot get from another node, or until ctx ends.
	deliver(ctx context.Context, all ...drainer) error
	// drain ends what this node does for others, evenly over the given time; when ctx ends, it ends the rest at once.
	drain(ctx context.Context, spread time.Duration)
	// finish ends appends, and blocks until those that are queued are stored, or until ctx ends.
	finish(ctx context.Context) error
	// degraded returns a question for each part that can be degraded: what is wrong with it, "" if nothing is.
	degraded() map[string]func() string
	// measure registers the numbers of the parts.
	measure(m *ops.Metrics)
	// close releases everything at once. It is called after run has returned.
	close()
}

// parts are what either topology gives to the rest of the node.
type parts struct {
	id       string       // of this node
	global   source       // of the global room
	rooms    stream.Rooms // nil with ROOMS=off
	members  cluster.Members
	bus      bus.Bus               // nil: there are no other nodes
	list     func() []cluster.Node // the live nodes
	nodes    func() int            // live nodes, this one included; nil: one
	retained func() int            // entries that the stream retains; nil: HISTORY_WINDOW
	window   func() int            // entries that the record of a room retains; nil: ROOM_WINDOW
}

// drainer ends appends, and waits until what was stored is delivered.
type drainer interface {
	Drain(ctx context.Context) error
}

// host is what a topology needs of the node around it.
type host struct {
	id      string // of the node
	cfg     config.Config
	log     *slog.Logger
	port    int        // of the main listener
	members func() int // of the global room, on this node; may be called from any goroutine
	guests  *auth.Guests
	metrics *ops.Metrics
}

// newTopology makes the topology that the settings ask for. ctx bounds the search for this node's address.
func newTopology(ctx context.Context, h host) (topology, error) {
	switch {
	case h.cfg.Redis.Enabled():
		c, err := newClustered(ctx, h)
		if err != nil {
			return nil, err // not c, which is a nil of another type
		}
		return c, nil
	case h.cfg.DataDir != "":
		r, err := newInFile(ctx, h)
		if err != nil {
			return nil, err
		}
		return newAlone(h, r), nil
	}
	return newAlone(h, newInMemory(h.cfg)), nil
}

// atOnce returns a context that has ended: for what may finish in order, but need not.
func atOnce() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
