package app

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"scalable-chat/server/internal/ops"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/sqlite"
)

// inFile is the record of a node with DATA_DIR. It survives the process.
type inFile struct {
	dir    string
	store  *sqlite.Store
	global stream.Room
	tail   int          // entries of the global room that are loaded at the start
	many   bool         // there are rooms
	failed atomic.Int64 // commits
}

var _ record = (*inFile)(nil)

func newInFile(ctx context.Context, h host) (*inFile, error) {
	cfg := h.cfg
	r := &inFile{dir: cfg.DataDir, tail: cfg.HistoryWindow + 1, many: cfg.Rooms.Enabled()}
	store, err := sqlite.Open(ctx, sqlite.Options{
		Dir: cfg.DataDir, DedupeTTL: cfg.DedupeTTL, DedupeMax: cfg.DedupeMax,
		Retention: sqlite.Retention{Age: cfg.RetentionAge, Bytes: int64(cfg.RetentionBytes)},
		Committed: r.committed(h.metrics),
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
	r.store, r.global = store, store.Room(sqlite.Global)
	return r, nil
}

// committed counts the commits.
func (r *inFile) committed(m *ops.Metrics) func(time.Duration, error) {
	observe := m.Durations("record_commit_seconds", "Time that a commit to the file took, with the sync of the disk.")
	return func(took time.Duration, err error) {
		observe(took)
		if err != nil {
			r.failed.Add(1)
		}
	}
}

func (r *inFile) source() source {
	s := fromRoom(r.global, r.tail)
	s.since = r.store.Since
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

func (r *inFile) measure(m *ops.Metrics) {
	m.Gauge("record_bytes", "Bytes of the disk that the record takes.", func() float64 { return float64(r.store.Bytes()) })
	if _, known := freeBytes(r.dir); known {
		m.Gauge("record_free_bytes", "Bytes that are free on the disk of the record.", func() float64 {
			free, _ := freeBytes(r.dir)
			return float64(free)
		})
	}
	m.Counter("record_failed_commits_total", "Commits to the file that failed.", func() float64 { return float64(r.failed.Load()) })
}
