package chaos

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// How long and from where TestStorm goes on: npm run chaos -- --minutes 30 --seed 7
var (
	minutes = flag.Float64("minutes", 0, "how long storms follow one another; 0: only the known ones")
	seed    = flag.Uint64("seed", 0, "seed of the first storm, the next ones count up; 0: any")
)

// knownStorms are seeds that once found a fault, and one for each weather.
var knownStorms = []struct {
	why     string
	weather Weather
	seed    uint64
	length  time.Duration
}{
	{"nodes and clients", Rough, 1, 8 * time.Second},
	{"everything", Wild, 2, 12 * time.Second},
	{"a Redis Cluster", Sharded, 3, 12 * time.Second},
	{"a record in a file", Solo, 159, 12 * time.Second},
	{"a poll that was stuck in a frozen node took messages with it", Rough, 220, 9 * time.Second},
}

// TestStorm injects faults at random times, several at once, while every sender talks.
func TestStorm(t *testing.T) {
	if *minutes > 0 {
		stormOn(t)
		return
	}
	t.Parallel()
	for _, k := range knownStorms {
		t.Run(k.why, func(t *testing.T) {
			t.Parallel()
			storm(t, k.weather, k.seed, k.length)
		})
	}
}

// stormOn runs one storm after another, each with its own seed, so that a failure can be repeated alone.
func stormOn(t *testing.T) {
	first := *seed
	if first == 0 {
		first = rand.Uint64N(1_000_000)
	}
	end := time.Now().Add(time.Duration(*minutes * float64(time.Minute)))
	for n := first; time.Now().Before(end); n++ {
		weather := Weather(n % 4)
		ok := t.Run(fmt.Sprintf("%s_%d", weather, n), func(t *testing.T) { storm(t, weather, n, 30*time.Second) })
		if !ok {
			t.Logf("to repeat it: npm run chaos -- --minutes 0.1 --seed %d", n)
		}
	}
}

func storm(t *testing.T, weather Weather, seed uint64, length time.Duration) {
	rnd := rand.New(rand.NewPCG(seed, 4))
	senders := 5 + rnd.IntN(11)
	var settings map[string]string
	if weather == Wild {
		// A node that starts after Redis was emptied may make another secret of the guests before the others can give back
		// theirs. The guests are then new ones, and a retry of theirs is a message of somebody else.
		settings = map[string]string{"AUTH_SECRET": strings.Repeat("chaos", 8)}
	}
	r := Open(t, Options{
		Settings: settings,
		Seed:     seed, Nodes: 2 + rnd.IntN(3), Clients: 30, Senders: senders,
		Rate:  float64(20+rnd.IntN(80)) / float64(senders),
		Rooms: 12, Visitors: 8, Sharded: weather == Sharded, Alone: weather == Solo,
		Redis: []string{"--appendonly", "yes", "--appendfsync", "always"},
	})
	r.Talk()
	r.Storm(weather, length)
	r.Settle(Expect{Resets: weather == Wild})
}

func TestAPlanIsRepeatable(t *testing.T) {
	describe := func(seed uint64) (text string) {
		for _, s := range Wild.plan(seed, 3, time.Minute) {
			text += fmt.Sprintln(s.at, s.what)
		}
		return text
	}
	first := describe(1)
	if again := describe(1); again != first {
		t.Errorf("the same seed gave two plans:\n%s\n%s", first, again)
	}
	if describe(2) == first {
		t.Error("two seeds gave the same plan")
	}
}
