package fanout

import (
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// manyLogs makes logs that share sweepers. Frame n of log i has the number i<<32|n.
func manyLogs(t testing.TB, n int, o settings) []*Log {
	first := newTestLog(t, o)
	logs := []*Log{first}
	for i := 1; i < n; i++ {
		logs = append(logs, first.sweepers.NewLog(offset(uint64(i)<<32), Window{MaxCount: o.MaxCount, MaxBytes: o.MaxBytes}))
	}
	return logs
}

// roamer is a connection that joins and leaves several logs at random while others append to them.
type roamer struct {
	member
	logs []*Log
}

func (m *roamer) act() {
	for range stormSteps {
		i := m.rng.IntN(len(m.logs))
		switch m.rng.IntN(4) {
		case 0:
			m.conn.Leave(m.logs[i])
			m.conn.Send(frame(kindLeft, uint64(i)<<32, 0))
		case 1:
			m.join(m.logs[i])
		default:
			m.sent++
			m.conn.Send(frame(kindPrivate, m.sent, m.rng.IntN(300)))
		}
		for range m.rng.IntN(40) {
			runtime.Gosched()
		}
	}
	for _, l := range m.logs {
		m.join(l)
	}
}

// Every reader of every kind sees each log that it follows whole and in order, whatever happens to the other logs.
func TestP10_StormOverSeveralLogsKeepsEachInOrder(t *testing.T) {
	const frames = 1500
	seed := stormSeed(t)
	logs := manyLogs(t, testLogs, settings{MaxCount: 4 * frames, MaxBytes: 256 << 20, Shards: 2})
	var all []*roamer
	var reading, acting sync.WaitGroup
	for name, reader := range readers {
		if name == "upgrade" {
			continue // polls until it has seen a place in the first log, which it may not follow here
		}
		m := &roamer{logs: logs}
		m.member = member{name: name, rng: rand.New(rand.NewPCG(seed, uint64(len(all))))}
		m.begin(t, logs[0].sweepers, reader)
		all = append(all, m)
		reading.Go(func() { m.read(t) })
		acting.Go(m.act)
	}
	for i, l := range logs {
		acting.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
			for n := uint64(1); n <= frames; {
				last := min(n+rng.Uint64N(20), frames)
				base := uint64(i) << 32
				l.Append(logFrames(base+n, base+last, func(n uint64) int { return stormSize(n & (1<<32 - 1)) }))
				n = last + 1
			}
		})
	}
	acting.Wait()
	for _, m := range all {
		assert.Eventually(t, m.name+" to have everything", func() bool {
			for i := range logs {
				if m.check.logs[i].seen.Load() != uint64(i)<<32|frames {
					return false
				}
			}
			return m.check.private.Load() == m.sent
		})
	}
	for _, m := range all {
		endMember(&m.member)
	}
	reading.Wait()
}

// A log with much to write does not block another log of the same connection: their pieces alternate.
func TestP10_AFloodedLogStarvesNoOther(t *testing.T) {
	logs := manyLogs(t, 2, settings{MaxBytes: 64 << 20})
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"socket": func(nc net.Conn) net.Conn { return nc },
		"opaque": func(nc net.Conn) net.Conn { return opaque{nc} },
	} {
		t.Run(name, func(t *testing.T) {
			server, client := tcpPair(t, smallBuffer)
			c := logs[0].sweepers.NewConn(newOwner())
			t.Cleanup(c.Close)
			c.Attach(wrap(server))
			for _, l := range logs {
				at := l.Head()
				c.Join(at, joinFrame(at))
			}
			flood := logs[0].Head().Offset().Seq
			logs[0].Append(logFrames(flood+1, flood+400, sized(20<<10)))
			quiet := logs[1].Head().Offset().Seq + 1
			logs[1].Append(logFrames(quiet, quiet, sized(100)))

			var check checker
			buf := make([]byte, 4<<10)
			for check.logs[1].seen.Load() < quiet {
				n, err := client.Read(buf)
				assert.NoError(t, err)
				assert.NoError(t, check.feed(buf[:n]))
			}
			if before := check.logs[0].seen.Load() - flood; before > 20 {
				t.Errorf("%d of 400 frames of the flood came first", before)
			}
		})
	}
}

// An append wakes only the followers of its log.
func TestP10_AnAppendWakesOnlyItsFollowers(t *testing.T) {
	logs := manyLogs(t, 2, settings{Shards: 1})
	c, client := attached(t, logs[0], newOwner())
	at := logs[0].Head()
	c.Join(at, joinFrame(at))
	var check checker
	reading(t, &check, client)

	shard := logs[0].sweepers.shards[0]
	due := func() (n int) {
		shard.mu.Lock()
		defer shard.mu.Unlock()
		return len(shard.due) + len(shard.wake)
	}
	assert.Eventually(t, "the sweeper rests", func() bool { return due() == 0 })
	logs[1].Append(logFrames(1<<32|1, 1<<32|1, sized(100)))
	assert.Equal(t, "audiences that are due", due(), 0)
	logs[0].Append(logFrames(1, 1, sized(100)))
	assert.Eventually(t, "the frame", func() bool { return check.logs[0].seen.Load() == 1 })
}

func TestLeaveOfOneLogKeepsTheOthers(t *testing.T) {
	logs := manyLogs(t, 3, settings{})
	c, client := attached(t, logs[0], newOwner())
	for _, l := range logs {
		c.Join(l.Head(), joinFrame(l.Head()))
	}
	c.Leave(logs[1])
	c.Leave(logs[1]) // again: nothing
	var check checker
	reading(t, &check, client)
	for i, l := range logs {
		base := uint64(i) << 32
		l.Append(logFrames(base+1, base+1, sized(100)))
	}
	c.Send(frame(kindPrivate, 1, 0))
	assert.Eventually(t, "the others", func() bool {
		return check.logs[0].seen.Load() == 1 && check.logs[2].seen.Load() == 2<<32|1 && check.private.Load() == 1
	})

	assert.Equal(t, "the log that was left", check.logs[1].seen.Load(), 1<<32)
	c.LeaveAll()
	logs[0].Append(logFrames(2, 2, sized(100)))
	c.Send(frame(kindPrivate, 2, 0))
	assert.Eventually(t, "the private frame", func() bool { return check.private.Load() == 2 })
	assert.Equal(t, "a log that was left with all", check.logs[0].seen.Load(), 1)
}

// TestP10_ASilentLogIsSmall: no buffer, no goroutine.
func TestP10_ASilentLogIsSmall(t *testing.T) {
	const count = 10_000
	first := newTestLog(t, settings{})
	goroutines := runtime.NumGoroutine()
	logs := make([]*Log, count)
	before := assert.HeapInUse()
	for i := range logs {
		logs[i] = first.sweepers.NewLog(offset(0), Window{})
	}
	each := (assert.HeapInUse() - before) / count
	if each > 1<<10 {
		t.Errorf("%d bytes each", each)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	runtime.KeepAlive(logs)
}
