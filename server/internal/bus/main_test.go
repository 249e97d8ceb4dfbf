package bus

import (
	"testing"

	"scalable-chat/server/internal/test/redistest"
)

func TestMain(m *testing.M) {
	redistest.Silence() // the tests take Redis away on purpose
	redistest.VerifyMain(m)
}
