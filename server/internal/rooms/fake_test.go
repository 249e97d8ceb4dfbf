package rooms

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errAway = errors.New("away")

// backend has records that answer when they are told to, or at once.
type backend struct {
	slow  bool // records wait for answer
	fails atomic.Bool

	mu     sync.Mutex
	open   map[string]*record
	opened int
	double int // rooms that were open twice at the same time
	asked  int // questions for the public list
}

var _ stream.Rooms = (*backend)(nil)

func (b *backend) Room(name string) stream.Room {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		b.open = map[string]*record{}
	}
	if b.open[name] != nil {
		b.double++
	}
	r := &record{backend: b, name: name}
	b.open[name] = r
	b.opened++
	return r
}

func (b *backend) Online(_ context.Context, names []string) ([]int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if b.fails.Load() {
		return nil, errAway
	}
	online := make([]int, len(names))
	for i, name := range names {
		online[i] = len(name)
	}
	return online, nil
}

// record returns the open record of a room.
func (b *backend) record(name string) *record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open[name]
}

func (b *backend) count() (open, opened int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.open), b.opened
}

type record struct {
	stream.Record
	backend *backend
	name    string
	sink    stream.Sink
}

func (r *record) Follow(_ int, sink stream.Sink) {
	r.sink = sink
	if !r.backend.slow {
		r.answer()
	}
}

// answer is the first thing that the sink gets.
func (r *record) answer() { r.sink.Reset([]stream.Entry{{Offset: stream.Offset{Ms: 1}}}) }

func (r *record) Publish([]byte) {}
func (r *record) SetMembers(int) {}
func (r *record) Close() {
	r.backend.mu.Lock()
	defer r.backend.mu.Unlock()
	delete(r.backend.open, r.name)
}

// deeds are what the manager has done with a place.
type deeds struct {
	told                    []int
	resets, drained, closed int
}

type place struct {
	mu sync.Mutex
	deeds
}

func (p *place) Reset([]stream.Entry)   { p.do(func() { p.resets++ }) }
func (p *place) Deliver([]stream.Entry) {}
func (p *place) Message([]byte)         {}
func (p *place) Presence(online int)    { p.do(func() { p.told = append(p.told, online) }) }
func (p *place) Close()                 { p.do(func() { p.closed++ }) }
func (p *place) Drain(context.Context) error {
	p.do(func() { p.drained++ })
	return nil
}

func (p *place) did() deeds {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.deeds
	d.told = slices.Clone(d.told)
	return d
}

func (p *place) do(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn()
}

// client is a session.
type client struct {
	address netip.Prefix
	once    sync.Once
	visit   any
	leaving atomic.Bool
}

func (c *client) Network() netip.Prefix { return c.address }

func (c *client) Leaving() bool { return c.leaving.Load() }

func (c *client) Visit(make func() any) any {
	c.once.Do(func() { c.visit = make() })
	return c.visit
}

// at is a client of an address.
func at(address string) *client {
	ip := netip.MustParseAddr(address)
	return &client{address: netip.PrefixFrom(ip, ip.BitLen())}
}

// node is a manager over a fake backend.
type node struct {
	*Manager
	backend *backend

	mu      sync.Mutex
	places  map[string]*place // the last of each name
	refused map[string]int
}

// start makes a node; change, which may be nil, edits its options and limits.
func start(t *testing.T, change func(*Options, *bounds)) *node {
	t.Helper()
	n := &node{backend: &backend{}, places: map[string]*place{}, refused: map[string]int{}}
	o := Options{
		Backend: n.backend, Permits: func(name string) bool { return name != "secret" },
		Listed: []string{"general", "random"}, Max: 1000, PerConnection: 50, Tail: 10,
		Open: func(name string, _ stream.Room, _ func(int) int) Place {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.places[name] = &place{}
			return n.places[name]
		},
		Refused: func(code string) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.refused[code]++
		},
	}
	b := defaultBounds
	if change != nil {
		change(&o, &b)
	}
	n.Manager = newManager(o, b)
	t.Cleanup(n.Close)
	return n
}

func (n *node) place(name string) *place {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.places[name]
}

// remembered is how many networks the manager remembers.
func (n *node) remembered() int {
	n.Manager.mu.Lock()
	defer n.Manager.mu.Unlock()
	return len(n.networks)
}
