package adapter

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/stream/memory"
	"scalable-chat/server/internal/test/assert"
)

// query asks the other nodes and returns the answers, sorted.
func query(p *peer, namespace string, timeout time.Duration) ([]string, error) {
	answers := []string{}
	err := p.hub.Query(namespace, timeout, func(answer json.RawMessage) bool {
		answers = append(answers, string(answer))
		return true
	})
	slices.Sort(answers)
	return answers, err
}

// answerWithNumbers makes nodes answer queries with their number and the namespace.
func answerWithNumbers(nodes []*peer) {
	for i, n := range nodes {
		n.hub.opts.Answer = func(namespace string) []byte {
			text, _ := json.Marshal([]any{i, namespace})
			return text
		}
	}
}

func TestClusterQuery(t *testing.T) {
	_, nodes := newPeers(t, 4)
	answerWithNumbers(nodes[:3])
	for range 3 {
		for _, namespace := range []string{"/", "/nowhere"} {
			answers, err := query(nodes[0], namespace, patience)
			assert.NoError(t, err)
			assert.Equal(t, "answers", answers, []string{`[1,"` + namespace + `"]`, `[2,"` + namespace + `"]`, `[]`})
		}
	}
	forgotten(t, nodes)
}

func TestClusterQueryGetsWhatDidComeInTime(t *testing.T) {
	f, nodes := newPeers(t, 3)
	answerWithNumbers(nodes)
	f.set(func(f *fabric) {
		f.lose = func(to string, m *message) bool { return m.Kind == kindQuery && to == "node2" }
	})
	answers, err := query(nodes[0], "/", 300*time.Millisecond)
	assert.Equal(t, "unanswered", errors.Is(err, ErrUnanswered), true)
	assert.Equal(t, "what did come", answers, []string{`[1,"/"]`})

	f.set(func(f *fabric) { f.lose, f.err = nil, errors.New("full") })
	_, err = query(nodes[0], "/", patience)
	assert.Equal(t, "not asked", err != nil && !errors.Is(err, ErrUnanswered), true)
	forgotten(t, nodes)
}

func TestClusterQueryDoesNotCountAnAnswerThatMakesNoSense(t *testing.T) {
	_, nodes := newPeers(t, 3)
	answerWithNumbers(nodes)
	refused := 0
	err := nodes[0].hub.Query("/", 300*time.Millisecond, func(answer json.RawMessage) bool {
		if string(answer) == `[1,"/"]` {
			refused++
			return false
		}
		return true
	})
	assert.Equal(t, "unanswered", errors.Is(err, ErrUnanswered), true)
	assert.Equal(t, "refused", refused, 1)
	assert.Equal(t, "counted", nodes[0].hub.Stats().BusMalformed, 1)

	nodes[1].hub.opts.Answer = func(string) []byte { return []byte("[") }
	_, err = query(nodes[0], "/", 300*time.Millisecond)
	assert.Equal(t, "unanswered", errors.Is(err, ErrUnanswered), true)
	assert.Equal(t, "not sent", nodes[1].hub.Stats().BusUnsent, 1)
}

func TestClusterQueryEndsWithTheHub(t *testing.T) {
	f, nodes := newPeers(t, 2)
	f.losing(kindQuery)
	ended := make(chan error, 1)
	go func() {
		_, err := query(nodes[0], "/", patience)
		ended <- err
	}()
	assert.Eventually(t, "asked", func() bool { return f.count() > 0 })
	nodes[0].hub.Close()
	assert.Equal(t, "closed", errors.Is(await(t, "end", ended), ErrClosed), true)
}

func TestQueryOfANodeThatIsAloneAsksNobody(t *testing.T) {
	p := newPeer(t, memory.New(memory.Options{}), nil, nil)
	answers, err := query(p, "/", patience)
	assert.NoError(t, err)
	assert.Equal(t, "answers", answers, []string{})
}

func TestEachClientThatIsGreetedIsFound(t *testing.T) {
	made := map[Client]bool{}
	n := newNode(t, nil, func(s *setup) {
		s.Client = func(*socket.Socket, *auth.Speaker) Client {
			c := &counted{}
			made[c] = true
			return c
		}
	})
	first, _ := n.join("")
	_, _ = n.join("")
	found := map[Client]bool{}
	n.hub.Each("/", func(c Client) { found[c] = true })
	assert.Equal(t, "clients", found, made)
	n.hub.Each("/nowhere", func(Client) { t.Error("found somebody") })

	first.Close(true)
	assert.Eventually(t, "gone", func() bool {
		left := 0
		n.hub.Each("/", func(Client) { left++ })
		return left == 1
	})
}

// counted is a client that can be told from others.
type counted struct{ _ int }

func (*counted) Event(context.Context, string, []any, func(...any)) bool { return false }
func (*counted) Left(bool) time.Duration                                 { return 0 }
