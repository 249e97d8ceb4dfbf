package adapter

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
)

// emitter is a broadcast operator, or a socket on another node.
type emitter interface {
	Emit(event string, args ...any) error
}

// ask emits a question and returns the channel of its outcome.
func ask(t *testing.T, to emitter) <-chan outcome {
	t.Helper()
	outcomes := make(chan outcome, 10)
	assert.NoError(t, to.Emit("ask", func(values []any, err error) { outcomes <- outcome{values, err} }))
	return outcomes
}

// sorted is what a callback was called with, sorted.
func (o outcome) sorted() string {
	texts := []string{}
	for _, v := range o.values {
		texts = append(texts, fmt.Sprint(v))
	}
	slices.Sort(texts)
	return fmt.Sprint(texts)
}

// forgotten checks that the hub waits for no answer any more.
func forgotten(t *testing.T, nodes []*peer, clients ...*remote) {
	t.Helper()
	for _, c := range clients {
		assert.Eventually(t, "no callback is kept", func() bool { return c.socket().Acks().Len() == 0 })
	}
	for _, n := range nodes {
		assert.Eventually(t, "no answer is waited for", func() bool { return n.hub.awaited.Load() == 0 })
		assert.Eventually(t, "no request is open", func() bool {
			n.hub.requests.mu.Lock()
			defer n.hub.requests.mu.Unlock()
			return len(n.hub.requests.open) == 0
		})

	}
}

func TestClusterBroadcastWithAcknowledgement(t *testing.T) {
	_, nodes := newPeers(t, 3)
	a, b, c, d := nodes[0].dial("/", ""), nodes[1].dial("/", ""), nodes[2].dial("/", ""), nodes[2].dial("/", "")
	outcomes := ask(t, nodes[0].io.Timeout(patience))
	for i, r := range []*remote{a, b, c, d} {
		id := r.question(`["ask"]`)
		// One value counts for each client, however the client answers, and however often.
		answer := "43" + id + []string{`["a"]`, `["b",2]`, `[]`, `["d"]`}[i]
		r.send(answer, answer, answer)
	}
	o := await(t, "answers", outcomes)
	assert.NoError(t, o.err)
	assert.Equal(t, "answers", o.sorted(), "[<nil> a b d]")
	forgotten(t, nodes, a, b, c, d)

	outcomes = ask(t, nodes[0].io.In(b.room, c.room).Except(c.room).Timeout(patience))
	b.send("43" + b.question(`["ask"]`) + `[1]`)
	o = await(t, "answers", outcomes)
	assert.NoError(t, o.err)
	assert.Equal(t, "answers", o.sorted(), "[1]")

	outcomes = ask(t, nodes[2].io.Local().Timeout(patience))
	for _, r := range []*remote{c, d} {
		r.send("43" + r.question(`["ask"]`) + `["local"]`)
	}
	o = await(t, "answers", outcomes)
	assert.NoError(t, o.err)
	assert.Equal(t, "answers", o.sorted(), "[local local]")
	forgotten(t, nodes, a, b, c, d)
	assert.Equal(t, "callbacks too many", len(outcomes), 0)
}

func TestClusterBroadcastWithAcknowledgementTimesOut(t *testing.T) {
	_, nodes := newPeers(t, 2)
	a, b := nodes[0].dial("/", ""), nodes[1].dial("/", "")
	outcomes := ask(t, nodes[0].io.Timeout(300*time.Millisecond))
	late := a.question(`["ask"]`)
	b.send("43" + b.question(`["ask"]`) + `["in time"]`)
	o := await(t, "time-out", outcomes)
	assert.Equal(t, "failed", o.err != nil, true)
	assert.Equal(t, "what did come", o.sorted(), "[in time]")
	forgotten(t, nodes, a, b)
	a.send("43" + late + `["late"]`)
	assert.NoError(t, nodes[0].io.Local().Emit("next"))
	a.want(`42["next",null]`)
	assert.Equal(t, "callbacks too many", len(outcomes), 0)
}

func TestClusterLostMessagesOfAnAcknowledgement(t *testing.T) {
	f, nodes := newPeers(t, 2)
	a, b := nodes[0].dial("/", ""), nodes[1].dial("/", "")
	for _, k := range []kind{kindAsk, kindAsked, kindAck} {
		f.losing(k)
		outcomes := ask(t, nodes[0].io.Timeout(time.Second)) // long enough for the answers that arrive
		a.send("43" + a.question(`["ask"]`) + `["a"]`)
		if k != kindAsk {
			b.send("43" + b.question(`["ask"]`) + `["b"]`)
		}
		o := await(t, "time-out", outcomes)
		assert.Equal(t, string(k)+" was lost", o.err != nil, true)
		assert.Equal(t, string(k)+" was lost", o.sorted(), "[a]")
	}
	f.set(func(f *fabric) { f.lose, f.err = nil, errors.New("full") })
	o := await(t, "time-out", ask(t, nodes[0].io.Timeout(10*time.Millisecond)))
	assert.Equal(t, "failed", o.err != nil, true)
	forgotten(t, nodes, a, b)
}

func TestClusterSocketOfAnotherNodeAnswers(t *testing.T) {
	_, nodes := newPeers(t, 2)
	b := nodes[1].dial("/", "")
	found, err := fetch(t, nodes[0].io)
	assert.NoError(t, err)
	for _, answer := range []string{`[1]`, `[]`, `["x",{"y":[2]}]`, `[null]`, `[[3]]`} {
		outcomes := ask(t, found[0].Timeout(patience))
		b.send("43" + b.question(`["ask"]`) + answer)
		o := await(t, "answer", outcomes)
		assert.NoError(t, o.err)
		want := map[string]string{`[]`: "[]", `[1]`: "[1]", `[null]`: "[<nil>]", `[[3]]`: "[[3]]"}[answer]
		if want == "" {
			want = "[x map[y:[2]]]"
		}
		assert.Equal(t, "answer "+answer, fmt.Sprint(o.values), want)
	}
	// So does a client of this node.
	found, err = fetch(t, nodes[1].io)
	assert.NoError(t, err)
	outcomes := ask(t, found[0].Timeout(patience))
	b.send("43" + b.question(`["ask"]`) + `[1,2]`)
	assert.Equal(t, "answer", fmt.Sprint(await(t, "answer", outcomes).values), "[1 2]")

	// A client that is gone cannot answer: the outcome is a time-out, not a panic of the library.
	nodes[1].io.DisconnectSockets(false)
	b.want("41")
	assert.Eventually(t, "gone", func() bool { return nodes[1].io.Sockets().Sockets().Len() == 0 })
	for _, n := range nodes {
		s := socket.NewRemoteSocket(n.io.Sockets().Adapter(), found[0])
		if o := await(t, "time-out", ask(t, s.Timeout(20*time.Millisecond))); o.err == nil {
			t.Errorf("nobody answered %v", o.values)
		}
	}
	forgotten(t, nodes)
}

func TestClusterBinaryAnswersAreRefusedBetweenNodes(t *testing.T) {
	_, nodes := newPeers(t, 2)
	a, b := nodes[0].dial("/", ""), nodes[1].dial("/", "")
	outcomes := ask(t, nodes[0].io.Timeout(300*time.Millisecond))
	for _, r := range []*remote{a, b} {
		r.send("461-" + r.question(`["ask"]`) + `[{"_placeholder":true,"num":0}]`)
		assert.NoError(t, wsutil.WriteClientBinary(r.net, []byte("x")))
	}
	o := await(t, "time-out", outcomes)
	assert.Equal(t, "failed", o.err != nil, true)
	assert.Equal(t, "answers", len(o.values), 1) // the answer of this node
	assert.Equal(t, "unsent", nodes[1].hub.Stats().BusUnsent, 1)
	forgotten(t, nodes, a, b)
}

// withAck broadcasts at the adapter, and the test sees its calls.
func (p *peer) withAck(timeout time.Duration, single bool) (counts <-chan uint64, answers <-chan []any) {
	c, a := make(chan uint64, 100), make(chan []any, 100)
	opts := &socket.BroadcastOptions{Flags: &socket.BroadcastFlags{Timeout: &timeout, ExpectSingleResponse: single}}
	p.main().BroadcastWithAck(&parser.Packet{Type: parser.EVENT, Data: []any{"ask"}}, opts,
		func(n uint64) { c <- n }, func(args []any, _ error) { a <- args })
	return c, a
}

func TestClusterCountsComeWhenNoAnswerIsMissing(t *testing.T) {
	_, nodes := newPeers(t, 3)
	counts, _ := nodes[0].withAck(patience, false)
	assert.Equal(t, "nobody is asked", await(t, "count", counts)+await(t, "count", counts)+await(t, "count", counts), 0)

	b, c := nodes[1].dial("/", ""), nodes[2].dial("/", "")
	counts, answers := nodes[0].withAck(patience, false)
	b.send("43" + b.question(`["ask"]`) + `["b"]`)
	assert.Equal(t, "answer", fmt.Sprint(await(t, "answer", answers)), "[b]")
	id := c.question(`["ask"]`)
	assert.Equal(t, "counts while one is missing", len(counts), 0)
	c.send("43" + id + `["c"]`)
	assert.Equal(t, "answer", fmt.Sprint(await(t, "answer", answers)), "[c]")
	assert.Equal(t, "clients", await(t, "count", counts)+await(t, "count", counts)+await(t, "count", counts), 2)
	forgotten(t, nodes, b, c)
	assert.Equal(t, "counts", len(counts), 0)

	// The asker ignores a node that answers unasked, or more often than announced.
	counts, answers = nodes[0].withAck(patience, false)
	request := nodes[0].hub.requests.last
	for _, m := range []string{
		`{"k":"ack","i":%d,"a":["before the count"]}`, `{"k":"asked","i":%d,"m":1}`, `{"k":"asked","i":%d,"m":5}`,
		`{"k":"ack","i":%d,"a":["stranger"]}`, `{"k":"ack","i":%d,"a":["one too many"]}`,
	} {
		nodes[0].hub.receive("stranger", fmt.Appendf(nil, m, request))
	}
	assert.Equal(t, "answer", fmt.Sprint(await(t, "answer", answers)), "[stranger]")
	for _, r := range []*remote{b, c} {
		r.send("43" + r.question(`["ask"]`) + `[]`)
		await(t, "answer", answers)
	}
	assert.Equal(t, "clients", await(t, "count", counts), 3)
	assert.Equal(t, "answers", len(answers), 0)
}

func TestClusterMayChangeWhileAnswersCome(t *testing.T) {
	f, shared := &fabric{}, memory.New(memory.Options{})
	var count atomic.Int64
	nodes := []*peer{}
	for range 2 {
		nodes = append(nodes, newPeer(t, shared, f.join(t), func() int { return int(count.Load()) }))
	}
	a, b := nodes[0].dial("/", ""), nodes[1].dial("/", "")
	for _, later := range []int64{1, 2, 5} {
		count.Store(2)
		outcomes := ask(t, nodes[0].io.Timeout(patience))
		count.Store(later)
		for _, r := range []*remote{a, b} {
			r.send("43" + r.question(`["ask"]`) + `["yes"]`)
		}
		o := await(t, "answers", outcomes)
		assert.NoError(t, o.err)
		assert.Equal(t, "answers", o.sorted(), "[yes yes]")
		forgotten(t, nodes, a, b)
		assert.Equal(t, "callbacks too many", len(outcomes), 0)
	}
}

func TestP6_AnswersThatAreWaitedForAreBounded(t *testing.T) {
	_, nodes := newPeers(t, 1)
	a := nodes[0].dial("/", "")
	nodes[0].hub.awaited.Store(maxAnswers)
	o := await(t, "time-out", ask(t, nodes[0].io.Timeout(10*time.Millisecond)))
	assert.Equal(t, "failed", o.err != nil, true)
	nodes[0].hub.awaited.Store(0)
	assert.NoError(t, nodes[0].io.Local().Emit("not asked"))
	a.want(`42["not asked",null]`)
	assert.Equal(t, "callbacks", a.socket().Acks().Len(), 0)
}

// twice calls the callback of a question as the library does when its client answers twice at once.
func (c *remote) twice(question string) {
	c.t.Helper()
	id, err := strconv.ParseUint(c.question(question), 10, 64)
	assert.NoError(c.t, err)
	callback, ok := c.socket().Acks().Load(id)
	if !ok {
		c.t.Fatal("no callback is kept")
	}
	callback([]any{"first"}, nil)
	callback([]any{"second"}, nil)
	c.socket().Acks().Delete(id)
}

func TestTwoAnswersOfAClientCountOnce(t *testing.T) {
	_, nodes := newPeers(t, 2)
	a, b := nodes[0].dial("/", ""), nodes[1].dial("/", "")
	calls := make(chan string, 10)
	assert.NoError(t, a.socket().Emit("ask", func(args []any, _ error) {
		calls <- fmt.Sprint(args)
		panic("a callback that trusts its client")
	}))

	a.twice(`["ask"]`)
	assert.Equal(t, "answer", await(t, "answer", calls), "[first]")
	assert.Equal(t, "answers", len(calls), 0)
	assert.Equal(t, "panics", nodes[0].hub.Stats().Panics, 1)

	c := nodes[1].dial("/", "")
	outcomes := ask(t, nodes[0].io.Timeout(patience))
	a.twice(`["ask"]`)
	b.twice(`["ask"]`)
	c.send("43" + c.question(`["ask"]`) + `["third"]`)
	o := await(t, "answers", outcomes)
	assert.NoError(t, o.err)
	assert.Equal(t, "answers", o.sorted(), "[first first third]")
	forgotten(t, nodes, a, b, c)
}

func TestClusterCountComesBeforeTheAnswers(t *testing.T) {
	f, nodes := newPeers(t, 2)
	b := nodes[1].dial("/", "")
	var told, sent atomic.Bool
	f.set(func(f *fabric) {
		f.lose = func(_ string, m *message) bool {
			told.CompareAndSwap(false, m.Kind == kindAsked)
			return false
		}
	})
	b.socket().OnAnyOutgoing(func(args ...any) {
		sent.Store(true)
		assert.Equal(t, "event", fmt.Sprint(args), "[ask]")
		assert.Equal(t, "the count was sent before", told.Load(), true)
	})
	outcomes := ask(t, nodes[0].io.Timeout(patience))
	b.send("43" + b.question(`["ask"]`) + `[1]`)
	assert.NoError(t, await(t, "answers", outcomes).err)
	assert.Equal(t, "sent", sent.Load(), true)
}
