package streamtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// testProperty makes random sequences of calls to the stream and to a model, a plain slice. The list includes seeds that
// once failed.
func testProperty(t *testing.T, h Harness) {
	for _, seed := range []uint64{1, 2, uint64(time.Now().UnixNano())} {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			m := &model{t: t, h: h, rnd: rand.New(rand.NewPCG(seed, 0))}
			m.reset()
			for range 150 {
				m.step()
			}
			m.check()
		})
	}
}

type model struct {
	t         *testing.T
	h         Harness
	rnd       *rand.Rand
	entries   []stream.Entry // since the last flush
	trimmed   int            // how many of them are gone
	keys      map[string]stream.Offset
	followers []*modelFollower
	n         int
}

// modelFollower is a follower and the number of its first entry in the model.
type modelFollower struct {
	*follower
	from int
}

func (m *model) step() {
	switch n := m.rnd.IntN(100); {
	case n < 55:
		m.append()
	case n < 75:
		m.last()
	case n < 85:
		m.follow()
	case n < 92:
		m.check()
	case n < 98:
		m.trim()
	default:
		m.flush()
	}
}

func (m *model) append() {
	m.n++
	key, event := "", fmt.Sprintf("event %d %*s", m.n, m.rnd.IntN(3000), "")
	if m.rnd.IntN(3) == 0 {
		key = fmt.Sprint("key ", m.rnd.IntN(20))
	}
	offset := mustAppend(m.t, m.h, key, event)
	if first, ok := m.keys[key]; ok && key != "" {
		assert.Equal(m.t, "offset of "+key, offset, first)
		return
	}
	newest := m.entries[len(m.entries)-1]
	if offset.Compare(newest.Offset) <= 0 {
		m.t.Fatalf("offset %s after %s", offset, newest.Offset)
	}
	m.entries = append(m.entries, stream.Entry{Offset: offset, Event: []byte(event)})
	m.keys[key] = offset
}

func (m *model) last() {
	n := m.rnd.IntN(len(m.entries) + 3)
	before, end := stream.Offset{}, len(m.entries)
	if m.rnd.IntN(2) == 0 {
		end = m.rnd.IntN(len(m.entries))
		before = m.entries[end].Offset
	}
	from := min(max(m.trimmed, end-n), end)
	if end <= m.trimmed {
		from = end
	}
	sameEntries(m.t, last(m.t, m.h, before, n), m.entries[from:end])
}

func (m *model) follow() {
	after := m.trimmed + m.rnd.IntN(len(m.entries)-m.trimmed)
	m.followers = append(m.followers, &modelFollower{follow(m.t, m.h, m.entries[after].Offset), after + 1})
	if len(m.followers) > 4 {
		m.followers[0].stop()
		m.followers = m.followers[1:]
	}
}

// check waits until every follower has seen all.
func (m *model) check() {
	for _, f := range m.followers {
		sameEntries(m.t, f.wait(len(m.entries)-f.from), m.entries[f.from:])
	}
}

func (m *model) trim() {
	m.check() // another test covers a follower that lags behind
	keep := 1 + m.rnd.IntN(len(m.entries)-m.trimmed)
	m.h.Trim(keep)
	m.trimmed = len(m.entries) - keep
}

func (m *model) flush() {
	m.check()
	m.h.Flush()
	for _, f := range m.followers {
		isError(m.t, f.end(), stream.ErrGap)
	}
	m.reset()
}

func (m *model) reset() {
	m.followers, m.trimmed, m.keys = nil, 0, map[string]stream.Offset{}
	if m.n == 0 {
		// An earlier seed may have left entries: begin where the stream is.
		m.entries = last(m.t, m.h, stream.Offset{}, 1)
		m.h.Trim(1)
		m.h.Expire()
		return
	}
	fresh := last(m.t, m.h, stream.Offset{}, 10)
	assert.Equal(m.t, "entries after a flush", len(fresh), 1)
	if old := m.entries[len(m.entries)-1]; fresh[0].Offset.Compare(old.Offset) <= 0 {
		m.t.Fatalf("genesis %s after %s", fresh[0].Offset, old.Offset)
	}
	m.entries = fresh
}
