package cluster

import (
	"slices"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

const (
	nodeA = "aaaaaaaa"
	nodeB = "bbbbbbbb"
	nodeC = "cccccccc"
)

// readings drives a roster of ttl 8 s, step 2 s with one reading per second by default.
type readings struct {
	t   *testing.T
	r   *roster
	now time.Time
}

func newReadings(t *testing.T) *readings {
	return &readings{t: t, r: newRoster(nodeA, 8*time.Second, 2*time.Second), now: time.Unix(1000, 0)}
}

func (r *readings) read(after time.Duration, entries map[string]string) []string {
	r.now = r.now.Add(after)
	dead := r.r.observe(r.now, entries, true)
	slices.Sort(dead)
	return dead
}

func (r *readings) online(want int) {
	r.t.Helper()
	assert.Equal(r.t, "online", r.r.view().online, want)
}

func entry(beat uint64, connections int) string {
	return record{Beat: beat, Address: "10.0.0.2:8000", Connections: connections}.encode()
}

func TestRosterForgetsANodeThatStoppedBeating(t *testing.T) {
	r := newReadings(t)
	frozen := map[string]string{nodeA: entry(1, 5), nodeB: entry(1, 7), nodeC: entry(1, 1)}
	for i := range 8 {
		frozen[nodeC] = entry(uint64(i), 1)
		if dead := r.read(time.Second, frozen); len(dead) > 0 {
			t.Fatalf("dead after %d s: %v", i, dead)
		}
		r.online(8)
	}
	frozen[nodeC] = entry(100, 1)
	dead := r.read(time.Second, frozen)
	if !slices.Equal(dead, []string{nodeB}) {
		t.Fatalf("dead: %v", dead)
	}
	r.online(1)
	// The entry is still there if its removal failed: the node stays dead.
	frozen[nodeC] = entry(101, 1)
	if dead := r.read(time.Second, frozen); !slices.Equal(dead, []string{nodeB}) {
		t.Fatalf("dead: %v", dead)
	}
	r.online(1)
	// A node that was only slow is back with its next heartbeat.
	frozen[nodeB] = entry(2, 7)
	r.read(time.Second, frozen)
	r.online(8)
}

func TestP5_RosterOutlivesAnOutageOfRedis(t *testing.T) {
	r := newReadings(t)
	r.read(0, map[string]string{nodeB: entry(1, 7)})
	// An hour without readings, then Redis returns empty: the other nodes have some seconds to return.
	for range 3 {
		r.read(time.Hour, map[string]string{nodeA: entry(1, 1)})
		r.online(7)
	}
	r.read(time.Second, map[string]string{nodeB: entry(2, 9)})
	r.online(9)
	for range 9 {
		r.read(time.Second, map[string]string{})
	}
	r.online(0)
	assert.Equal(t, "remembered", len(r.r.peers), 0)
}

func TestRosterBelievesAFarewellAtOnce(t *testing.T) {
	r := newReadings(t)
	r.read(0, map[string]string{nodeB: entry(1, 7)})
	left := record{Beat: 2, Left: true}.encode()
	r.read(time.Second, map[string]string{nodeB: left})
	r.online(0)
	assert.Equal(t, "addresses", len(r.r.view().addresses), 0)
	var dead []string
	for range 8 {
		dead = r.read(time.Second, map[string]string{nodeB: left})
	}
	if !slices.Equal(dead, []string{nodeB}) {
		t.Fatalf("the farewell stays: %v", dead)
	}
}

func TestRosterCountsANodeThatCannotBeReached(t *testing.T) {
	r := newReadings(t)
	r.read(0, map[string]string{nodeB: record{Beat: 1, Connections: 7}.encode()})
	r.online(7)
	assert.Equal(t, "nodes", r.r.view().nodes, 1)
	assert.Equal(t, "addresses", len(r.r.view().addresses), 0)
}

func TestRosterTrustsNoGarbage(t *testing.T) {
	r := newReadings(t)
	garbage := map[string]string{
		nodeB:      "{",
		nodeC:      `{"beat":1,"address":"10.0.0.1:1","connections":-5}`,
		"dddddddd": `{"beat":1,"address":"nowhere","connections":5}`,
		"too long": entry(1, 5),
		"eeeeeeee": entry(1, 5) + string(make([]byte, maxRecordBytes)),
	}
	var dead []string
	for range 9 {
		dead = r.read(time.Second, garbage)
		r.online(0)
	}
	assert.Equal(t, "removed", len(dead), len(garbage))
}
