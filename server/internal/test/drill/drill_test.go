//go:build linux

package drill

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/test/chaos"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(orders); text != "" {
		obey(text)
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(chaos.Finish))
}

// full makes the attacks as large as their descriptions say: npm run drill
var full = flag.Bool("full", false, "run the attacks in full size")

// TestP6_Drills: under every attack the others talk on, memory is bounded, and new clients are served soon.
func TestP6_Drills(t *testing.T) {
	divisor, length := 20, 2*time.Second
	if *full {
		divisor, length = 1, 10*time.Second
	}
	var table []string
	for _, d := range drills {
		t.Run(strings.ReplaceAll(d.name, " ", "_"), func(t *testing.T) {
			table = append(table, d.run(t, divisor, length).String())
		})
	}
	fmt.Printf("\n%s\n%s\n\n", header, strings.Join(table, "\n"))
}
