package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/nodeid"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/background"
	"scalable-chat/server/internal/test/journal"
	"scalable-chat/server/internal/test/redistest"
)

// nodeA is the id of a node that does not run.
const nodeA = "aaaaaaaa"

// newBus starts a bus and waits until it receives.
func newBus(t *testing.T, r *redistest.Server) *Redis {
	t.Helper()
	client := redistest.NewClient(t, r.Addr)
	b := runBus(t, client)
	waitHearing(t, client, b)
	return b
}

func runBus(t *testing.T, client redis.UniversalClient) *Redis {
	b := New(Config{Client: client, Key: "chat", ID: nodeid.New(), Log: journal.Quiet})
	background.Run(t, b.Run)
	return b
}

func waitHearing(t *testing.T, client redis.UniversalClient, b *Redis) {
	t.Helper()
	own := b.channel(b.cfg.ID)
	assert.Eventually(t, "the bus is subscribed", func() bool {
		return client.PubSubNumSub(t.Context(), own).Val()[own] == 1
	})
}

// inbox collects "from topic payload".
type inbox struct {
	mu    sync.Mutex
	lines []string
}

func (i *inbox) listen(b *Redis, topic string) {
	b.Subscribe(topic, func(from string, payload []byte) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.lines = append(i.lines, fmt.Sprintf("%s %s %s", from, topic, payload))
	})
}

func (i *inbox) all() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string(nil), i.lines...)
}

func (i *inbox) wait(t *testing.T, n int) []string {
	t.Helper()
	assert.Eventually(t, fmt.Sprintf("%d messages", n), func() bool { return len(i.all()) >= n })
	return i.all()
}

func TestBusReachesTheOthersAndOneOfThem(t *testing.T) {
	r := redistest.Start(t)
	a, b, c := newBus(t, r), newBus(t, r), newBus(t, r)
	var atA, atB, atC inbox
	atA.listen(a, "typing")
	atB.listen(b, "typing")
	atC.listen(c, "typing")
	for range 3 {
		assert.Equal(t, "publish", a.Publish("other", []byte("x")), nil)
	}
	assert.Equal(t, "publish", a.Publish("typing", []byte("all")), nil)
	assert.Equal(t, "send", a.Send(c.cfg.ID, "typing", []byte("c only")), nil)
	assert.Equal(t, "send", a.Send(nodeid.New(), "typing", []byte("nobody")), nil)
	assert.Equal(t, "publish", a.Publish("typing", []byte("end")), nil)
	from := a.cfg.ID + " typing "
	assert.Equal(t, "at b", fmt.Sprint(atB.wait(t, 2)), fmt.Sprint([]string{from + "all", from + "end"}))
	assert.Equal(t, "at c", fmt.Sprint(atC.wait(t, 3)), fmt.Sprint([]string{from + "all", from + "c only", from + "end"}))
	assert.Equal(t, "at the sender", len(atA.all()), 0)
	assert.Equal(t, "sent", a.Stats().Sent, 7)
}

func TestBusKeepsTheOrderOfASender(t *testing.T) {
	r := redistest.Start(t)
	a, b := newBus(t, r), newBus(t, r)
	var at inbox
	at.listen(b, "n")
	const n = 5000
	for i := range n {
		assert.Eventually(t, "room", func() bool { return !errors.Is(a.Publish("n", fmt.Append(nil, i)), ErrFull) })
		if i%500 == 499 { // the receiver's queue is bounded as well
			at.wait(t, i+1)
		}
	}
	for i, line := range at.wait(t, n) {
		assert.Equal(t, "message", line, fmt.Sprintf("%s n %d", a.cfg.ID, i))
	}
}

func TestBusHearsARepetitionOnce(t *testing.T) {
	r := redistest.Start(t)
	b := newBus(t, r)
	client := redistest.NewClient(t, r.Addr)
	var at inbox
	at.listen(b, "n")
	for _, seq := range []uint64{1, 2, 1, 2, 3} {
		e := envelope{from: nodeA, seq: seq, topic: "n", payload: fmt.Append(nil, seq)}
		client.Publish(t.Context(), b.channel(""), e.encode())
	}
	assert.Equal(t, "heard", fmt.Sprint(at.wait(t, 3)), fmt.Sprintf("[%s n 1 %[1]s n 2 %[1]s n 3]", nodeA))
	client.Publish(t.Context(), b.channel(""), "garbage")
	assert.Eventually(t, "garbage is counted", func() bool { return b.Stats().Malformed == 1 })
}

func TestP6_BusIsBoundedAndNeverBlocks(t *testing.T) {
	r := redistest.Start(t)
	a, b := newBus(t, r), newBus(t, r)
	release := make(chan struct{})
	b.Subscribe("slow", func(string, []byte) { <-release })
	defer close(release)
	big := make([]byte, MaxPayload)
	for range 2 * queueBytes / MaxPayload {
		assert.Eventually(t, "room", func() bool { return a.Publish("slow", big) == nil })
	}
	assert.Eventually(t, "the listener's loss is counted", func() bool { return b.Stats().Unheard > 0 })
	if n := b.in.bytes.Load(); n > queueBytes {
		t.Fatalf("%d bytes wait", n)
	}
	r.Stop()
	defer r.Cont()
	lost := 0
	for range 2 * queueLen {
		if err := a.Publish("slow", big); errors.Is(err, ErrFull) {
			lost++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	assert.Equal(t, "some are lost", lost > 0, true)
	if n := a.out.bytes.Load(); n > queueBytes {
		t.Fatalf("%d bytes wait", n)
	}
}

func TestP5_BusComesBackWithRedis(t *testing.T) {
	r := redistest.Start(t)
	a, b := newBus(t, r), newBus(t, r)
	var at inbox
	at.listen(b, "n")
	r.Kill()
	assert.Equal(t, "publish", a.Publish("n", []byte("lost")), nil)
	assert.Eventually(t, "the loss is counted", func() bool { return a.Stats().Unsent == 1 })
	r.Restart()
	client := redistest.NewClient(t, r.Addr)
	waitHearing(t, client, b)
	assert.Equal(t, "publish", a.Publish("n", []byte("back")), nil)
	assert.Equal(t, "heard", at.wait(t, 1)[0], a.cfg.ID+" n back")
}

func TestBusReplacesAConnectionThatDiedSilently(t *testing.T) {
	r := redistest.Start(t)
	grave, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer grave.Close()
	var dials atomic.Int64
	client := redis.NewClient(&redis.Options{
		Protocol: 2, DisableIdentity: true, MaxRetries: -1,
		Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
			address := r.Addr
			if dials.Add(1) == 1 {
				address = grave.Addr().String()
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	})
	defer client.Close()
	b := New(Config{Client: client, Key: "chat", ID: nodeid.New(), Log: journal.Quiet})
	b.patience = 30 * time.Millisecond
	defer background.Run(t, b.Run)()
	waitHearing(t, redistest.NewClient(t, r.Addr), b)
	// An idle connection that answers stays open.
	before := dials.Load()
	background.Outlast(t, 5*b.patience)
	assert.Equal(t, "dials", dials.Load(), before)
}

func TestBusSurvivesASubscriberThatPanics(t *testing.T) {
	r := redistest.Start(t)
	a, b := newBus(t, r), newBus(t, r)
	cancel := b.Subscribe("n", func(string, []byte) { panic("oops") })
	assert.Equal(t, "publish", a.Publish("n", nil), nil)
	assert.Eventually(t, "panic counted", func() bool { return b.Stats().Panics == 1 })
	cancel()
	assert.Equal(t, "topics", len(b.subscribers), 0)
	var at inbox
	at.listen(b, "n")
	assert.Equal(t, "publish", a.Publish("n", []byte("on")), nil)
	at.wait(t, 1)
}

func TestBusRefusesWhatItCannotCarry(t *testing.T) {
	b := New(Config{Key: "chat", ID: nodeA})
	long := string(bytes.Repeat([]byte("x"), maxTopicBytes+1))
	for name, err := range map[string]error{
		"no topic": b.Publish("", nil), "long topic": b.Publish(long, nil),
		"large": b.Publish("t", make([]byte, MaxPayload+1)), "no node": b.Send("x", "t", nil),
	} {
		if !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add(string(envelope{from: nodeA, seq: 1 << 40, topic: "typing", payload: []byte("x")}.encode()))
	f.Fuzz(func(t *testing.T, data string) {
		if e, err := decodeEnvelope(data); err == nil && string(e.encode()) != data {
			t.Fatalf("%q became %q", data, e.encode())
		}
	})
}
