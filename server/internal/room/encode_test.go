package room

import (
	"encoding/json"
	"os"
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

func TestEncodeSkipsWhatIsNoEvent(t *testing.T) {
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

// goldenFrames are the frames of a room that the server sends, as clients' tests read them too.
func goldenFrames(t *testing.T) (namespace string, frames map[string]string) {
	t.Helper()
	var golden struct {
		Namespace string
		Cases     []struct{ Name, From, Frame string }
	}
	text, err := os.ReadFile("../../../protocol/fixtures/room-frames.json")
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(text, &golden))
	frames = map[string]string{}
	for _, c := range golden.Cases {
		frames[c.Name] = c.Frame
	}
	return golden.Namespace, frames
}

func TestROOM2_FramesOfARoomDifferInTheNamespaceOnly(t *testing.T) {
	namespace, frames := goldenFrames(t)
	offset := stream.Offset{Ms: 1700000000001}
	event := `["message",{"message":"hello","username":"ada","id":"tab7-1","from":"~4VkTjqX2h0bQ9sWd","at":` + "\x00" + `}]`
	frame, ok := Encoder(namespace)(nil, stream.Entry{Offset: offset, Event: []byte(event)})
	assert.Equal(t, "encoded", ok, true)
	assert.Equal(t, "message", string(payloadOf(frame)), frames["a message is broadcast"])
	args := strings.TrimPrefix(frames["a message is broadcast"], "42"+namespace+",")
	assert.Equal(t, "decoded", string(Decode(frame)), args)
	assert.Equal(t, "greeting", string(payloadOf(appendPresence(nil, namespace, 1, offset))), frames["presence with the joining offset"])
	assert.Equal(t, "presence", string(payloadOf(appendPresence(nil, namespace, 2, stream.Offset{}))), frames["presence on change"])
}

// longest is the namespace of a room with the longest name.
var longest = "/rooms/" + strings.Repeat("x", stream.MaxRoomName)

func TestROOM2_EncodingAllocatesNothing(t *testing.T) {
	encode, dst := Encoder(longest), make([]byte, 0, 1024)
	entry := stream.Entry{Offset: stream.Offset{Ms: 1700000000123}, Event: []byte(`["message",{"at":` + "\x00" + `}]`)}
	assert.Equal(t, "allocations", testing.AllocsPerRun(100, func() { encode(dst, entry) }), 0)
}

func FuzzEntriesOfARoom(f *testing.F) {
	f.Add([]byte(`["message",{"at":`+"\x00"+`}]`), uint64(1700000000123), uint64(4))
	f.Add([]byte(`["]["]`), uint64(1<<63), uint64(1<<63))
	f.Add([]byte(`[]`), uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, event []byte, ms, seq uint64) {
		for _, namespace := range []string{"/", "/rooms/x", longest} {
			e := stream.Entry{Offset: stream.Offset{Ms: ms, Seq: seq}, Event: event}
			frame, ok := Encoder(namespace)(nil, e)
			if !ok {
				continue
			}
			if len(frame) > len(event)+replica.FrameOverhead {
				t.Errorf("frame of %d bytes for an event of %d", len(frame), len(event))
			}
			args := string(Decode(frame))
			if string(payloadOf(frame)) != "4"+prefix(namespace)+args || !strings.HasSuffix(args, `,"`+e.Offset.String()+`"]`) {
				t.Errorf("%q in %s became %q", event, namespace, frame)
			}
		}
	})
}
