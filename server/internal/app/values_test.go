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
	"scalable-chat/server/internal/test/race"
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
	if race.Enabled {
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

// What six connections send at once in the test and the benchmark below: packets that are costly to decode.
const (
	largeRate  = 50                  // MESSAGE_RATE and MESSAGE_BURST
	largeBytes = largeRate * 4 << 10 // so many a second, and in the burst (LIM-11)
)

func largeEvent() []byte {
	text := strings.Repeat(`\u00e9`, 10<<10)
	return frame(1, `427["event:message",{"message":"m","username":"u","x":[`+values(120)+`,"`+text+`"]}]`)
}

// sendLarge lets six connections send so many large events each, as fast as the node reads, and waits for all acks.
func sendLarge(t testing.TB, a *App, each int) {
	t.Helper()
	event := largeEvent()
	var all sync.WaitGroup
	for range 6 {
		r, err := dial(a.Addr())
		assert.NoError(t, err)
		t.Cleanup(r.close)
		_, err = r.connect("")
		assert.NoError(t, err)
		all.Go(func() {
			for range each {
				_, _ = r.net.Write(event)
			}
		})
		all.Go(func() {
			for acks := 0; acks < each; {
				packet, err := r.read()
				if err != nil {
					t.Errorf("%d of %d acks: %v", acks, each, err)
					return
				}
				if strings.HasPrefix(packet, "437[") {
					acks++
				}
			}
		})
	}
	all.Wait()
}

// TestLIM11_SixConnectionsAreDelayed: bytes are paced as well as events, so that a few clients cannot keep the processor busy
// with decoding.
func TestLIM11_SixConnectionsAreDelayed(t *testing.T) {
	const each = 12
	a := start(t, "--message-rate=50", "--message-burst=50")
	began := time.Now()
	sendLarge(t, a, each)
	// All but the burst, and but the last one, is paid for.
	least := time.Duration((each-1)*len(largeEvent())-largeBytes) * time.Second / largeBytes
	if took := time.Since(began); took < least {
		t.Errorf("%d events of each connection were handled in %v, faster than in %v", each, took, least)
	}
}

// BenchmarkLIM11_SixConnections reports how much of a core six such connections use. One operation is one event of each:
//
//	go test -run '^$' -bench LIM11 -benchtime 20x ./internal/app
func BenchmarkLIM11_SixConnections(b *testing.B) {
	a := start(b, "--message-rate=50", "--message-burst=50")
	began, used := time.Now(), cpuTime(b)
	sendLarge(b, a, b.N)
	b.ReportMetric((cpuTime(b)-used).Seconds()/time.Since(began).Seconds(), "cores")
}

// cpuTime is how much processor time the process has used.
func cpuTime(t testing.TB) time.Duration {
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
