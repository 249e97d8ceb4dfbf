package engineio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// library is the Socket.IO library, bound to an edge without a network. Its handlers do whatever handlers do.
type library struct {
	*Server
	sweepers *fanout.Sweepers
	log      *fanout.Log
	io       *socket.Server
	gate     *gate // of all namespaces but the main one

	joined sync.Map     // socket.SocketId -> *Session
	parted atomic.Int64 // sockets that the edge found when their session had ended
}

// New implements socket.AdapterConstructor.
func (l *library) New(nsp socket.Namespace) socket.Adapter {
	a := &leaving{socket.NewAdapter(nsp), l}
	a.Prototype(a)
	return a
}

// leaving is the library's adapter, and tells the edge who leaves.
type leaving struct {
	socket.Adapter
	library *library
}

func (a *leaving) DelAll(id socket.SocketId) {
	a.Adapter.DelAll(id)
	if s, ok := a.library.joined.LoadAndDelete(id); ok {
		s.(*Session).Left(a.Nsp().Name())
	}
}

func newLibrary(binary bool) *library {
	l := &library{sweepers: fanout.New(fanout.Options{Shards: 1}), gate: newGate(func(context.Context, string) error { return nil })}
	l.log = l.sweepers.NewLog(stream.Offset{}, fanout.Window{})
	l.Server = NewServer(Options{
		Sweepers: l.sweepers, NewID: rand.Text, AllowBinary: binary, MaxPayload: 2000, Gate: l.gate,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	options := socket.DefaultServerOptions()
	options.SetParser(NewParser(nil))
	options.SetAdapter(l)
	l.io = socket.NewServer(nil, options)
	l.io.Bind(l.Server)
	for _, nsp := range []string{"/", "/x"} {
		l.serve(l.io.Of(nsp, nil))
	}
	return l
}

// resident is a socket that the library has. It counts how often the edge had to part from one.
type resident struct {
	*socket.Socket
	library *library
}

func (r resident) Part() {
	r.library.parted.Add(1)
	r.Disconnect(false)
}

func (l *library) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = l.Shutdown(ctx, 0)
	l.sweepers.Close()
}

func (l *library) serve(nsp socket.Namespace) {
	nsp.Use(func(s *socket.Socket, next func(*socket.ExtendedError)) {
		session := s.Conn().(*Session)
		if auth, ok := s.Handshake().Auth.(map[string]any); ok && auth["deny"] != nil {
			next(socket.NewExtendedError("denied", auth))
			return
		}
		s.Use(func(event []any, next func(error)) {
			if s.ListenerCount(types.EventName(event[0].(string))) == 0 {
				defer session.Turn(nsp.Name()).Done()
			}
			next(nil)
		})
		_ = s.On("disconnect", func(...any) { session.Unfollow(l.log); session.Turn(nsp.Name()).Done() })
		for name, handle := range handlers {
			_ = s.On(name, func(args ...any) {
				defer session.Turn(nsp.Name()).Done()
				handle(s, args)
			})
		}
		l.joined.Store(s.Id(), session)
		session.Joined(nsp.Name(), resident{s, l})
		next(nil)
	})
	_ = nsp.On("connection", func(args ...any) {
		s := args[0].(*socket.Socket)
		session := s.Conn().(*Session)
		session.Follow(l.log.Head(), nil)
		session.Turn(nsp.Name()).Done()
		if session.ReadyState() != "open" { // the library was told before it knew the socket
			s.Disconnect(false)
		}
	})
}

// handlers have names of one letter, so that the fuzzer finds them soon.
var handlers = map[string]func(s *socket.Socket, args []any){
	"e": func(s *socket.Socket, args []any) { // echo, with an acknowledgement if one is wanted
		if n := len(args); n > 0 {
			if ack, ok := args[n-1].(socket.Ack); ok {
				args = args[:n-1]
				ack(args, nil)
			}
		}
		_ = s.Emit("e", args...)
	},
	"7": func(s *socket.Socket, args []any) { _ = s.Emit("7", args...) },
	"a": func(s *socket.Socket, _ []any) { // wants an acknowledgement
		_ = s.Emit("a", "x", socket.Ack(func([]any, error) {}))
	},
	"j": func(s *socket.Socket, args []any) {
		s.Join("room")
		_ = s.To("room").Emit("j", args...)
		s.Leave("room")
	},
	"d": func(s *socket.Socket, _ []any) { s.Disconnect(false) },
	"k": func(s *socket.Socket, _ []any) { _ = s.Emit("k"); s.Disconnect(true) },
}

// play opens a session that polls, hands it a polling payload, and ends it. It returns what was sent to the client.
func (l *library) play(t testing.TB, payload []byte) (answer string, err error) {
	s := l.newSession("test", handshake{uri: "/socket.io/?EIO=4&transport=polling"})
	if refused := l.admit(s); refused != nil {
		t.Fatal(refused)
	}
	s.start()
	var polls []string
	poll := func() {
		if packets := s.takePackets(); len(packets) > 0 {
			polls = append(polls, string(packets))
		}
		if s.hasEnded() && !s.conn.Behind() {
			s.partWith()
		}
	}
	done := make(chan error, 1)
	go func() { done <- wire.DecodePayload(slices.Clone(payload), s.receive) }()
	received := false
	assert.Eventually(t, "the last turn of "+strconv.Quote(string(payload)), func() bool {
		poll()
		select {
		case err = <-done:
			received = true
		default:
		}
		return received && (s.isIdle() || s.hasEnded())
	})

	poll()
	s.end(causeGone)
	assert.Eventually(t, "the end of the session", func() bool { poll(); return l.session(s.id) == nil })
	return strings.Join(polls, string(rune(separator))), err
}

// settled waits for the goroutines that the library left behind: a panic in one of them would end the process.
func settled(t testing.TB, goroutines int) {
	assert.Eventually(t, "the library's goroutines", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// seeds are payloads that once broke this edge or the library's own.
var seeds = []string{
	`40`, `40{}`, `40/x,`, `40/`, `40/none,`, `40{"deny":1}`, `40{"deny":1}` + "\x1e" + `40`, `40` + "\x1e" + `40`,
	`42["e"]`, `40` + "\x1e" + `42["e",1]`, `40` + "\x1e" + `427["e",{"a":[null,1.5,"\ud800"]}]`, `40` + "\x1e" + `42["none"]`,
	`40` + "\x1e" + `42["a"]` + "\x1e" + `430["x"]` + "\x1e" + `430["x"]` + "\x1e" + `431[]`,
	`40` + "\x1e" + `42["j",1]` + "\x1e" + `42["d"]` + "\x1e" + `42["e",1]`, `40` + "\x1e" + `42["k"]` + "\x1e" + `42["e"]`,
	`40` + "\x1e" + `41` + "\x1e" + `40` + "\x1e" + `42["e",1]`, `40` + "\x1e" + `40/x,` + "\x1e" + `42/x,1["e"]` + "\x1e" + `41/x,` + "\x1e" + `42["e",1]`,
	`40` + "\x1e" + `451-["e",{"_placeholder":true,"num":0}]` + "\x1e" + `bAQID`,
	`40` + "\x1e" + `452-7["e",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]` + "\x1ebAQID\x1eb",
	`40` + "\x1e" + `42["a"]` + "\x1e" + `461-0[{"_placeholder":true,"num":0}]` + "\x1ebAQID",
	`40` + "\x1e" + `451-["e",{"_placeholder":true,"num":0}]` + "\x1e" + `42["e",1]`, `bAQID`, `40` + "\x1ebAQID",
	`40` + "\x1e" + `3` + "\x1e" + `6` + "\x1e" + `2`, `1`, `40` + "\x1e" + `1` + "\x1e" + `42["e"]`,
	`42`, `40` + "\x1e" + `42`, `40` + "\x1e" + `4212`, `40` + "\x1e" + `450-`, `40` + "\x1e" + `451-` + "\x1eb", `40` + "\x1e" + `437`, `40` + "\x1e" + `42["e"]`,
	`44{"message":"x"}`, `40[]`, `40null`, `40{"pid":"x","offset":"y"}`, `40{"pid":{},"offset":[]}`, `41`, `41/x,`, `40/x,` + "\x1e" + `41`,
}

func TestLibrary_SurvivesTheSeeds(t *testing.T) {
	for _, binary := range []bool{false, true} {
		l := newLibrary(binary)
		before := runtime.NumGoroutine()
		for _, seed := range seeds {
			_, _ = l.play(t, []byte(seed))
			settled(t, before)
		}
		l.close()
	}
}

func TestLibrary_Answers(t *testing.T) {
	l := newLibrary(true)
	defer l.close()
	for payload, want := range map[string]string{
		`40/none,`:     `44/none,{"message":"Invalid namespace"}`,
		`40{"deny":1}`: `44{"data":{"deny":1},"message":"denied"}`,
		`40` + "\x1e" + `427["e","x"]` + "\x1e" + `42["k"]`: `40{"sid":""}` + "\x1e" + `437["x"]` + "\x1e" + `42["e","x"]` + "\x1e" + `42["k"]` + "\x1e" + `41`,
	} {
		got, err := l.play(t, []byte(payload))
		assert.NoError(t, err, payload)
		assert.Equal(t, payload, withoutIDs(got), want)
	}
}

// withoutIDs empties the id of a CONNECT.
func withoutIDs(payload string) string {
	before, after, found := strings.Cut(payload, `40{"sid":"`)
	if !found {
		return payload
	}
	_, after, _ = strings.Cut(after, `"`)
	return before + `40{"sid":""` + after
}

// FuzzLibrary plays payloads to the library behind the edge: the process survives whatever a client sends. A panic in
// one of the library's goroutines ends the test binary, which is the point.
func FuzzLibrary(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	libraries := map[bool]*library{false: newLibrary(false), true: newLibrary(true)}
	f.Cleanup(func() {
		libraries[false].close()
		libraries[true].close()
	})
	f.Fuzz(func(t *testing.T, payload []byte, binary bool) {
		before := runtime.NumGoroutine()
		_, _ = libraries[binary].play(t, payload)
		settled(t, before)
	})
}

// attachment is a binary message in a polling payload.
func attachment(data string) string { return "b" + base64.StdEncoding.EncodeToString([]byte(data)) }

func TestLibrary_BinaryEcho(t *testing.T) {
	l := newLibrary(true)
	defer l.close()
	got, err := l.play(t, []byte(`40`+"\x1e"+`451-["e",{"_placeholder":true,"num":0}]`+"\x1e"+attachment("\x01\x02")+"\x1e"+`42["k"]`))
	assert.NoError(t, err, "payload")
	want := `40{"sid":""}` + "\x1e" + `451-["e",{"_placeholder":true,"num":0}]` + "\x1e" + attachment("\x01\x02") + "\x1e" + `42["k"]` + "\x1e" + `41`
	assert.Equal(t, "answer", withoutIDs(got), want)
}
