package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/sqlite"
)

// inFile is the record of a node with DATA_DIR. It survives the process.
type inFile struct {
	store  *sqlite.Store
	global stream.Room
	tail   int           // entries of the global room that are loaded at the start
	many   bool          // there are rooms
	age    time.Duration // RETENTION_AGE
}

var _ record = (*inFile)(nil)

func newInFile(ctx context.Context, h host) (*inFile, error) {
	cfg := h.cfg
	store, err := sqlite.Open(ctx, sqlite.Options{
		Dir: cfg.DataDir, DedupeTTL: cfg.DedupeTTL, DedupeMax: cfg.DedupeMax,
		Retention: sqlite.Retention{Age: cfg.RetentionAge, Bytes: int64(cfg.RetentionBytes)},
		Logger:    h.log,
	})
	if err != nil {
		return nil, err
	}
	if use := h.shareGuests(); use != nil {
		secret, err := store.Secret()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("the secret of guests: %w", err), store.Close(ctx))
		}
		use(secret)
	}
	return &inFile{store: store, global: store.Room(sqlite.Global), tail: cfg.HistoryWindow + 1, many: cfg.Rooms.Enabled(), age: cfg.RetentionAge}, nil
}

func (r *inFile) source() source {
	s := fromRoom(r.global, r.tail)
	if r.age > 0 {
		s.since = func() stream.Offset { return stream.Offset{Ms: uint64(time.Now().Add(-r.age).UnixMilli())} }
	}
	return s
}

func (r *inFile) rooms() stream.Rooms {
	if !r.many {
		return nil // not a nil of another type
	}
	return r.store
}

func (r *inFile) finish(ctx context.Context) error {
	r.global.Close()
	return r.store.Close(ctx)
}

func (r *inFile) degraded() map[string]func() string {
	return map[string]func() string{"record": r.store.Degraded}
}

func (r *inFile) measure(*ops.Metrics) {}
