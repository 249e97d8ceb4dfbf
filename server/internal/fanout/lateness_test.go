//go:build unix

package fanout

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// stamped appends one frame whose entry got its offset so long ago.
func stamped(l *Log, n uint64, ago time.Duration) {
	ms := uint64(time.Now().Add(-ago).UnixMilli())
	l.Append([]Frame{{Offset: stream.Offset{Ms: ms, Seq: n}, Bytes: frame(kindLog, n, 100)}})
}

// late is how many writes took longer than one bound and not longer than the next.
func late(l *Log, longerThan time.Duration) int64 {
	class := 0
	for class < len(lagBounds) && lagBounds[class] <= longerThan {
		class++
	}
	return l.sweepers.Stats().Lags.Counts[class]
}

func all(l *Log) (n int64) {
	for _, count := range l.sweepers.Stats().Lags.Counts {
		n += count
	}
	return n
}

// TestP9_LagIsThatOfTheOldestFrameInAWrite counts each socket that a sweep brings up to the head, once for each write.
func TestP9_LagIsThatOfTheOldestFrameInAWrite(t *testing.T) {
	l := newTestLog(t, settings{Shards: 2})
	g := newCrowd(t, l, 3*clockEvery)
	stamped(l, 1, 7*time.Second)
	assert.Eventually(t, "all writes", func() bool { return late(l, 5*time.Second) == 3*clockEvery })
	now := time.Now().UnixMilli()
	l.Append([]Frame{
		{Offset: stream.Offset{Ms: uint64(now - 2000), Seq: 2}, Bytes: frame(kindLog, 2, 100)},
		{Offset: stream.Offset{Ms: uint64(now), Seq: 3}, Bytes: frame(kindLog, 3, 100)},
	})
	assert.Eventually(t, "the older of two", func() bool { return late(l, time.Second) == 3*clockEvery })
	stamped(l, 4, -time.Hour) // by a clock that is ahead
	assert.Eventually(t, "none below zero", func() bool { return late(l, 0) == 3*clockEvery })
	sum := l.sweepers.Stats().Lags.Sum / time.Duration(len(g.conns))
	if sum < 9*time.Second || sum > time.Minute {
		t.Errorf("sum for each socket: %v", sum)
	}
}

// TestP9_LagLeavesOutWhatTheServerDoesNotDelay: a replay, clients that do not read, and sessions that poll.
func TestP9_LagLeavesOutWhatTheServerDoesNotDelay(t *testing.T) {
	l := newTestLog(t, settings{Shards: 1})
	blocked, _, _ := stuck(t, l, newOwner())
	assert.Equal(t, "parked", blocked.Writable(), false)
	size := len(frame(kindLog, 1, 100))
	for n := range uint64(9) {
		stamped(l, n, time.Minute)
	}
	g := newCrowd(t, l, 1)
	g.conns[0].Join(l.Back(9), nil)
	g.drain(t, 9*size)
	polling := l.sweepers.NewConn(newOwner())
	t.Cleanup(polling.Close)
	polling.Join(l.Head(), nil)
	before := all(l)
	stamped(l, 1<<40, time.Minute)
	g.drain(t, size)
	assert.Eventually(t, "the one that reads", func() bool { return all(l) == before+1 })
}

// TestP9_LagOfASocketWithoutDescriptor is known when the bytes are written: TLS takes this way.
func TestP9_LagOfASocketWithoutDescriptor(t *testing.T) {
	l := newTestLog(t, settings{})
	server, client := net.Pipe() // a write ends when it is read
	c := l.sweepers.NewConn(newOwner())
	c.Attach(opaque{server})
	t.Cleanup(func() { c.Close(); server.Close(); client.Close() })
	c.Join(l.Head(), nil)
	stamped(l, 1, 3*time.Second)
	assert.Eventually(t, "it writes", func() bool { return l.sweepers.Stats().Parked == 1 })
	assert.Equal(t, "before it is read", all(l), 0)
	_, err := client.Read(make([]byte, 1000))
	assert.NoError(t, err)
	assert.Eventually(t, "after that", func() bool { return late(l, 2500*time.Millisecond) == 1 })
}

func TestP6_BehindSaysHowFarTheSlowestIs(t *testing.T) {
	const count = 1000
	l := newTestLog(t, settings{MaxCount: count, Shards: 1})
	c := l.sweepers.NewConn(newOwner()) // polls, and never comes
	t.Cleanup(c.Close)
	c.Join(l.Head(), nil)
	l.Append(logFrames(1, count/8, sized(10)))
	assert.Eventually(t, "a quarter of the way", func() bool { return l.sweepers.Stats().Behind == .25 })
	l.Append(logFrames(count/8+1, count/4, sized(10)))
	assert.Eventually(t, "half of it", func() bool { return l.sweepers.Stats().Behind == .5 })
}

func TestFurthestForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f furthest
		note := func(v int64) { f.note(v, time.Now()) }
		read := func() int64 { return f.read(time.Now()) }
		assert.Equal(t, "at first", read(), 0)
		note(7)
		note(3)
		assert.Equal(t, "the largest", read(), 7)
		time.Sleep(behindFor)
		assert.Equal(t, "still", read(), 7)
		note(2)
		assert.Equal(t, "in the next period", read(), 7)
		time.Sleep(behindFor)
		assert.Equal(t, "forgotten", read(), 2)
		time.Sleep(behindFor)
		assert.Equal(t, "nothing since", read(), 0)
		note(1)
		assert.Equal(t, "afresh", read(), 1)
	})
}
