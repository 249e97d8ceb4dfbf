package fanout

import (
	"errors"
	"flag"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the storms; 0 takes one from the clock")

func stormSeed(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -seed %d", seed)
	return seed
}

const (
	stormFrames = 5000
	stormSteps  = 150
)

// member is one connection of a storm, with the client that reads it.
type member struct {
	name  string
	conn  *Conn
	owner *owner
	check checker
	rng   *rand.Rand
	run   func(*member) error // reads until the end
	stop  chan struct{}       // for members without a socket
	sent  uint64              // private frames
}

// readers are the kinds of members. A kind that returns a socket is attached to it at once.
var readers = map[string]func(t *testing.T, m *member) net.Conn{
	"fast": func(t *testing.T, m *member) net.Conn {
		server, client := tcpPair(t, smallBuffer)
		m.run = func(m *member) error { return m.check.read(client, 64<<10) }
		return server
	},
	"slow": func(t *testing.T, m *member) net.Conn {
		server, client := tcpPair(t, smallBuffer)
		m.run = func(m *member) error { return m.check.read(yielding{client}, 700) }
		return server
	},
	"opaque": func(t *testing.T, m *member) net.Conn {
		server, client := tcpPair(t, smallBuffer)
		m.run = func(m *member) error { return m.check.read(yielding{client}, 3000) }
		return opaque{server}
	},
	"pipe": func(t *testing.T, m *member) net.Conn {
		server, client := net.Pipe()
		t.Cleanup(func() { server.Close(); client.Close() })
		m.run = func(m *member) error { return m.check.read(client, 3000) }
		return server
	},
	"poll": func(_ *testing.T, m *member) net.Conn {
		m.run = func(m *member) error { return m.poll(1 << 62) }
		return nil
	},
	"upgrade": func(t *testing.T, m *member) net.Conn {
		server, client := tcpPair(t, smallBuffer)
		m.run = func(m *member) error {
			if err := m.poll(stormFrames / 2); err != nil {
				return err
			}
			m.conn.Attach(server)
			return m.check.read(client, 2000)
		}
		return nil
	},
}

// begin gives the member its connection, with a reader of some kind.
func (m *member) begin(t *testing.T, s *Sweepers, reader func(*testing.T, *member) net.Conn) {
	m.owner, m.stop = newOwner(), make(chan struct{})
	m.conn = s.NewConn(m.owner)
	if nc := reader(t, m); nc != nil {
		m.conn.Attach(nc)
	}
}

// read reads to the end.
func (m *member) read(t *testing.T) {
	if err := m.run(m); err != nil {
		t.Errorf("%s: %v", m.name, err)
	}
}

// yielding lets other goroutines run before each read.
type yielding struct{ net.Conn }

func (y yielding) Read(p []byte) (int, error) {
	runtime.Gosched()
	return y.Conn.Read(p)
}

// poll takes with irregular limits until it has seen frame n of the log.
func (m *member) poll(n uint64) error {
	rng := rand.New(rand.NewPCG(n, 1))
	buf := make([]byte, 0, 16<<10)
	for m.check.logs[0].seen.Load() < n {
		buf = m.conn.Take(buf[:0], rng.IntN(8<<10))
		if err := m.check.feed(buf); err != nil {
			return err
		}
		if len(m.check.buf) > 0 {
			return errors.New("took a part of a frame")
		}
		if len(buf) > 0 {
			continue
		}
		select {
		case <-m.owner.pending:
		case <-m.stop:
			return nil
		}
	}
	return nil
}

// act sends, joins and leaves at random, and follows the log at the end.
func (m *member) act(l *Log) {
	for range stormSteps {
		switch m.rng.IntN(5) {
		case 0:
			m.conn.Leave(l)
			m.conn.Send(frame(kindLeft, 0, 0))
		case 1:
			m.join(l)
		default:
			m.sent++
			m.conn.Send(frame(kindPrivate, m.sent, m.rng.IntN(300)))
		}
		for range m.rng.IntN(20) {
			runtime.Gosched()
		}
	}
	m.join(l)
}

func (m *member) join(l *Log) {
	var at Cursor
	switch m.rng.IntN(3) {
	case 0:
		at = l.Head()
	case 1:
		at = l.Back(m.rng.IntN(300))
	case 2:
		head := l.Head().Offset().Seq
		at, _ = l.After(offset(head - min(head&(1<<32-1), m.rng.Uint64N(300)))) // not before the base
	}
	m.conn.Join(at, joinFrame(at))
}

func stormSize(n uint64) int {
	if n%500 == 0 {
		return 70_000 // larger than a segment
	}
	return int(n * 7919 % 400)
}

func appendStorm(l *Log, rng *rand.Rand) {
	for n := uint64(1); n <= stormFrames; {
		last := min(n+rng.Uint64N(40), stormFrames)
		l.Append(logFrames(n, last, stormSize))
		n = last + 1
		for range rng.IntN(30) {
			runtime.Gosched()
		}
	}
}

// Every reader of every kind sees whole frames, each frame of the log once and in order from where it joined, and its
// private frames in order between them, while all of them send, join, leave and upgrade at random.
func TestP1_StormOfReadersSeesEachFrameOnceInOrder(t *testing.T) {
	seed := stormSeed(t)
	l := newTestLog(t, settings{MaxCount: 4 * stormFrames, MaxBytes: 256 << 20, Shards: 2})
	var members []*member
	var reading, acting sync.WaitGroup
	for name, reader := range readers {
		for range 3 {
			m := &member{name: name, rng: rand.New(rand.NewPCG(seed, uint64(len(members))))}
			m.begin(t, l.sweepers, reader)
			members = append(members, m)
			reading.Go(func() { m.read(t) })
			acting.Go(func() { m.act(l) })
		}
	}
	acting.Go(func() { appendStorm(l, rand.New(rand.NewPCG(seed, 99))) })
	acting.Wait()
	for _, m := range members {
		assert.Eventually(t, m.name+" to have everything", func() bool {
			return m.check.logs[0].seen.Load() == stormFrames && m.check.private.Load() == m.sent
		})
	}
	stats := l.sweepers.Stats()
	for _, m := range members {
		endMember(m)
	}
	reading.Wait()
	for _, m := range members {
		assert.Equal(t, m.name+" losses", len(m.owner.lost), 0)
	}
	t.Logf("%+v", stats)
	if stats.Parks == 0 {
		t.Error("no connection was ever parked")
	}
	assert.Eventually(t, "parked connections to end", func() bool { return l.sweepers.Stats().Parked == 0 })
}

// endMember ends its reader, too.
func endMember(m *member) {
	m.conn.Close()
	close(m.stop)
	if m.conn.net != nil {
		m.conn.net.Close()
	}
}
