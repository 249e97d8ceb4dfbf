package app

import (
	"context"
	"net/http"
	"time"

	"scalable-chat/server/internal/cluster"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/stream"
)

// alone is the topology of a node without Redis: the record is in a file of this host, or in the memory of this process.
type alone struct {
	id      string
	members *cluster.Alone
	record  record
}

// record is the record of a node that is alone.
type record interface {
	source() source
	// rooms is nil with ROOMS=off.
	rooms() stream.Rooms
	// finish ends appends, and blocks until those that are queued are stored, or until ctx ends.
	finish(ctx context.Context) error
	// degraded and measure are those of [topology].
	degraded() map[string]func() string
	measure(m *ops.Metrics)
}

var _ topology = (*alone)(nil)

func newAlone(h host, r record) *alone {
	return &alone{id: h.id, members: cluster.NewAlone(h.members), record: r}
}

func (a *alone) parts() parts {
	list := func() []cluster.Node { return []cluster.Node{{ID: a.id, Connections: a.members.Online(), Self: true}} }
	return parts{id: a.id, global: a.record.source(), rooms: a.record.rooms(), members: a.members, list: list}
}

func (a *alone) run(ctx context.Context) { a.members.Run(ctx) }

func (a *alone) join(context.Context) error { return nil }

func (a *alone) route(edge *engineio.Server) http.Handler { return edge }

// deliver waits for everything that was acked: there is no other node from which the clients could get it.
func (a *alone) deliver(ctx context.Context, all ...drainer) error {
	for _, one := range all {
		if err := one.Drain(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *alone) drain(context.Context, time.Duration) {}

func (a *alone) finish(ctx context.Context) error { return a.record.finish(ctx) }

func (a *alone) degraded() map[string]func() string { return a.record.degraded() }

func (a *alone) measure(m *ops.Metrics) { a.record.measure(m) }

func (a *alone) close() { _ = a.record.finish(atOnce()) }
