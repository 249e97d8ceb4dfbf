package engineio

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// pieces are the packets that sequences consist of, valid and invalid.
var pieces = []string{
	`40`, `40`, `40/x,`, `40/none,`, `40{"deny":1}`, `40/x,{"deny":1}`, `41`, `41/x,`, `3`, `6`,
	`42["e",1]`, `421["e",{"a":[1,"\u20ac"]}]`, `42/x,2["e"]`, `42/x,["a"]`, `42["a"]`, `42["none",null]`, `423["none"]`,
	`42["j",1]`, `42/x,["j",[]]`, `42["d"]`, `42/x,["d"]`, `42["k"]`, `42/x,["k"]`,
	`430["x"]`, `430[]`, `431[]`, `43/x,0[{}]`, `461-0[{"_placeholder":true,"num":0}]` + "\x1ebAQID", `46/x,1-["x"]`,
	`451-["e",{"_placeholder":true,"num":0}]` + "\x1ebAQID", `451-4["e",{"a":{"_placeholder":true,"num":0}}]` + "\x1eb",
	`45/x,1-["e",{"_placeholder":true,"num":0}]`, `bAQID`, `42`, `1`, `2`, `42["e","` + strings.Repeat("x", 1990) + `"]`,
}

// sequenceOf makes a payload; each byte of the program selects a packet.
func sequenceOf(program []byte) []byte {
	var packets []string
	for _, b := range program {
		packets = append(packets, pieces[int(b)%len(pieces)])
	}
	return []byte(strings.Join(packets, string(rune(separator))))
}

// playBoth plays two sequences at once, on sessions that share rooms, and repeats each so that ends meet beginnings.
func (l *library) playBoth(t testing.TB, one, two []byte) {
	before := runtime.NumGoroutine()
	var both sync.WaitGroup
	for _, program := range [][]byte{one, two} {
		both.Go(func() {
			for range 2 {
				_, _ = l.play(t, sequenceOf(program))
			}
		})
	}
	both.Wait()
	settled(t, before)
	l.gate.check(t)
}

func TestLibrary_SurvivesSequences(t *testing.T) {
	const seed = 1
	r := rand.New(rand.NewPCG(seed, 0))
	program := func() []byte {
		p := []byte{byte(r.IntN(4))} // usually connects first
		for range r.IntN(8) {
			p = append(p, byte(r.IntN(len(pieces))))
		}
		return p
	}
	l := newLibrary(true)
	defer l.close()
	for range 300 {
		l.playBoth(t, program(), program())
	}
}

// isIn reports whether the CONNECT of the session to a namespace is complete.
func (s *Session) isIn(namespace string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := find(&s.lanes, namespace)
	return l != nil && l.joined && !l.working()
}

// TestLibrary_ForgetsNoSocket that connects while the library closes the connection: it disconnects those that it knows, forgets
// all, and then ends the session.
func TestLibrary_ForgetsNoSocket(t *testing.T) {
	l := newLibrary(true)
	defer l.close()
	l.io.Of("/", nil).Use(func(s *socket.Socket, next func(*socket.ExtendedError)) {
		session := s.Conn().(*Session)
		_ = s.On("disconnecting", func(...any) { // the library then goes on to the next socket, which may be the new one
			_ = session.receive(wire.Packet{Type: wire.PacketMessage, Data: []byte("0/x,")})
			assert.Eventually(t, "the other namespace", func() bool { return session.isIn("/x") || session.hasEnded() })
		})
		next(nil)
	})
	for range 20 {
		_, _ = l.play(t, []byte(`40`+"\x1e"+`42["k"]`))
		l.gate.check(t)
	}
	assert.Equal(t, "the library has forgotten one", l.parted.Load() > 0, true)
}

// FuzzSequences is FuzzLibrary with whole packets instead of bytes.
func FuzzSequences(f *testing.F) {
	f.Add([]byte{0, 10, 11, 14, 23, 6}, []byte{2, 12, 18, 20})
	f.Add([]byte{0, 2, 21}, []byte{0, 17, 22})
	f.Add([]byte{0, 29, 30, 31, 32}, []byte{4, 0, 19, 10})
	f.Add([]byte{0, 14, 27, 33}, []byte{2, 13, 26, 28, 34})
	l := newLibrary(true)
	f.Cleanup(l.close)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		const most = 40
		l.playBoth(t, one[:min(len(one), most)], two[:min(len(two), most)])
	})
}
