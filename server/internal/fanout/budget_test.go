package fanout

import (
	"math/rand/v2"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// budgetLogs makes logs that share sweepers and a budget.
func budgetLogs(t *testing.T, n int, limit int64) (*Budget, []*Log) {
	sweepers := New(Options{Shards: 1})
	t.Cleanup(sweepers.Close)
	b := NewBudget(limit)
	logs := make([]*Log, n)
	for i := range logs {
		logs[i] = sweepers.NewLog(offset(0), Window{Budget: b})
	}
	return b, logs
}

// grow appends so many frames of a kilobyte.
func grow(l *Log, frames int) {
	for range frames {
		n := l.Head().Offset().Seq + 1
		l.Append(logFrames(n, n, sized(1<<10)))
	}
}

func TestP6_BudgetShrinksTheLogsThatGrow(t *testing.T) {
	const limit = 4 << 20
	b, logs := budgetLogs(t, 10, limit)
	for _, l := range logs {
		grow(l, 100)
	}
	assert.Equal(t, "full", b.Full(), false)
	before := make([]int64, len(logs))
	for i, l := range logs {
		before[i] = l.Bytes()
	}
	grow(logs[0], 20_000)
	for i, l := range logs[1:] {
		assert.Equal(t, "bytes of a log that did not grow", l.Bytes(), before[i+1])
	}
	if used := b.Used(); used > limit+2*segmentSize {
		t.Errorf("%d bytes are used", used)
	}
	if held := logs[0].Bytes(); held < limit/2 {
		t.Errorf("the log that grew holds %d bytes, although nobody else wants them", held)
	}
	_, ok := logs[0].After(logs[0].Head().Offset())
	assert.Equal(t, "the newest is known", ok, true)
}

func TestP6_LogsThatAllGrowShareTheBudget(t *testing.T) {
	const limit = 4 << 20
	b, logs := budgetLogs(t, 10, limit)
	grow(logs[0], 5000)
	for range 100_000 {
		grow(logs[rand.IntN(len(logs))], 1)
	}
	if used := b.Used(); used > limit+int64(len(logs))*2*segmentSize {
		t.Errorf("%d bytes are used", used)
	}
	for _, l := range logs {
		if held := l.Bytes(); held < limit/10/2 {
			t.Errorf("a log holds %d bytes, much less than its share", held)
		}
		l.Close()
	}
	assert.Equal(t, "used by closed logs", b.Used(), 0)
	assert.Equal(t, "open logs", b.Logs(), 0)
}

// A log that shrinks does so more slowly than the sweepers look: who falls behind by half of what is left is lost as a slow
// consumer, and its place is still there.
func TestP3_PlaceOfASlowReaderIsThereWhileTheWindowShrinks(t *testing.T) {
	b, logs := budgetLogs(t, 2, 8<<20)
	hog, l := logs[0], logs[1]
	grow(l, 4000)
	for l.Bytes() > 256<<10 {
		b.limit.Store(max(b.Used()*9/10, 1)) // as if many other rooms opened
		b.logs.Add(1)
		o := newOwner()
		c := l.sweepers.NewConn(o) // polls, and never takes anything
		at := l.Head()
		c.Join(at, nil)
		seen := at.Offset()
		readable := make(chan bool, 10)
		o.onLost = func() {
			_, ok := l.After(seen)
			readable <- ok
		}
		for len(o.lost) == 0 {
			grow(l, 1)
		}
		assert.Equal(t, "reason", <-o.lost, LostSlow)
		assert.Equal(t, "its place is readable", <-readable, true)
		c.Close()
	}
	assert.Equal(t, "the other log", hog.Bytes(), 0)
}

// A log that had to shrink gets its window back when there is room.
func TestP6_WindowGrowsAgain(t *testing.T) {
	b, logs := budgetLogs(t, 2, 256<<10)
	grow(logs[1], 2000)
	if held := logs[1].Bytes(); held > 512<<10 {
		t.Fatalf("%d bytes are held", held)
	}
	b.limit.Store(b.Used())
	assert.Equal(t, "memory for older frames, if only just", logs[1].Crowded(), false)
	b.limit.Store(b.Used() / 4)
	assert.Equal(t, "no memory for older frames", logs[1].Crowded(), true)
	b.limit.Store(64 << 20)
	grow(logs[1], 2000)
	if held := logs[1].Bytes(); held < 2000<<10 {
		t.Errorf("only %d bytes are held", held)
	}
	assert.Equal(t, "no memory for older frames", logs[1].Crowded(), false)
}

// Large logs that do not grow any more give back what they hold beyond their shares when others need it.
func TestP6_SilentLogsMakePlaceForMoreRooms(t *testing.T) {
	const limit = 4 << 20
	b, logs := budgetLogs(t, 100, limit)
	for _, l := range logs[:4] {
		grow(l, 1000)
	}
	for _, l := range logs[4:10] {
		grow(l, 30)
	}
	small := logs[5].Bytes()
	o := newOwner()
	logs[0].sweepers.NewConn(o).Join(logs[0].Head(), nil)
	assert.Eventually(t, "there is room", func() bool { return !b.Full() })
	for _, l := range logs[:4] {
		if held := l.Bytes(); held > 1100<<10 || held < limit/100/2 {
			t.Errorf("a large log holds %d bytes", held)
		}
		_, ok := l.After(l.Head().Offset())
		assert.Equal(t, "the newest is known", ok, true)
	}
	assert.Equal(t, "bytes of a small log", logs[5].Bytes(), small)
	b.limit.Store(1 << 20)
	assert.Eventually(t, "there is room for less", func() bool { return !b.Full() })
	assert.Equal(t, "losses of who is at the head", len(o.lost), 0)
	grow(logs[0], 1)
	for _, l := range logs {
		l.Close()
	}
	assert.Equal(t, "used by closed logs", b.Used(), 0)
	assert.Equal(t, "large logs", len(b.large), 0)
}

// With many logs and no budget left, segments are small, so that a log can give back almost everything.
func TestP6_ManyLogsKeepToTheirShares(t *testing.T) {
	const count = 1000
	b, logs := budgetLogs(t, count, count*8<<10)
	for range 60 {
		for _, l := range logs {
			grow(l, 1)
		}
	}
	if used := b.Used(); used > count*16<<10 {
		t.Errorf("%d bytes are used, the limit is %d", used, b.limit.Load())
	}
}
