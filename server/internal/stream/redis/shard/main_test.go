package shard

import (
	"testing"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/test/redistest"
)

func TestMain(m *testing.M) {
	redistest.Silence() // the tests take Redis away on purpose
	goleak.VerifyTestMain(m)
}
