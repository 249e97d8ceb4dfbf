package redis

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// The client library logs every failed dial by itself, in its own format. What matters of it is reported by [health], so
// the rest is kept for debugging.
func init() { redis.SetLogger(debugLog{}) }

type debugLog struct{}

// Printf implements the logger of the client library.
func (debugLog) Printf(ctx context.Context, format string, v ...any) {
	if log := slog.Default(); log.Enabled(ctx, slog.LevelDebug) {
		log.DebugContext(ctx, fmt.Sprintf(format, v...))
	}
}
