package room

import (
	"strings"
	"testing"

	"scalable-chat/server/internal/replica"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func TestEntryBecomesOneFrame(t *testing.T) {
	offset := stream.Offset{Ms: 1700000000123, Seq: 4}
	long := strings.Repeat("x", 70_000)
	for _, c := range []struct{ args, want string }{
		{`["message",{"at":` + "\x00" + `}]`, `42["message",{"at":1700000000123},"1700000000123-4"]`},
		{`["news"]`, `42["news","1700000000123-4"]`},
		{`["` + long[:86] + `"]`, `42["` + long[:86] + `","1700000000123-4"]`}, // short frame: at most 125 bytes
		{`["` + long[:110] + `"]`, `42["` + long[:110] + `","1700000000123-4"]`},
		{`["` + long + `"]`, `42["` + long + `","1700000000123-4"]`},
	} {
		got, ok := Encoder("/")([]byte("before"), stream.Entry{Offset: offset, Event: []byte(c.args)})
		if !ok {
			t.Fatalf("refused %.40s", c.args)
		}
		assert.Equal(t, "payload", string(payloadOf(got[len("before"):])), c.want)
		if room := len(c.args) + replica.FrameOverhead; len(got)-len("before") > room {
			t.Errorf("frame of %d bytes is larger than the %d that were reserved", len(got), room)
		}
	}
}

func TestWhatIsNoEventIsNotEncoded(t *testing.T) {
	for _, args := range []string{"", "[", "[]", `{"a":1}`, `[1,2,3]`, `["a"`, "\x00\x00\x00\x00"} {
		if got, ok := Encoder("/")(nil, stream.Entry{Event: []byte(args)}); ok || got != nil {
			t.Errorf("%q became %q", args, got)
		}
	}
}

func TestPresenceFrame(t *testing.T) {
	assert.Equal(t, "with offset", string(payloadOf(appendPresence(nil, "/", 12, stream.Offset{Ms: 5}))), `42["presence",{"online":12},"5-0"]`)
	assert.Equal(t, "without", string(payloadOf(appendPresence(nil, "/", 0, stream.Offset{}))), `42["presence",{"online":0}]`)
}

func payloadOf(frame []byte) []byte {
	_, payload, _ := wire.Cut(frame)
	return payload
}
