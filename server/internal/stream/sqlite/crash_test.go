package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/race"
)

// rounds is how many crashes, and how many power cuts, are tried.
var rounds = 500

func init() {
	if race.Enabled {
		rounds = 25 // `npm test` runs all of them without the detector
	}
}

// load appends events that are their own keys, from several callers into several rooms, until stop is closed or an append fails.
// It calls acked with each that is acked.
type load struct {
	store   *Store
	round   int
	acked   func(room, event string)
	stop    chan struct{}
	sending func(room, event string) // is called before each append
	n       atomic.Int64
}

// loadRooms are the rooms that are spoken in.
var loadRooms = []string{Global, "cats", "dogs"}

// run returns when all callers have ended.
func (l *load) run(ctx context.Context, callers int) {
	var all sync.WaitGroup
	for _, name := range loadRooms {
		room := l.store.Room(name)
		defer room.Close()
		for range callers {
			all.Go(func() { l.speak(ctx, room, name) })
		}
	}
	all.Wait()
}

func (l *load) speak(ctx context.Context, room stream.Room, name string) {
	outcome := make(chan error, 1)
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		event := fmt.Sprintf("%d/%d %s", l.round, l.n.Add(1), strings.Repeat("x", rand.IntN(2000)))
		l.sending(name, event)
		err := room.Append(ctx, event, []byte(event), func(_ stream.Offset, err error) { outcome <- err })
		if err != nil {
			return
		}
		if <-outcome == nil {
			l.acked(name, event)
		}
	}
}

// timeline is all events of a room in the file, with how often each is there. It fails if offsets do not grow.
func timeline(t *testing.T, s *Store, name string) map[string]int {
	t.Helper()
	room := s.Room(name).(*room)
	defer room.Close()
	events := map[string]int{}
	var after stream.Offset
	for {
		entries, err := room.After(t.Context(), after, 1000)
		assert.NoError(t, err)
		if len(entries) == 0 {
			return events
		}
		for _, e := range entries {
			if e.Offset.Compare(after) <= 0 {
				t.Fatalf("room %q: %s after %s", name, e.Offset, after)
			}
			after = e.Offset
			events[string(e.Event)]++
		}
	}
}

// holds checks that every acked event is there once, sends all events again, and checks that none is there twice.
func holds(t *testing.T, s *Store, sent map[string]string, acked map[string]bool) {
	t.Helper()
	check := func(when string, want func(event string) bool) {
		for _, name := range loadRooms {
			events := timeline(t, s, name)
			for event, room := range sent {
				if n := events[event]; room == name && (n > 1 || n == 0 && want(event)) {
					t.Fatalf("%s: room %q has %.20q %d times", when, name, event, n)
				}
			}
		}
	}
	check("after the crash", func(event string) bool { return acked[event] })
	for _, name := range loadRooms {
		room := s.Room(name)
		var all sync.WaitGroup
		for event, in := range sent {
			if in == name {
				all.Add(1)
				assert.NoError(t, room.Append(t.Context(), event, []byte(event), func(_ stream.Offset, err error) {
					assert.NoError(t, err)
					all.Done()
				}))
			}
		}
		all.Wait()
		room.Close()
	}
	check("after all were sent again", func(string) bool { return true })
}

// crashing, set to a directory, makes the test binary a process that appends until it is killed.
const crashing = "SQLITE_TEST_CRASH"

// TestP12_NothingAckedIsLostByKill kills a process that appends, at any moment, again and again on one directory.
func TestP12_NothingAckedIsLostByKill(t *testing.T) {
	if dir := os.Getenv(crashing); dir != "" {
		appendUntilKilled(t, dir)
		return
	}
	dir := filepath.Join(t.TempDir(), "data")
	total := 0
	for round := range rounds {
		sent, acked := runAndKill(t, dir, round)
		total += len(acked)
		s, err := Open(t.Context(), Options{Dir: dir})
		assert.NoError(t, err)
		holds(t, s, sent, acked)
		if round%25 == 24 {
			assert.NoError(t, s.readers.do(t.Context(), (*conn).check))
		}
		assert.NoError(t, s.Close(t.Context()))
		if round%50 == 49 { // so that looking through all of it stays quick
			assert.NoError(t, os.RemoveAll(dir))
		}
	}
	t.Logf("%d rounds, %d acked", rounds, total)
	if total < 10*rounds {
		t.Errorf("only %d appends were acked", total)
	}
}

// appendUntilKilled says on the standard output what it sends and what is acked.
func appendUntilKilled(t *testing.T, dir string) {
	s, err := Open(t.Context(), Options{Dir: dir})
	assert.NoError(t, err)
	var mu sync.Mutex
	say := func(what, room, event string) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintf(os.Stdout, "%s\t%s\t%s\n", what, room, event)
	}
	l := &load{
		store: s, round: os.Getpid(), stop: make(chan struct{}),
		sending: func(room, event string) { say("sent", room, event) },
		acked:   func(room, event string) { say("acked", room, event) },
	}
	l.run(t.Context(), 4)
}

// runAndKill returns what the process has sent, by its room, and what was acked.
func runAndKill(t *testing.T, dir string, round int) (sent map[string]string, acked map[string]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestP12_NothingAckedIsLostByKill$")
	cmd.Env = append(os.Environ(), crashing+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, cmd.Start())
	sent, acked = map[string]string{}, map[string]bool{}
	lines := bufio.NewReader(out)
	rnd := rand.New(rand.NewPCG(uint64(round), 0))
	for left := 1 + rnd.IntN(60); ; {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a line that was cut off by the kill says nothing
		}
		assert.NoError(t, err)
		what, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		room, event, _ := strings.Cut(rest, "\t")
		switch what {
		case "sent":
			sent[event] = room
		case "acked":
			acked[event] = true
			if left--; left == 0 {
				time.AfterFunc(time.Duration(rnd.IntN(3000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
			}
		}
	}
	_ = cmd.Wait()
	return sent, acked
}

// TestP12_NothingAckedIsLostByAPowerCut appends to a simulated disk, cuts its power at any moment, and looks at what is left.
func TestP12_NothingAckedIsLostByAPowerCut(t *testing.T) {
	for seed := range uint64(rounds) {
		powerCut(t, seed, 0)
	}
}

// TestP12_NothingAckedIsLostByAFailingDisk does the same with a disk whose writes and syncs also fail now and then. A sync that
// has failed is not made good by the next one.
func TestP12_NothingAckedIsLostByAFailingDisk(t *testing.T) {
	for seed := range uint64(rounds / 5) {
		powerCut(t, seed, 0.02)
	}
}

func powerCut(t *testing.T, seed uint64, faulty float64) {
	t.Helper()
	d := newDisk(t, seed)
	before, after := filepath.Join(t.TempDir(), "before"), filepath.Join(t.TempDir(), "after")
	assert.NoError(t, os.Mkdir(after, 0o700))
	s, err := Open(t.Context(), Options{Dir: before, vfs: d.name, Logger: quiet})
	assert.NoError(t, err)
	d.wear(faulty)

	j := &ledger{sent: map[string]string{}, acked: map[string]bool{}, left: 1 + d.random(150), enough: make(chan struct{})}
	l := &load{store: s, stop: make(chan struct{}), sending: j.sending, acked: j.ack}
	var running sync.WaitGroup
	running.Go(func() { l.run(t.Context(), 3) })
	<-j.enough
	acked := j.soFar() // before the cut, which comes a little later
	d.cut(t, after)
	close(l.stop)
	d.wear(0)
	running.Wait()
	assert.NoError(t, s.Close(t.Context()))

	s, err = Open(t.Context(), Options{Dir: after})
	assert.NoError(t, err)
	holds(t, s, j.sent, acked)
	assert.NoError(t, s.readers.do(t.Context(), (*conn).check))
	assert.NoError(t, s.Close(t.Context()))
}

// TestP12_WhatAKilledProcessHasNotSyncedIsSyncedBeforeItCounts: a process is killed between the write of an entry and its sync.
// The next process sees the entry. It must not take it for stored before the disk has it.
func TestP12_WhatAKilledProcessHasNotSyncedIsSyncedBeforeItCounts(t *testing.T) {
	for seed := range uint64(20) {
		d := newDisk(t, seed)
		killed, next, after := t.TempDir(), t.TempDir(), t.TempDir()
		s, err := Open(t.Context(), Options{Dir: killed, vfs: d.name})
		assert.NoError(t, err)
		say := func(s *Store) <-chan error {
			room, outcome := s.Room(Global), make(chan error, 1)
			defer room.Close()
			assert.NoError(t, room.Append(t.Context(), "key", []byte("event"), func(_ stream.Offset, err error) { outcome <- err }))
			return outcome
		}
		resume := d.stop()
		first := say(s)
		assert.Receive(t, "a sync", d.waits)
		left := d.kill(t, killed, next)
		resume()
		assert.NoError(t, assert.Receive(t, "the outcome that nobody hears", first))
		assert.NoError(t, s.Close(t.Context()))

		s, err = Open(t.Context(), Options{Dir: next, vfs: left.name})
		assert.NoError(t, err)
		assert.NoError(t, assert.Receive(t, "the outcome of the retry", say(s)))
		left.cut(t, after)
		assert.NoError(t, s.Close(t.Context()))
		s, err = Open(t.Context(), Options{Dir: after})
		assert.NoError(t, err)
		assert.Equal(t, "times that the event is there", timeline(t, s, Global)["event"], 1)
		assert.NoError(t, s.Close(t.Context()))
	}
}

// ledger notes what was sent and what was acked.
type ledger struct {
	mu     sync.Mutex
	sent   map[string]string // event → room
	acked  map[string]bool
	left   int // until there are enough
	enough chan struct{}
}

func (j *ledger) sending(room, event string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.sent[event] = room
}

func (j *ledger) ack(_, event string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.acked[event] = true
	if j.left--; j.left == 0 {
		close(j.enough)
	}
}

// soFar is what is acked now.
func (j *ledger) soFar() map[string]bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.acked)
}

// quiet is the log of a store that is meant to fail.
var quiet = slog.New(slog.DiscardHandler)

// random is a number below n.
func (d *disk) random(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.IntN(n)
}
