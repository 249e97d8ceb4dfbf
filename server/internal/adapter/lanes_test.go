package adapter

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
)

// answering is a client that answers each event with its name.
func answering(*socket.Socket, auth.Identity) Client {
	return handler(func(_ context.Context, event string, _ []any, ack func(...any)) bool {
		ack(event)
		return true
	})
}

// roomyPeer is a node with an edge that has these namespaces open; they share a log.
func roomyPeer(t *testing.T, change func(*Binding), names ...string) *peer {
	t.Helper()
	_, nodes := newPeers(t, 1)
	nodes[0].roomy(memory.New(memory.Options{}), func(b *Binding) {
		b.Client = answering
		change(b)
	})
	for _, name := range names {
		nodes[0].hub.Open(name)
	}
	return nodes[0]
}

// stalling lets nobody into one namespace before it is released.
type stalling struct {
	namespace string
	release   chan struct{}
}

func (s stalling) Authenticate(c auth.Connect) (auth.Identity, *auth.Refusal) {
	if c.Namespace == s.namespace {
		<-s.release
	}
	return auth.Identity{}, nil
}

func TestROOM11_ASlowConnectHoldsNoOtherRoomOfTheConnection(t *testing.T) {
	slow := stalling{"/rooms/slow", make(chan struct{})}
	p := roomyPeer(t, func(b *Binding) { b.Authenticator = slow }, cats, slow.namespace)
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
	p := roomyPeer(t, func(*Binding) {}, rooms...)
	const connections, rounds = 20, 25
	var all sync.WaitGroup
	for range connections {
		c := p.dial("/", "{}")
		all.Go(func() {
			for number := range rounds {
				c.round(number, rooms)
			}
			_ = c.net.Close()
		})
	}
	all.Wait()
	for _, name := range rooms {
		assert.Eventually(t, "nothing is left in "+name, func() bool { return p.hub.Discard(name) == nil })
		assert.Equal(t, "members", p.hub.Members(name), 0)
	}
	assert.Equal(t, "children", p.hub.parent.Children().Len(), 0)
}
