package redistest

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// VerifyMain runs the tests of a package that uses Redis, and fails if goroutines are left. It ends the process.
func VerifyMain(m *testing.M) { goleak.VerifyTestMain(patient{m}) }

// patient waits for a closed client's last second: it looks once more for a server that is gone.
type patient struct{ *testing.M }

func (p patient) Run() int {
	code := p.M.Run()
	for end := time.Now().Add(5 * time.Second); goleak.Find() != nil && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	return code
}
