//go:build unix

package app

import (
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

// What the floods of this file may cost a node beyond its memory before: floods that are refused, and floods
// within every limit, where each client has two packets in flight.
const (
	refusedMemory = 64 << 20
	legalMemory   = 128 << 20
)

// floodClients is how many connections take part in a flood.
const floodClients = 200

// values is the list of n objects with one member each, in JSON.
func values(n int) string { return strings.Repeat(`{"":0},`, n-1) + `{"":0}` }

// crowded is a packet of the largest size that consists of values.
func crowded(front, back string) string {
	return front + values((64<<10-len(front)-len(back))/len(`{"":0},`)) + back
}

// TestP6_AFloodOfValues: packets are held decoded while they wait for their turn, so a node's memory must not
// depend on how much a decoder makes of each byte. Legal floods are as bounded as refused ones.
func TestP6_AFloodOfValues(t *testing.T) {
	const future = `"pid":"p","offset":"99999999999999-0"` // the node waits for it
	within := values(120)                                  // 240 values
	text := strings.Repeat("x", 60<<10)
	for _, flood := range []struct {
		name           string
		connect, event string
		most           int64
	}{
		{"CONNECT", crowded(`40{`+future+`,"x":[`, `]}`), "", refusedMemory},
		{"events", "40", crowded(`42["event:message",{"message":"m","username":"u","x":[`, `]}]`), refusedMemory},
		{"acks", "40", crowded(`430[`, `]`), refusedMemory},
		{"legal CONNECT", `40{` + future + `,"x":[` + within + `,"` + text + `"]}`, "", legalMemory},
		{"legal events", "40", `42["event:message",{"message":"m","username":"u","x":[` + within + `,"` + text + `"]}]`, legalMemory},
	} {
		t.Run(flood.name, func(t *testing.T) {
			a := start(t, "--message-rate=50", "--message-burst=200")
			peak := floodPeak(t, a, flood.connect, flood.event)
			t.Logf("%d MB more", peak>>20)
			if peak > flood.most {
				t.Errorf("the flood cost %d MB", peak>>20)
			}
		})
	}
}

// floodPeak lets clients connect and send the event as fast as the node reads, for a while, and returns by how much the
// process's memory grew meanwhile.
func floodPeak(t *testing.T, a *App, connect, event string) (peak int64) {
	t.Helper()
	n := floodClients
	if underRace {
		n /= 10
	}
	clients := make([]*raw, n)
	for i := range clients {
		r, err := dial(a.Addr())
		assert.NoError(t, err)
		defer r.close()
		clients[i] = r
	}
	connected, sent := frame(1, connect), frame(1, event)
	debug.FreeOSMemory()
	before := memoryInUse()
	var over atomic.Bool
	var all sync.WaitGroup
	for _, r := range clients {
		all.Go(func() {
			_, err := r.net.Write(connected)
			for err == nil && event != "" && !over.Load() {
				_, err = r.net.Write(sent)
			}
		})
	}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		peak = max(peak, memoryInUse()-before)
	}
	over.Store(true)
	for _, r := range clients {
		r.close()
	}
	all.Wait()
	return peak
}

// TestLIM11_SixConnectionsDoNotUseACore: bytes are paced as well as events, so that a few clients cannot keep the processor
// busy with decoding.
func TestLIM11_SixConnectionsDoNotUseACore(t *testing.T) {
	a := start(t, "--message-rate=50", "--message-burst=200")
	text := strings.Repeat(`\u00e9`, 10<<10)
	event := frame(1, `42["event:message",{"message":"m","username":"u","x":[`+values(120)+`,"`+text+`"]}]`)
	var all sync.WaitGroup
	for range 6 {
		r, _ := join(t, a, "")
		all.Go(func() {
			for err := error(nil); err == nil; {
				_, err = r.net.Write(event)
			}
		})
		time.AfterFunc(6*time.Second, r.close)
	}
	time.Sleep(2 * time.Second) // the bursts are over
	began := cpuTime(t)
	time.Sleep(3 * time.Second)
	used := cpuTime(t) - began
	t.Logf("%v of processor time in 3 s", used)
	most := 600 * time.Millisecond
	if underRace {
		most = 3 * time.Second // all of it
	}
	if used > most {
		t.Errorf("six connections took %v of processor time in 3 s", used)
	}
	all.Wait()
}

// cpuTime is how much processor time the process has used.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	assert.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// memoryInUse is the memory that the process has from the system and has not given back.
func memoryInUse() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}
