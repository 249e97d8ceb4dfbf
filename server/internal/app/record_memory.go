package app

import (
	"context"

	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
)

// inMemory is the record of a node without DATA_DIR. It ends with the process.
type inMemory struct {
	global *memory.Stream
	others *memory.Rooms // nil with ROOMS=off
}

var _ record = (*inMemory)(nil)

// closedRooms is how many rooms without members are remembered in memory, for each that may be open.
const closedRooms = 2

func newInMemory(cfg config.Config) *inMemory {
	options := memory.Options{
		MaxEntries: cfg.HistoryWindow + 1, // and the one before, where the window begins
		MaxBytes:   cfg.HistoryBytes,
		DedupeTTL:  cfg.DedupeTTL,
		DedupeMax:  cfg.DedupeMax,
	}
	r := &inMemory{global: memory.New(options)}
	if cfg.Rooms.Enabled() {
		options.MaxEntries = cfg.Rooms.Window + 1
		r.others = memory.NewRooms(memory.RoomsOptions{
			Room: options, MaxBytes: cfg.Rooms.Bytes, MaxClosed: closedRooms * cfg.Rooms.Max, TTL: cfg.Rooms.TTL,
		})
	}
	return r
}

func (r *inMemory) source() source { return fromStream(r.global) }

func (r *inMemory) rooms() stream.Rooms {
	if r.others == nil {
		return nil // not a nil of another type
	}
	return r.others
}

func (r *inMemory) finish(ctx context.Context) error { return r.global.Close(ctx) }

func (r *inMemory) degraded() map[string]func() string { return nil }

func (r *inMemory) measure(*ops.Metrics) {}
