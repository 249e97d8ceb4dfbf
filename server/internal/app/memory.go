package app

import (
	"scalable-chat/server/internal/cluster"
	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/stream/memory"
)

// newMemoryBackend is for a node without Redis: the room lives in this process.
func newMemoryBackend(a *App) *backend {
	alone := cluster.NewAlone(func() int { return a.edge.Connections() })
	b := &backend{
		id: nodeid.New(),
		stream: memory.New(memory.Options{
			MaxEntries: a.cfg.HistoryWindow + 1, // and the one before, where the window begins
			MaxBytes:   a.cfg.HistoryBytes,
			DedupeTTL:  a.cfg.DedupeTTL,
			DedupeMax:  a.cfg.DedupeMax,
		}),
		members: alone,
	}
	b.runs = append(b.runs, alone.Run)
	return b
}
