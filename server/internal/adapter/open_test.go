package adapter

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
)

const cats = "/rooms/cats"

// withRooms makes a node ready to open namespaces, which share one record. change may be nil.
func (n *node) withRooms(s stream.Stream, change func(*Binding)) {
	n.t.Helper()
	b := n.bindingOf(s)
	if change != nil {
		change(&b)
	}
	n.hub.opts.Bind = func(Namespace) Binding { return b }
	n.hub.Attach(n.io)
}

// newRoomNode is a node that is ready to open namespaces.
func newRoomNode(t *testing.T, change func(*setup)) *node {
	t.Helper()
	n := newNode(t, nil, change)
	n.withRooms(memory.New(memory.Options{}), nil)
	return n
}

// bindingOf gives a namespace a log that follows a stream. Its frames are those of [cats].
func (n *node) bindingOf(s stream.Stream) Binding {
	n.t.Helper()
	const prefix = "2" + cats + ","
	r := replica.New(replica.Options{
		Stream: s, Sweepers: n.sweepers, Encode: encoderOf(prefix), Decode: func(frame []byte) []byte { return frame },
		Logger: n.hub.logger,
	})
	life, end := context.WithCancel(n.t.Context())
	assert.NoError(n.t, r.Load(life))
	following := sync.WaitGroup{}
	following.Go(func() { _ = r.Run(life, s) })
	n.t.Cleanup(func() {
		end()
		r.Close()
		following.Wait()
	})
	return Binding{Replica: r, Greeting: greetingOf(prefix, 0)}
}

// enter connects the session to a namespace and returns the answer.
func (f *fake) enter(t *testing.T, nsp, auth string) string {
	t.Helper()
	f.send("0" + nsp + "," + auth)
	return f.next(t)
}

// isIn reports whether an answer to a CONNECT lets the client in.
func isIn(answer string) bool { return strings.HasPrefix(answer, "0") }

// fetched is how many sockets the library's API finds in a namespace.
func (n *node) fetched(nsp string) int {
	found, err := fetch(n.t, n.io.Of(nsp, nil))
	assert.NoError(n.t, err)
	return len(found)
}

func TestROOM1_ANamespaceIsThereFromOpenToDiscard(t *testing.T) {
	n := newRoomNode(t, nil)
	f := n.open()
	assert.Equal(t, "before", f.enter(t, cats, "{}"), "4"+cats+`,{"message":"Invalid namespace"}`)
	for range 3 {
		n.hub.Open(cats)
		assert.Equal(t, "open", isIn(f.enter(t, cats, "{}")), true)
		f.next(t) // the greeting
		assert.Equal(t, "while it is occupied", errors.Is(n.hub.Discard(cats), ErrOccupied), true)
		assert.Eventually(t, "it is a member", func() bool { return n.hub.Members(cats) == 1 })
		f.send("1" + cats + ",")
		assert.Eventually(t, "it can be discarded", func() bool { return n.hub.Discard(cats) == nil })
		assert.Equal(t, "members", n.hub.Members(cats), 0)
		assert.Equal(t, "afterwards", f.enter(t, cats, "{}"), "4"+cats+`,{"message":"Invalid namespace"}`)
	}
	assert.Equal(t, "children", n.hub.parent.Children().Len(), 0)
	assert.NoError(t, n.hub.Discard(cats))
	assert.NoError(t, n.hub.Discard("/"))
	assert.Equal(t, "/ still answers", isIn(f.enter(t, "/", "{}")), true)
}

// keeper opens a namespace for the first who joins and discards it after the last, as the owner of a hub does.
type keeper struct {
	hub  *Hub
	mu   sync.Mutex
	refs int
}

func (k *keeper) join(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refs++; k.refs == 1 && k.hub.namespaceOf(name) == nil {
		k.hub.Open(name)
	}
}

func (k *keeper) leave(name string) {
	k.mu.Lock()
	k.refs--
	k.mu.Unlock()
	for { // until the library has nothing of the last socket
		k.mu.Lock()
		done := k.refs > 0 || k.hub.Discard(name) == nil
		k.mu.Unlock()
		if done {
			return
		}
		runtime.Gosched()
	}
}

func TestP10_RacingJoinsLeavesAndDiscardsSplitAndForgetNothing(t *testing.T) {
	n := newRoomNode(t, nil)
	k := &keeper{hub: n.hub}
	const rounds, name = 1500, cats
	leave := func(f *fake) { f.close("transport close"); k.leave(name) }
	for round := range rounds {
		first, others := n.open(), []*fake{n.open(), n.open()}
		k.join(name)
		first.enter(t, name, "{}")
		var all sync.WaitGroup
		all.Go(func() { leave(first) })
		for _, f := range others {
			all.Go(func() {
				k.join(name)
				if answer := f.enter(t, name, "{}"); !isIn(answer) {
					t.Errorf("round %d: %s", round, answer)
				}
			})
		}
		all.Wait()
		assert.Eventually(t, "two sockets are in the namespace", func() bool { return n.fetched(name) == 2 })
		for _, f := range others {
			all.Go(func() { leave(f) })
		}
		all.Wait()
		assert.Equal(t, "namespaces that are left", n.hub.parent.Children().Len(), 0)
	}
}

func TestP10_ADiscardedNamespaceLeavesNoMemory(t *testing.T) {
	n := newRoomNode(t, nil)
	const many = 100_000
	cycle := func(count int) {
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for ; i < count; i += 4 {
					name := fmt.Sprintf("/rooms/%d", i)
					n.hub.Open(name)
					assert.NoError(t, n.hub.Discard(name))
				}
			})
		}
		all.Wait()
	}
	cycle(many / 10) // what grows once
	before := assert.HeapInUse()
	cycle(many)
	if grown := assert.HeapInUse() - before; grown > 2<<20 {
		t.Errorf("%d namespaces left %d bytes", many, grown)
	}
	assert.Equal(t, "children", n.hub.parent.Children().Len(), 0)
}

func TestP10_AnEmptyNamespaceIsSmall(t *testing.T) {
	const many = 5000
	n := newRoomNode(t, nil)
	n.hub.Open("/rooms/first")
	before := assert.HeapInUse()
	for i := range many {
		n.hub.Open(fmt.Sprintf("/rooms/%d", i))
	}
	each := (assert.HeapInUse() - before) / many
	t.Logf("an empty namespace: %d bytes", each)
	if each > 2048 {
		t.Errorf("an empty namespace takes %d bytes", each)
	}
}

func TestP10_OneMoreSocketOfAConnectionIsSmall(t *testing.T) {
	const rooms, connections = 50, 40
	n := newRoomNode(t, nil)
	var all []*fake
	for range connections {
		f, _ := n.join("{}")
		all = append(all, f)
	}
	for i := range rooms {
		n.hub.Open(fmt.Sprintf("/rooms/%d", i))
	}
	before, goroutines := assert.HeapInUse(), runtime.NumGoroutine()
	for i := range rooms {
		for _, f := range all {
			f.enter(t, fmt.Sprintf("/rooms/%d", i), "{}")
			f.next(t)
		}
	}
	assert.Eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
	each := (assert.HeapInUse() - before) / (rooms * connections)
	t.Logf("one more socket of a connection: %d bytes", each)
	if each > 3<<10 {
		t.Errorf("one more socket of a connection takes %d bytes", each)
	}
}
