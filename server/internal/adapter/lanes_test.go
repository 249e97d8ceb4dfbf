package adapter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/engineio"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/siotest"
)

// answering is a client that answers each event with its name.
func answering(*socket.Socket, *auth.Speaker) Client {
	return handler(func(_ context.Context, event string, _ []any, ack func(...any)) bool {
		ack(event)
		return true
	})
}

// newRoomPeer is a node with an edge that has these namespaces open; they share a log.
func newRoomPeer(t *testing.T, edit func(*setup, *engineio.Options), names ...string) *peer {
	t.Helper()
	p := newPeer(t, memory.New(memory.Options{}), nil, nil, edit)
	p.withRooms(memory.New(memory.Options{}), func(b *Binding) { b.Client = answering })
	for _, name := range names {
		p.hub.Open(name)
	}
	return p
}

// doorkeeper opens a namespace for the first who enters, and discards it when the last one has left.
type doorkeeper struct {
	hub *Hub

	mu      sync.Mutex
	opened  int
	inside  map[string]int
	refused error // of Discard
}

func (k *doorkeeper) Enter(_ context.Context, _ *engineio.Session, namespace string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.inside[namespace]++; k.inside[namespace] == 1 {
		k.hub.Open(namespace)
		k.opened++
	}
	return nil
}

func (k *doorkeeper) Leave(_ *engineio.Session, namespace string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.inside[namespace]--; k.inside[namespace] == 0 {
		k.refused = errors.Join(k.refused, k.hub.Discard(namespace))
	}
}

// stalling identifies nobody in one namespace before it is released.
type stalling struct {
	namespace string
	release   chan struct{}
}

func (s stalling) edit(_ *setup, o *engineio.Options) {
	o.Identify = func(_ context.Context, _ *engineio.Session, c engineio.Connect) error {
		if c.Namespace == s.namespace {
			<-s.release
		}
		return nil
	}
}

func TestROOM11_ASlowConnectHoldsNoOtherRoomOfTheConnection(t *testing.T) {
	slow := stalling{"/rooms/slow", make(chan struct{})}
	p := newRoomPeer(t, slow.edit, cats, slow.namespace)
	c := p.dialRoom("{}")
	c.send("40"+slow.namespace+",{}", "42"+slow.namespace+`,1["waits"]`)
	for i := range 10 {
		c.send(fmt.Sprintf(`42%s,%d["x"]`, cats, i))
		c.want(fmt.Sprintf(`43%s,%d["x"]`, cats, i))
	}
	close(slow.release)
	for _, prefix := range []string{"40" + slow.namespace + `,{"sid"`, "42" + cats + `,["presence"`, "43" + slow.namespace + `,1["waits"]`} {
		if got := c.receive(); !strings.HasPrefix(got, prefix) {
			t.Errorf("got %s, want %s", got, prefix)
		}
	}
}

// round enters rooms, asks in each, and leaves it again, without waiting in between; then it reads all that comes of it.
func (c *remote) round(number int, rooms []string) {
	c.t.Helper()
	question := fmt.Sprintf(`,%d["x"]`, number)
	for _, packet := range [][2]string{{"40", ","}, {"42", question}, {"41", ","}} {
		for _, name := range rooms {
			c.send(packet[0] + name + packet[1])
		}
	}
	acks := map[string]int{}
	for range 3 * len(rooms) {
		if ack, ok := strings.CutPrefix(c.receive(), "43"); ok {
			acks[ack]++
		}
	}
	for _, name := range rooms {
		assert.Equal(c.t, "acks in "+name, acks[name+question], 1)
	}
}

func TestP10_ManyRoomsOfManyConnectionsAtOnceLeaveNothing(t *testing.T) {
	rooms := []string{cats, "/rooms/dogs", "/rooms/birds", "/rooms/fish", "/rooms/bees"}
	keeper := &doorkeeper{inside: map[string]int{}}
	p := newPeer(t, memory.New(memory.Options{}), nil, nil, func(_ *setup, o *engineio.Options) { o.Gate = keeper })
	keeper.hub = p.hub
	p.withRooms(memory.New(memory.Options{}), func(b *Binding) { b.Client = answering })
	const connections, rounds = 40, 10
	var all sync.WaitGroup
	busy := make(chan struct{}, 4) // few at once: so a room is empty most of the time
	for range connections {
		c := p.dial("/", "{}")
		all.Go(func() {
			busy <- struct{}{}
			defer func() { <-busy }()
			for number := range rounds {
				c.round(number, rooms)
			}
			for _, name := range rooms {
				c.send("40"+name+",", "42"+name+`,["x"]`)
			}
			_ = c.net.Close() // in the middle of it
		})
	}
	all.Wait()
	assert.Eventually(t, "no namespace is left", func() bool { return p.hub.parent.Children().Len() == 0 })
	keeper.mu.Lock()
	defer keeper.mu.Unlock()
	assert.NoError(t, keeper.refused)
	t.Logf("opened %d times", keeper.opened)
}

// TestP6_AnOrphanIsDisconnected: what the edge keeps for a socket whose session has ended, parts that socket and no other.
func TestP6_AnOrphanIsDisconnected(t *testing.T) {
	p := newPeer(t, memory.New(memory.Options{}), nil, nil)
	for range 2 {
		c := siotest.Open(siotest.Options{URL: "http://" + p.addr, Transport: siotest.WebSocket})
		t.Cleanup(c.Close)
	}
	all := p.main().members
	count := func() int { all.mu.RLock(); defer all.mu.RUnlock(); return len(all.all) }
	assert.Eventually(t, "both are here", func() bool { return count() == 2 })
	one := all.match(nil, nil)[0]
	assert.Eventually(t, "it is connected", one.socket.Connected)
	var kept engineio.Resident = one
	for range 2 {
		kept.Part()
		assert.Equal(t, "connected", one.socket.Connected(), false)
		assert.Equal(t, "members", count(), 1)
	}
}
