package fanout

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// prepend puts the frames from first to last before the log.
func prepend(l *Log, first, last uint64, size func(uint64) int) bool {
	return l.Prepend(l.Back(1<<30), offset(first-1), logFrames(first, last, size))
}

const olderFrames, olderLast = 2000, 6000 // the first frame after those that come late, and the last one

// ahead appends the frames that come after the base.
func ahead(l *Log, rng *rand.Rand) {
	for n := uint64(olderFrames + 1); n <= olderLast; {
		end := min(n+rng.Uint64N(20), olderLast)
		l.Append(logFrames(n, end, stormSize))
		n = end + 1
	}
}

// back prepends the frames that come before it.
func back(t *testing.T, l *Log, rng *rand.Rand) {
	for end := uint64(olderFrames); end > 0; {
		first := end - min(rng.Uint64N(100), end-1)
		if !prepend(l, first, end, stormSize) {
			t.Error("the log begins elsewhere")
			return
		}
		end = first - 1
	}
}

// Frames are put before the log while others append to it, and clients that begin anywhere follow both.
func TestP10_OlderFramesComeWhileTheLogGrowsAndClientsFollow(t *testing.T) {
	seed := stormSeed(t)
	l := newTestLog(t, settings{MaxCount: 3 * olderLast, Shards: 2})
	l.Reset(offset(olderFrames))
	var acting, reading sync.WaitGroup
	acting.Go(func() { ahead(l, rand.New(rand.NewPCG(seed, 1))) })
	acting.Go(func() { back(t, l, rand.New(rand.NewPCG(seed, 2))) })
	var members []*member
	for name, reader := range readers {
		if name == "upgrade" {
			continue // leaves its poll at a frame that it may have seen before
		}
		m := &member{name: name, rng: rand.New(rand.NewPCG(seed, uint64(10+len(members))))}
		m.begin(t, l.sweepers, reader)
		members = append(members, m)
		reading.Go(func() { m.read(t) })
		acting.Go(func() {
			for range 60 {
				at := l.Back(m.rng.IntN(olderLast))
				m.conn.Join(at, joinFrame(at))
			}
		})
	}
	acting.Wait()
	for _, m := range members {
		at := l.Back(1 << 30)
		assert.Equal(t, "the log begins with", at.Offset(), offset(0))
		m.conn.Join(at, joinFrame(at))
		assert.Eventually(t, m.name+" to have everything", func() bool { return m.check.logs[0].seen.Load() == olderLast })
		endMember(m)
	}
	reading.Wait()
}

// logModel is what a log must hold: the frames after base up to head.
type logModel struct {
	t          *testing.T
	l          *Log
	rng        *rand.Rand
	base, head uint64
	count      uint64 // the window
}

func (m *logModel) step() {
	switch m.rng.IntN(12) {
	case 0, 1, 2, 3, 4:
		n := 1 + m.rng.Uint64N(40)
		m.l.Append(logFrames(m.head+1, m.head+n, stormSize))
		m.head += n
	case 5, 6, 7, 8:
		n := min(m.rng.Uint64N(40), m.base, uint64(m.l.Spare()))
		assert.Equal(m.t, "prepended", prepend(m.l, m.base-n+1, m.base, stormSize), true)
		m.base -= n
	case 9:
		stale := m.l.Back(1 << 30)
		prepend(m.l, m.base+1, m.base, stormSize) // no frames
		assert.Equal(m.t, "prepended twice", m.l.Prepend(stale, offset(0), logFrames(1, 1, stormSize)), false)
	case 10:
		if m.rng.IntN(10) == 0 {
			m.base, m.head = m.head+500, m.head+500
			m.l.Reset(offset(m.head))
		}
	default:
		m.look()
	}
	if begin := m.l.Back(1 << 30).Offset().Seq; begin != m.base { // the window dropped frames
		if begin < m.base || m.head-begin < m.count {
			m.t.Fatalf("the log begins with %d, %d before, head %d", begin, m.base, m.head)
		}
		m.base = begin
	}
	assert.Equal(m.t, "head", m.l.Head().Offset(), offset(m.head))
	m.bytes()
}

// look compares what the log finds with the model.
func (m *logModel) look() {
	n := m.base + m.rng.Uint64N(m.head-m.base+1)
	at, ok := m.l.After(offset(n))
	assert.Equal(m.t, "After finds what it holds", ok, true)
	_, last := numbersFrom(m.t, m.l, at)
	assert.Equal(m.t, "last frame after it", last, m.head)
	if m.base > 0 {
		_, ok = m.l.After(offset(m.base - 1))
		assert.Equal(m.t, "After finds what is before", ok, false)
	}
	back := m.rng.Uint64N(m.head - m.base + 10)
	assert.Equal(m.t, "Back", m.l.Back(int(back)).Offset(), offset(max(m.head-min(back, m.head), m.base)))
	frames := m.l.Before(stream.Offset{}, 1<<30)
	assert.Equal(m.t, "frames", uint64(len(frames)), m.head-m.base)
	if len(frames) > 0 {
		assert.Equal(m.t, "oldest frame", frames[len(frames)-1].Offset, offset(m.base+1))
	}
}

// bytes compares what the log counts with what it holds.
func (m *logModel) bytes() {
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	want := int64(0)
	for i, seg := range m.l.segments {
		want += int64(len(seg.buf))
		if i < len(m.l.segments)-1 {
			want += entryCost * int64(len(seg.index))
		}
	}
	assert.Equal(m.t, "bytes", m.l.held, want)
	assert.Equal(m.t, "bytes of the budget", m.l.budget.Used(), want)
}

func TestP10_OlderFramesAreWhereTheirOffsetSays(t *testing.T) {
	seed := stormSeed(t)
	for _, count := range []int{8, 100, 100_000} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			sweepers := New(Options{Shards: 1})
			defer sweepers.Close()
			budget := NewBudget(1 << 40)
			l := sweepers.NewLog(offset(1000), Window{MaxCount: count, Budget: budget})
			m := &logModel{t: t, l: l, rng: rand.New(rand.NewPCG(seed, uint64(count))), base: 1000, head: 1000, count: uint64(count)}
			for range 400 {
				m.step()
			}
			l.Close()
			assert.Equal(t, "bytes of the budget at the end", budget.Used(), 0)
			l.Append(logFrames(m.head+1, m.head+500, stormSize))
			assert.Equal(t, "bytes of a closed log in the budget", budget.Used(), 0)
		})
	}
}

// A recovery into older frames loses nothing to a Reset that comes meanwhile: its client is lost with the others.
func TestP3_ResetLosesWhoFollowsOlderFrames(t *testing.T) {
	l := newTestLog(t, settings{})
	l.Reset(offset(100))
	before := l.Back(1 << 30)
	assert.Equal(t, "prepended", prepend(l, 51, 100, sized(50)), true)
	at, ok := l.After(offset(60))
	assert.Equal(t, "found", ok, true)
	follows, late := newOwner(), newOwner()
	l.sweepers.NewConn(follows).Join(at, nil)
	l.Reset(offset(200))
	assert.Equal(t, "who follows", assert.Receive(t, "loss", follows.lost), LostReset)
	l.sweepers.NewConn(late).Join(at, nil)
	assert.Equal(t, "who joins late", assert.Receive(t, "loss", late.lost), LostReset)
	assert.Equal(t, "a page that was read before", l.Prepend(before, offset(50), logFrames(51, 100, sized(50))), false)
	_, ok = l.After(offset(60))
	assert.Equal(t, "an old offset is known", ok, false)
}
