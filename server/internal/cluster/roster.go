package cluster

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"scalable-chat/server/internal/nodeid"
)

// maxRecordBytes bounds one entry in Redis; a larger one is not read.
const maxRecordBytes = 512

// record is the entry of a node in Redis. Beat changes with each heartbeat; this change, not a clock, shows that the node
// is alive.
type record struct {
	Beat        uint64 `json:"beat"`
	Address     string `json:"address,omitempty"` // empty: cannot be reached by other nodes
	Connections int    `json:"connections"`
	Settings    string `json:"settings,omitempty"` // what the node would have all nodes have
	Left        bool   `json:"left,omitempty"`     // the node stopped in order
}

func (r record) encode() string {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // numbers, a string and a bool always encode
	}
	return string(b)
}

func decodeRecord(raw string) (record, error) {
	var r record
	if len(raw) > maxRecordBytes {
		return r, fmt.Errorf("node record of %d bytes", len(raw))
	}
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		return r, fmt.Errorf("node record: %w", err)
	}
	if r.Connections < 0 {
		return r, fmt.Errorf("node record: %d connections", r.Connections)
	}
	if r.Address != "" {
		if _, _, err := net.SplitHostPort(r.Address); err != nil {
			return r, fmt.Errorf("node record: %w", err)
		}
	}
	return r, nil
}

// roster decides from successive readings of the registry which of the other nodes live. A node is dead when its record
// has not changed for ttl; only the time between two readings counts, and no pair of readings counts for more than
// step. So neither Redis's clock nor the nodes' clocks matter, and no node is declared dead because
// of an outage of Redis, its restart without data, or a suspension of our own process. It is owned by one goroutine.
type roster struct {
	self  string
	ttl   time.Duration
	step  time.Duration
	last  time.Time
	peers map[string]*peer
}

type peer struct {
	raw    string // the record as last read
	record record
	age    time.Duration // how long the record has not changed
	beats  bool          // the record has changed since this node first saw it: it is no leftover
}

func newRoster(self string, ttl, step time.Duration) *roster {
	return &roster{self: self, ttl: ttl, step: step, peers: make(map[string]*peer)}
}

// observe takes one reading of the registry and returns the ids whose entries may be removed from it. If the registry is
// not writable, no node ages: the others cannot renew their records either.
func (r *roster) observe(now time.Time, entries map[string]string, writable bool) (dead []string) {
	var passed time.Duration
	if !r.last.IsZero() && writable {
		passed = min(max(now.Sub(r.last), 0), r.step)
	}
	r.last = now
	for id, p := range r.peers {
		p.age += passed
		if _, present := entries[id]; !present && p.age >= r.ttl {
			delete(r.peers, id)
		}
	}
	for id, raw := range entries {
		if id == r.self {
			continue
		}
		p := r.peers[id]
		if p == nil || p.raw != raw {
			r.peers[id] = newPeer(id, raw)
			r.peers[id].beats = p != nil
		} else if p.age >= r.ttl {
			dead = append(dead, id)
		}
	}
	return dead
}

// newPeer treats an entry that is not a valid record like a node that left: no request is sent there, and the entry ages
// until it may be removed.
func newPeer(id, raw string) *peer {
	rec, err := decodeRecord(raw)
	if err != nil || !nodeid.Valid(id) {
		rec = record{Left: true}
	}
	return &peer{raw: raw, record: rec}
}

// view is the roster as others see it. It never changes once it is made.
type view struct {
	nodes     int               // other live nodes
	online    int               // members that they have of the global room
	alive     map[string]bool   // their ids
	addresses map[string]string // of those that can be reached, by id
	claimed   map[string]bool   // the addresses of nodes that were seen to live
	others    []Node            // in the order of their ids
}

// lives reports whether the node is taken to be there.
func (r *roster) lives(p *peer) bool { return !p.record.Left && p.age < r.ttl }

// agree reports whether all other live nodes want these settings.
func (r *roster) agree(s Settings) bool {
	for _, p := range r.peers {
		if r.lives(p) && p.record.Settings != s.String() {
			return false
		}
	}
	return true
}

func (r *roster) view() *view {
	v := &view{alive: make(map[string]bool, len(r.peers)), addresses: make(map[string]string, len(r.peers)), claimed: make(map[string]bool, len(r.peers))}
	for id, p := range r.peers {
		if !r.lives(p) {
			continue
		}
		v.nodes++
		v.others = append(v.others, Node{ID: id, Address: p.record.Address, Connections: p.record.Connections})
		v.alive[id] = true
		v.online += p.record.Connections
		if p.record.Address != "" {
			v.addresses[id] = p.record.Address
			v.claimed[p.record.Address] = v.claimed[p.record.Address] || p.beats
		}
	}
	slices.SortFunc(v.others, func(a, b Node) int { return strings.Compare(a.ID, b.ID) })
	return v
}
