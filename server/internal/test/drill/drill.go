//go:build linux

// Package drill attacks a real chatd process as strangers would, and measures what its other clients notice.
//
// While an attack lasts, a speaker and a few listeners go on talking from another address. The attackers are a process of their
// own, which yields to the node and to the listeners: on another machine, as they would be, they would take no time from either.
// A drill is passed if their messages
// arrive in time, if the node's memory grows by no more than stated, and if the node serves new clients soon after. All
// sockets stay on the loopback network, and every attack ends by itself.
//
// The tests run each attack small; `npm run drill` runs it as large as it is described.
package drill

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"scalable-chat/server/internal/test/authority"
	"scalable-chat/server/internal/test/chaos"
	"scalable-chat/server/internal/test/race"
	"scalable-chat/server/internal/test/siotest"
)

// What has to hold during and after every attack.
const (
	maxLatency  = 250 * time.Millisecond // of 99 % of the messages of others
	maxRecovery = 10 * time.Second       // until a new client is served
	// The race detector makes everything so many times slower and larger.
	underRace = 10
)

// drill is one attack.
type drill struct {
	name   string
	attack func(a *attack)     // runs the attack until it is over, and says in words what it did
	ready  func(n *chaos.Node) // what happens to the node when the attack first says something; nil: nothing
	tls    bool                // the node speaks TLS
	memory int                 // MiB by which the node may grow
}

// result is what the others noticed.
type result struct {
	name, did string
	messages  int
	p99, max  time.Duration
	grown     int // MiB
	recovery  time.Duration
}

const header = "| attack | what was done | messages to others | p99 | longest | memory | recovery |\n|---|---|---:|---:|---:|---:|---:|"

func (r result) String() string {
	return fmt.Sprintf("| %s | %s | %d | %d ms | %d ms | +%d MiB | %.1f s |",
		r.name, r.did, r.messages, r.p99.Milliseconds(), r.max.Milliseconds(), r.grown, r.recovery.Seconds())
}

// judge fails the test if others noticed too much.
func (r result) judge(t *testing.T, memory int) {
	t.Helper()
	slower := time.Duration(1)
	if race.Enabled {
		slower, memory = underRace, memory*underRace
	}
	if r.messages < 20 {
		t.Errorf("others got %d messages only", r.messages)
	}
	if r.p99 > slower*maxLatency {
		t.Errorf("p99 of others: %v, at most %v", r.p99, slower*maxLatency)
	}
	if r.grown > memory {
		t.Errorf("the node grew by %d MiB, at most %d", r.grown, memory)
	}
	if r.recovery > slower*maxRecovery {
		t.Errorf("a new client was served after %v, at most %v", r.recovery, slower*maxRecovery)
	}
}

// run starts a node, attacks it, and judges what the others noticed.
func (d drill) run(t *testing.T, divisor int, length time.Duration) result {
	settings, as := map[string]string{"LOG_LEVEL": "error"}, siotest.Options{Transport: siotest.WebSocket}
	scheme := "http://"
	if d.tls {
		files := authority.New(t)
		settings["TLS_CERT_FILE"], settings["TLS_KEY_FILE"], as.TLS = files.Cert, files.Key, files.Client(t)
		scheme = "https://"
	}
	n := chaos.NewNode(t, 0, "", t.TempDir(), settings)
	n.Start()
	as.URL = scheme + n.Addr
	c := gather(t, as)
	defer c.leave()
	c.listen() // what is built once is built before the memory is measured
	before, _ := n.Memory()
	c.reset()
	r := result{name: d.name, did: d.launch(t, n, divisor, length)}
	latencies := c.reset()
	began := time.Now()
	c.newcomer()
	r.recovery = time.Since(began)
	_, peak := n.Memory()
	r.grown = (peak - before) >> 20
	if len(latencies) > 0 {
		slices.Sort(latencies)
		r.messages, r.p99, r.max = len(latencies), latencies[len(latencies)*99/100], latencies[len(latencies)-1]
	}
	r.judge(t, d.memory)
	return r
}
