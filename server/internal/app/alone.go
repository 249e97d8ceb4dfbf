package app

import (
	"context"
	"net/http"
	"time"

	"scalable-chat/server/internal/cluster"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/stream/memory"
)

// alone is the topology of a node without Redis: the room lives in this process.
type alone struct {
	members *cluster.Alone
	record  *memory.Stream
	id      string
}

var _ topology = (*alone)(nil)

func newAlone(h host) *alone {
	return &alone{
		id:      nodeid.New(),
		members: cluster.NewAlone(h.connections),
		record: memory.New(memory.Options{
			MaxEntries: h.cfg.HistoryWindow + 1, // and the one before, where the window begins
			MaxBytes:   h.cfg.HistoryBytes,
			DedupeTTL:  h.cfg.DedupeTTL,
			DedupeMax:  h.cfg.DedupeMax,
		}),
	}
}

func (a *alone) parts() parts { return parts{id: a.id, stream: a.record, members: a.members} }

func (a *alone) run(ctx context.Context) { a.members.Run(ctx) }

func (a *alone) join(context.Context) error { return nil }

func (a *alone) route(edge *engineio.Server) http.Handler { return edge }

// deliver waits for everything that was acked: the clients cannot come back for it.
func (a *alone) deliver(ctx context.Context, r *replica.Replica) error { return r.Drain(ctx) }

func (a *alone) drain(context.Context, time.Duration) {}

func (a *alone) degraded() map[string]func() string { return nil }

func (a *alone) measure(*ops.Metrics) {}

func (a *alone) close() { _ = a.record.Close(atOnce()) }
