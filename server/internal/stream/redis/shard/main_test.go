package shard

import (
	"testing"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/test/redistest"
)

func TestMain(m *testing.M) {
	redistest.Silence() // the tests take Redis away on purpose
	// It ends within a second after its client was closed.
	dial := goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial")
	goleak.VerifyTestMain(m, dial)
}
