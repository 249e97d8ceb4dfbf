package wire

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"scalable-chat/server/internal/test/assert"
)

// An independent parser reads what is written, at each border of the length encoding.
func TestFramesAreValidForAnotherLibrary(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 100_000} {
		payload := bytes.Repeat([]byte{'x'}, n)
		frame := AppendFrame(nil, OpText, payload)
		assert.Equal(t, "header", len(frame)-n, HeaderLen(n))
		got, err := ws.ReadFrame(bytes.NewReader(frame))
		assert.NoError(t, err, "read")
		assert.Equal(t, "fin", got.Header.Fin, true)
		assert.Equal(t, "masked", got.Header.Masked, false)
		assert.Equal(t, "op", got.Header.OpCode, ws.OpText)
		assert.Equal(t, "payload", bytes.Equal(got.Payload, payload), true)
		assert.Equal(t, "sub-slice", bytes.Equal(payloadOf(frame), payload), true)
	}
}

// The reader understands the frames of another WebSocket library.
func TestReaderReadsFramesOfAnotherLibrary(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 31, 32, 33, 125, 126, 65535, 65536} {
		text := strings.Repeat("y", n)
		var out bytes.Buffer
		assert.NoError(t, ws.WriteFrame(&out, ws.MaskFrame(ws.NewTextFrame([]byte(text)))), "write")
		stream := out.Bytes()
		r := NewReader(1 << 20)
		m, used, err := r.Next(stream)
		assert.NoError(t, err, "next")
		assert.Equal(t, "consumed", used, len(stream))
		assert.Equal(t, "payload", string(m.Payload) == text, true)
	}
}

func TestCutRefusesWhatIsNoServerFrame(t *testing.T) {
	frame := AppendFrame(nil, OpText, []byte("hello"))
	for name, bad := range map[string][]byte{
		"nothing": nil, "half a header": frame[:1], "short": frame[:len(frame)-1], "masked": clientFrame(finBit, OpText, "hello"),
	} {
		func() {
			defer func() { assert.Equal(t, name+" panics", recover() != nil, true) }()
			Cut(bad[:len(bad):len(bad)])
		}()
	}
}

func TestCutTakesFrameAfterFrame(t *testing.T) {
	var frames []byte
	lengths := []int{0, 1, 125, 126, 0xFFFF, 0x10000}
	for i, n := range lengths {
		frames = AppendFrame(frames, Op(1+i%2), bytes.Repeat([]byte{byte(i)}, n))
	}
	for i, n := range lengths {
		op, payload, rest := Cut(frames)
		assert.Equal(t, "opcode", op, Op(1+i%2))
		assert.Equal(t, "payload", bytes.Equal(payload, bytes.Repeat([]byte{byte(i)}, n)), true)
		frames = rest
	}
	assert.Equal(t, "rest", len(frames), 0)
}

func TestAppendClose(t *testing.T) {
	parse := func(frame []byte) (Code, string) {
		t.Helper()
		code, reason, err := ParseClose(payloadOf(frame))
		assert.NoError(t, err, "parse")
		return code, string(reason)
	}
	code, reason := parse(AppendClose(nil, CodePolicy, "slow"))
	assert.Equal(t, "code", code, CodePolicy)
	assert.Equal(t, "reason", reason, "slow")
	for _, c := range []Code{0, CodeNoStatus, 1006, 999} {
		code, _ = parse(AppendClose(nil, c, "x"))
		assert.Equal(t, "empty", code, CodeNoStatus)
	}
	_, reason = parse(AppendClose(nil, CodeNormal, strings.Repeat("é", 100)))
	assert.Equal(t, "cut", len(reason), 122)
	assert.Equal(t, "whole characters", utf8.ValidString(reason), true)
}

func TestCodeValid(t *testing.T) {
	for c := range Code(6000) {
		want := c >= 1000 && c <= 1014 && c != 1004 && c != 1005 && c != 1006 || c >= 3000 && c < 5000
		if c.Valid() != want {
			t.Errorf("%d: %v", c, c.Valid())
		}
	}
}

func TestReasonsAreDistinct(t *testing.T) {
	for _, list := range [][]string{frameReasons(), payloadReasons(), packetReasons()} {
		known := map[string]bool{}
		for _, reason := range list {
			assert.Equal(t, reason, reason == "" || known[reason], false)
			known[reason] = true
		}
	}
}

func TestWritingDoesNotAllocate(t *testing.T) {
	dst, payload := make([]byte, 0, 8192), make([]byte, 4000)
	frame := AppendFrame(nil, OpText, payload)
	noAllocs(t, "frame", func() { dst = AppendFrame(dst[:0], OpText, payload) })
	noAllocs(t, "close", func() { dst = AppendClose(dst[:0], CodeGoingAway, "server shutting down") })
	noAllocs(t, "payload", func() { io.Discard.Write(payloadOf(frame)) })
	noAllocs(t, "packet", func() { dst = AppendPacket(dst[:0], Packet{Type: PacketMessage, Data: payload}) })
}
