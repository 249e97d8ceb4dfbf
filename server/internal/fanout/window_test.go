package fanout

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// numbersFrom polls the log from a cursor and returns which frames it gets.
func numbersFrom(t *testing.T, l *Log, at Cursor) (first, last uint64) {
	t.Helper()
	c := l.sweepers.NewConn(newOwner())
	defer c.Close()
	c.Join(at, nil)
	var check checker
	check.logs[0].now = true
	check.logs[0].seen.Store(at.Offset().Seq)
	assert.NoError(t, check.feed(c.Take(nil, 1<<30)))
	return at.Offset().Seq + 1, check.logs[0].seen.Load()
}

// oldest is the number of the oldest frame in the window.
func oldest(l *Log) uint64 { return l.Back(1<<30).Offset().Seq + 1 }

func TestWindowIsBoundedByCountAndBytes(t *testing.T) {
	for _, row := range []struct {
		name            string
		options         settings
		size            int
		atLeast, atMost uint64 // frames that it holds
	}{
		{"count", settings{MaxCount: 1000, MaxBytes: 64 << 20}, 50, 1000, 1000 + 1000/8},
		{"bytes", settings{MaxCount: 1 << 30, MaxBytes: 1 << 20}, 1020, 960, 1024 + 64},
		{"one frame", settings{MaxCount: 1, MaxBytes: 1}, 50, 1, 2},
		{"frames larger than the window", settings{MaxBytes: 1000}, 2000, 1, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newTestLog(t, row.options)
			for n := uint64(1); n <= 3000; n += 50 {
				l.Append(logFrames(n, n+49, sized(row.size)))
				if held := n + 50 - oldest(l); n > 2000 && (held < row.atLeast || held > row.atMost) {
					t.Fatalf("holds %d frames after %d, want %d to %d", held, n+49, row.atLeast, row.atMost)
				}
			}
		})
	}
}

// A cursor is where its offset says, whatever batches were appended.
func TestP3_CursorsAreWhereTheirOffsetSays(t *testing.T) {
	seed := stormSeed(t)
	rng := rand.New(rand.NewPCG(seed, 0))
	l := newTestLog(t, settings{MaxCount: 200, MaxBytes: 20_000})
	size := func(n uint64) int { return int(n*7919%300) + int(n%41/40)*5000 }
	for head := uint64(0); head < 2000; {
		n := 1 + rng.Uint64N(30)
		l.Append(logFrames(head+1, head+n, size))
		head += n
		assert.Equal(t, "head", l.Head().Offset(), offset(head))
		first := oldest(l)
		for _, seen := range []uint64{first - 1, first + rng.Uint64N(head-first+1), head} {
			at, ok := l.After(offset(seen))
			assert.Equal(t, "After finds what is in the window", ok, true)
			assert.Equal(t, "offset of After", at.Offset(), offset(seen))
			_, last := numbersFrom(t, l, at)
			assert.Equal(t, "last frame after it", last, head)
		}
		back := rng.Uint64N(300)
		at := l.Back(int(back))
		assert.Equal(t, "offset of Back", at.Offset().Seq, max(head-min(head, back), first-1))
		_, last := numbersFrom(t, l, at)
		assert.Equal(t, "last frame after it", last, head)
	}
}

func TestP3_AfterKnowsOnlyWhatIsInTheWindow(t *testing.T) {
	l := newTestLog(t, settings{MaxCount: 80})
	found := func(o stream.Offset) bool {
		_, ok := l.After(o)
		return ok
	}
	assert.Equal(t, "the base of an empty log", found(offset(0)), true)
	assert.Equal(t, "ahead of an empty log", found(offset(1)), false)
	assert.Equal(t, "no entry", found(stream.Offset{}), false)

	for n := uint64(2); n <= 1000; n += 2 {
		l.Append([]Frame{{offset(n), frame(kindLog, n, 0)}})
	}
	first := oldest(l) - 1 // the entry before
	assert.Equal(t, "the last entry that was evicted", found(offset(first)), true)
	assert.Equal(t, "the one before it", found(offset(first-2)), false)
	assert.Equal(t, "the base", found(offset(0)), false)
	assert.Equal(t, "the head", found(offset(1000)), true)
	assert.Equal(t, "ahead of the head", found(offset(1001)), false)
	assert.Equal(t, "between two entries", found(offset(901)), false)
	assert.Equal(t, "inside", found(offset(960)), true)
}

func TestBackOfAnEmptyLogIsItsBase(t *testing.T) {
	l := newTestLog(t, settings{})
	for _, n := range []int{-1, 0, 1, 100} {
		assert.Equal(t, "offset", l.Back(n).Offset(), offset(0))
	}
	l.Append(nil)
	assert.Equal(t, "head after appending nothing", l.Head().Offset(), offset(0))
}

func TestReachWaitsForTheOffset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := makeLog(settings{})
		defer l.sweepers.Close()
		wait := func(ctx context.Context, n uint64) <-chan struct{} {
			done := make(chan struct{})
			go func() { l.Reach(ctx, offset(n)); close(done) }()
			synctest.Wait()
			return done
		}
		ctx, cancel := context.WithCancel(context.Background())
		<-wait(ctx, 0)
		three, five, canceled := wait(context.Background(), 3), wait(context.Background(), 5), wait(ctx, 9)
		l.Append(logFrames(1, 3, sized(10)))
		<-three
		synctest.Wait()
		select {
		case <-five:
			t.Error("5 is reached at 3")
		default:
		}
		cancel()
		<-canceled
		l.Append(logFrames(4, 7, sized(10)))
		<-five
		reset := wait(context.Background(), 100)
		l.Reset(offset(0))
		<-reset
	})
}

func TestP3_ResetLosesWhoFollowsAndStartsAfresh(t *testing.T) {
	l := newTestLog(t, settings{})
	l.Append(logFrames(1, 10, sized(50)))
	old := l.Head()
	polls, idle, late := newOwner(), newOwner(), newOwner()
	socket := newOwner()
	pc, ic, lc := l.sweepers.NewConn(polls), l.sweepers.NewConn(idle), l.sweepers.NewConn(late)
	sc, client := attached(t, l, socket)
	pc.Join(old, nil)
	sc.Join(old, nil)
	l.Reset(offset(100))

	assert.Equal(t, "who polls", assert.Receive(t, "loss", polls.lost), LostReset)
	assert.Equal(t, "who has a socket", assert.Receive(t, "loss", socket.lost), LostReset)
	lc.Join(old, nil)
	assert.Equal(t, "who joins behind the old log", assert.Receive(t, "loss", late.lost), LostReset)

	assert.Equal(t, "new head", l.Head().Offset(), offset(100))
	_, ok := l.After(offset(10))
	assert.Equal(t, "an old offset is known", ok, false)
	l.Append(logFrames(101, 103, sized(50)))
	for _, c := range []*Conn{pc, ic, lc} {
		assert.Equal(t, "taken without following", len(c.Take(nil, 1<<20)), 0)
		at, _ := l.After(offset(101))
		c.Join(at, joinFrame(at))
		var check checker
		assert.NoError(t, check.feed(c.Take(nil, 1<<20)))
		assert.Equal(t, "seen", check.logs[0].seen.Load(), 103)
	}

	var check checker
	assert.Equal(t, "private frames still go", sc.Send(frame(kindPrivate, 1, 0)), true)
	sc.Join(l.Back(1), joinFrame(l.Back(1)))
	go func() { _ = check.read(client, 1<<10) }()
	assert.Eventually(t, "the socket to follow the new log", func() bool { return check.logs[0].seen.Load() == 103 })
	assert.Equal(t, "private", check.private.Load(), 1)
	assert.Equal(t, "losses of who did not follow", len(idle.lost), 0)
	for _, o := range []*owner{polls, socket, late} {
		assert.Equal(t, "further losses", len(o.lost), 0)
	}
}

// blockingOwner blocks the sweeper, which owners must not do.
type blockingOwner struct{ release chan struct{} }

func (o blockingOwner) Lost(Lost) {}
func (o blockingOwner) Pending()  { <-o.release }

// The sweepers never lag so far that a reader could fall out of the window between two sweeps.
func TestP3_AppendWaitsForSweepersThatLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := makeLog(settings{MaxCount: 800, Shards: 1})
		o := blockingOwner{make(chan struct{})}
		c := l.sweepers.NewConn(o)
		c.Join(l.Head(), nil)
		appended := make(chan struct{})
		go func() {
			l.Append(logFrames(1, 700, sized(50)))
			close(appended)
		}()
		synctest.Wait()
		if head := l.Head().Offset().Seq; head == 0 || head > 400 {
			t.Errorf("appended %d frames while the sweeper was held up", head)
		}
		close(o.release)
		<-appended
		assert.Equal(t, "head", l.Head().Offset(), offset(700))
		c.Close()
		l.sweepers.Close()
		l.Append(logFrames(701, 2000, sized(50))) // no sweeper to wait for
	})
}

func TestHIS9_NextGivesTheOldestFramesFirst(t *testing.T) {
	l := newTestLog(t, settings{MaxCount: 500})
	if _, ok := l.Next(stream.Offset{}, 10); ok {
		t.Error("a log that was never filled reaches back to the beginning")
	}
	for n := uint64(1); n <= 2000; n += 50 {
		l.Append(logFrames(n, n+49, sized(200)))
	}
	first := oldest(l)
	for _, row := range []struct {
		after       stream.Offset
		n           int
		oldest, all uint64
	}{
		{offset(first - 1), 10, first, 10},
		{offset(first), 1 << 30, first + 1, 2000 - first},
		{offset(1900), 0, 0, 0},
		{offset(1900), 200, 1901, 100},
		{offset(2000), 3, 0, 0},
		{stream.Offset{Ms: 1, Seq: 5000}, 3, 0, 0},
	} {
		frames, ok := l.Next(row.after, row.n)
		assert.Equal(t, "the window reaches back", ok, true)
		assert.Equal(t, "frames", uint64(len(frames)), row.all)
		for i, f := range frames {
			n := row.oldest + uint64(i)
			assert.Equal(t, "offset", f.Offset, offset(n))
			assert.Equal(t, "bytes", string(f.Bytes), string(logFrames(n, n, sized(200))[0].Bytes))
		}
	}
	for _, o := range []stream.Offset{offset(first - 2), {}} {
		if frames, ok := l.Next(o, 5); ok || len(frames) > 0 {
			t.Errorf("%d frames after %s, which is before the window", len(frames), o)
		}
	}
}

func TestHIS7_BeforeGivesTheNewestFramesFirst(t *testing.T) {
	l := newTestLog(t, settings{MaxCount: 500})
	for n := uint64(1); n <= 2000; n += 50 {
		l.Append(logFrames(n, n+49, sized(200)))
	}
	first := oldest(l)
	for _, row := range []struct {
		before      stream.Offset
		n           int
		newest, all uint64
	}{
		{stream.Offset{}, 10, 2000, 10},
		{stream.Offset{}, 0, 0, 0},
		{stream.Offset{}, 1 << 30, 2000, 2001 - first},
		{offset(1900), 200, 1899, 200},
		{stream.Offset{Ms: 1, Seq: 5000}, 3, 2000, 3}, // an offset without an entry is a valid place
		{stream.Offset{Ms: 0, Seq: 7}, 3, 0, 0},
		{offset(first + 2), 100, first + 1, 2},
		{offset(first), 100, 0, 0},
	} {
		frames := l.Before(row.before, row.n)
		assert.Equal(t, "frames", uint64(len(frames)), row.all)
		for i, f := range frames {
			n := row.newest - uint64(i)
			assert.Equal(t, "offset", f.Offset, offset(n))
			assert.Equal(t, "bytes", string(f.Bytes), string(logFrames(n, n, sized(200))[0].Bytes))
		}
	}
}
