package app

import (
	"context"
	"net/http"
	"time"

	"scalable-chat/server/internal/cluster"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/stream/memory"
)

// alone is the topology of a node without Redis: the room lives in this process.
type alone struct {
	members *cluster.Alone
	record  *memory.Stream
	rooms   *memory.Rooms // nil with ROOMS=off
	id      string
}

var _ topology = (*alone)(nil)

func newAlone(h host) *alone {
	cfg := h.cfg
	options := memory.Options{
		MaxEntries: cfg.HistoryWindow + 1, // and the one before, where the window begins
		MaxBytes:   cfg.HistoryBytes,
		DedupeTTL:  cfg.DedupeTTL,
		DedupeMax:  cfg.DedupeMax,
	}
	a := &alone{id: nodeid.New(), members: cluster.NewAlone(h.members), record: memory.New(options)}
	if cfg.Rooms.Enabled() {
		options.MaxEntries = cfg.Rooms.Window + 1
		a.rooms = memory.NewRooms(memory.RoomsOptions{
			Room: options, MaxBytes: cfg.Rooms.Bytes, MaxClosed: closedRooms * cfg.Rooms.Max, TTL: cfg.Rooms.TTL,
		})
	}
	return a
}

// closedRooms is how many rooms without members a node without Redis remembers, for each that may be open.
const closedRooms = 2

func (a *alone) parts() parts {
	list := func() []cluster.Node { return []cluster.Node{{ID: a.id, Connections: a.members.Online(), Self: true}} }
	p := parts{id: a.id, stream: a.record, members: a.members, list: list}
	if a.rooms != nil {
		p.rooms = a.rooms // not a nil of another type
	}
	return p
}

func (a *alone) run(ctx context.Context) { a.members.Run(ctx) }

func (a *alone) join(context.Context) error { return nil }

func (a *alone) route(edge *engineio.Server) http.Handler { return edge }

// deliver waits for everything that was acked: the clients cannot come back for it.
func (a *alone) deliver(ctx context.Context, all ...drainer) error {
	for _, one := range all {
		if err := one.Drain(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *alone) drain(context.Context, time.Duration) {}

func (a *alone) finish(ctx context.Context) error { return a.record.Close(ctx) }

func (a *alone) degraded() map[string]func() string { return nil }

func (a *alone) measure(*ops.Metrics) {}

func (a *alone) close() { _ = a.record.Close(atOnce()) }
