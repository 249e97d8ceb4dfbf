package wire

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/gobwas/ws"

	"scalable-chat/server/internal/test/assert"
)

const testLimit = 1000

func join(frames ...[]byte) []byte { return slices.Concat(frames...) }

// fragmented is the beginning of a message in so many frames, all of them empty.
func fragmented(frames int) []byte {
	return join(clientFrame(0, OpText, ""), bytes.Repeat(clientFrame(0, OpContinuation, ""), frames-1))
}

func TestReaderMessages(t *testing.T) {
	const fin = finBit
	long := strings.Repeat("é", 200)
	cases := []struct {
		name   string
		stream []byte
		want   []textMessage
	}{
		{"text", clientFrame(fin, OpText, `42["x"]`), []textMessage{{OpText, `42["x"]`}}},
		{"empty text", clientFrame(fin, OpText, ""), []textMessage{{OpText, ""}}},
		{"binary", clientFrame(fin, OpBinary, "\xff\x00"), []textMessage{{OpBinary, "\xff\x00"}}},
		{"16-bit length", clientFrame(fin, OpText, long), []textMessage{{OpText, long}}},
		{"two", join(clientFrame(fin, OpText, "a"), clientFrame(fin, OpText, "b")), []textMessage{{OpText, "a"}, {OpText, "b"}}},
		{
			"fragments", join(clientFrame(0, OpText, "a"), clientFrame(0, OpContinuation, "b"), clientFrame(fin, OpContinuation, "c")),
			[]textMessage{{OpText, "abc"}},
		},
		{
			"a character split over fragments", join(clientFrame(0, OpText, "\xc3"), clientFrame(fin, OpContinuation, "\xa9")),
			[]textMessage{{OpText, "é"}},
		},
		{
			"empty fragments", join(clientFrame(0, OpText, ""), clientFrame(0, OpContinuation, ""), clientFrame(fin, OpContinuation, "")),
			[]textMessage{{OpText, ""}},
		},
		{
			"ping between fragments", join(clientFrame(0, OpText, "a"), clientFrame(fin, OpPing, "p"), clientFrame(fin, OpContinuation, "b")),
			[]textMessage{{OpPing, "p"}, {OpText, "ab"}},
		},
		{"as many fragments as may be", join(fragmented(MaxFragments-1), clientFrame(fin, OpContinuation, "a")), []textMessage{{OpText, "a"}}},
		{"largest ping", clientFrame(fin, OpPing, strings.Repeat("p", 125)), []textMessage{{OpPing, strings.Repeat("p", 125)}}},
		{"pong", clientFrame(fin, OpPong, ""), []textMessage{{OpPong, ""}}},
		{"empty close", clientFrame(fin, OpClose, ""), []textMessage{{OpClose, ""}}},
		{"close", clientFrame(fin, OpClose, closePayload(4001, "bye")), []textMessage{{OpClose, closePayload(4001, "bye")}}},
		{"at the limit", clientFrame(fin, OpBinary, strings.Repeat("x", testLimit)), []textMessage{{OpBinary, strings.Repeat("x", testLimit)}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { eachSplit(t, c.stream, seen{Messages: c.want}) })
	}
}

func TestReaderRefuses(t *testing.T) {
	const fin = finBit
	unmasked := AppendFrame(nil, OpText, []byte("hi"))
	topBit := append(bytes.Clone(clientFrame(fin, OpText, strings.Repeat("x", 70000))[:14]), "x"...)
	topBit[2] |= 0x80
	cases := []struct {
		name   string
		stream []byte
		want   *CloseError
	}{
		{"unmasked", unmasked, errUnmasked},
		{"rsv1", clientFrame(fin|0x40, OpText, "a"), errReserved},
		{"rsv3 on ping", clientFrame(fin|0x10, OpPing, ""), errReserved},
		{"opcode 3", clientFrame(fin, 3, "a"), errOpcode},
		{"opcode 7", clientFrame(0, 7, "a"), errOpcode},
		{"opcode 11", clientFrame(fin, 0xB, ""), errOpcode},
		{"opcode 15", clientFrame(fin, 0xF, ""), errOpcode},
		{"fragmented ping", clientFrame(0, OpPing, "a"), errControl},
		{"long ping", clientFrame(fin, OpPing, strings.Repeat("p", 126)), errControl},
		{"orphan", clientFrame(fin, OpContinuation, "a"), errOrphan},
		{"orphan after a message", join(clientFrame(0, OpText, "a"), clientFrame(fin, OpContinuation, "b"), clientFrame(fin, OpContinuation, "c")), errOrphan},
		{"interrupted", join(clientFrame(0, OpText, "a"), clientFrame(fin, OpText, "b")), errInterrupted},
		{"bad utf-8", clientFrame(fin, OpText, "a\xff"), errText},
		{"surrogate", clientFrame(fin, OpText, "\xed\xa0\x80"), errText},
		{"bad utf-8 over fragments", join(clientFrame(0, OpText, "\xc3"), clientFrame(fin, OpContinuation, "a")), errText},
		{"top bit of the length", topBit, errLength},
		{"too big", clientFrame(fin, OpText, strings.Repeat("x", testLimit+1)), errTooBig},
		{"too big, 64 bits", clientFrame(fin, OpText, strings.Repeat("x", 70000)), errTooBig},
		{
			"too big over fragments",
			join(clientFrame(0, OpText, strings.Repeat("x", testLimit)), clientFrame(0, OpContinuation, ""), clientFrame(fin, OpContinuation, "x")),
			errTooBig,
		},
		{"too many fragments", join(fragmented(MaxFragments), clientFrame(0, OpContinuation, "")), errTooBig},
		{"close of one byte", clientFrame(fin, OpClose, "\x03"), errClose},
		{"close 1005", clientFrame(fin, OpClose, closePayload(1005, "")), errClose},
		{"close with bad utf-8", clientFrame(fin, OpClose, closePayload(1000, "\xff")), errCloseText},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := readAll(t, testLimit, c.stream)
			assert.Equal(t, "whole", got.Err, *c.want)
			eachSplit(t, c.stream, got)
		})
	}
}

// eachSplit wants the same outcome in one piece, byte by byte, and in any two pieces.
func eachSplit(t *testing.T, stream []byte, want seen) {
	t.Helper()
	assert.Equal(t, "whole", readAll(t, testLimit, stream), want)
	assert.Equal(t, "byte by byte", readAll(t, testLimit, stream, slices.Repeat([]int{1}, len(stream))...), want)
	for i := 1; i < min(len(stream), 300); i++ {
		assert.Equal(t, "two pieces", readAll(t, testLimit, stream, i), want)
	}
}

// P6: refused when the header is there, before any of the payload.
func TestP6_ReaderRefusesAtHeader(t *testing.T) {
	r := NewReader(testLimit)
	head := clientFrame(finBit, OpText, strings.Repeat("x", testLimit+1))[:8]
	_, n, err := r.Next(head)
	assert.Equal(t, "error", err, error(errTooBig))
	assert.Equal(t, "consumed", n, len(head))
}

// P6: a client costs what it sent, not what it announced, and nothing between messages.
func TestP6_ReaderMemory(t *testing.T) {
	assert.Equal(t, "size at most 64", unsafe.Sizeof(Reader{}) <= 64, true)

	r := NewReader(64 << 10)
	stream := clientFrame(finBit, OpBinary, strings.Repeat("x", 60_000))
	_, _, err := r.Next(bytes.Clone(stream[:20]))
	assert.NoError(t, err, "next")
	assert.Equal(t, "partial", r.partial(), true)
	assert.Equal(t, "held", cap(r.frame.payload) <= 64 && r.Held() == cap(r.frame.payload), true)
	m, n, err := r.Next(bytes.Clone(stream[20:]))
	assert.NoError(t, err, "next")
	assert.Equal(t, "consumed", n, len(stream)-20)
	assert.Equal(t, "message", len(m.Payload), 60_000)
	assert.Equal(t, "capacity", cap(m.Payload), 60_000)
	assert.Equal(t, "nothing is held", r.partial(), false)

	_, _, err = r.Next(clientFrame(0, OpText, "a"))
	assert.NoError(t, err, "next")
	assert.Equal(t, "partial", r.partial() && r.Held() > 0, true)
	_, _, err = r.Next(clientFrame(finBit, OpContinuation, "b"))
	assert.NoError(t, err, "next")
	assert.Equal(t, "nothing is held", r.partial() || r.Held() > 0, false)
}

// A caller delays the next message by not calling Next: the reader does not touch the bytes after a message.
func TestP2_ReaderStopsAfterEachMessage(t *testing.T) {
	first, second := clientFrame(finBit, OpText, "first"), clientFrame(finBit, OpText, "second")
	chunk := join(first, second)
	r := NewReader(testLimit)
	m, n, err := r.Next(chunk)
	assert.NoError(t, err, "next")
	assert.Equal(t, "message", string(m.Payload), "first")
	assert.Equal(t, "consumed", n, len(first))
	assert.Equal(t, "rest", chunk[n:], second)
	m, _, err = r.Next(chunk[n:])
	assert.NoError(t, err, "next")
	assert.Equal(t, "message", string(m.Payload), "second")
	_, n, err = r.Next(nil)
	assert.Equal(t, "nothing", n == 0 && err == nil, true)
}

func TestReaderDoesNotAllocate(t *testing.T) {
	frame := clientFrame(finBit, OpText, `42["event:message",{"message":"hello","username":"ann"}]`)
	p := bytes.Clone(frame)
	r := NewReader(testLimit)
	noAllocs(t, "whole frame", func() {
		copy(p, frame)
		if m, n, err := r.Next(p); err != nil || n != len(p) || m.Op != OpText {
			t.Fatal(m.Op, n, err)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add(clientFrame(finBit, OpText, "hello"), []byte{1, 3})
	f.Add(join(clientFrame(0, OpText, "a\xc3"), clientFrame(finBit, OpPing, "p"), clientFrame(finBit, OpContinuation, "\xa9")), []byte{2, 2, 2})
	f.Add(clientFrame(finBit, OpBinary, strings.Repeat("x", 300)), []byte{7, 200})
	f.Add(join(fragmented(MaxFragments), clientFrame(0, OpContinuation, "")), []byte{200})
	f.Add(clientFrame(finBit, OpClose, closePayload(1000, "bye")), []byte{})
	f.Add(clientFrame(finBit, OpText, strings.Repeat("x", testLimit+1)), []byte{9})
	f.Add([]byte("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00mask"), []byte{1})
	f.Fuzz(func(t *testing.T, stream, sizes []byte) {
		chunks := make([]int, len(sizes))
		for i, s := range sizes {
			chunks[i] = 1 + int(s)
		}
		whole := readAll(t, testLimit, stream)
		assert.Equal(t, "split", readAll(t, testLimit, stream, chunks...), whole)
		assert.Equal(t, "byte by byte", readAll(t, testLimit, stream, slices.Repeat([]int{1}, len(stream))...), whole)
		for _, m := range whole.Messages {
			if len(m.Payload) > testLimit || (m.Op.Control() && len(m.Payload) > MaxControl) {
				t.Fatalf("%v of %d bytes", m.Op, len(m.Payload))
			}
		}
	})
}

func BenchmarkReader(b *testing.B) {
	for _, size := range []int{60, 4000} {
		frame := clientFrame(finBit, OpText, strings.Repeat("x", size))
		p := bytes.Clone(frame)
		r := NewReader(64 << 10)
		name := map[int]string{60: "small", 4000: "large"}[size]
		// The library reads from a stream: the payload needs a buffer of its own while it arrives.
		b.Run(name+"/gobwas", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(frame)))
			source := bytes.NewReader(nil)
			for b.Loop() {
				source.Reset(frame)
				h, err := ws.ReadHeader(source)
				if err != nil {
					b.Fatal(err)
				}
				payload := make([]byte, h.Length)
				if _, err = io.ReadFull(source, payload); err != nil {
					b.Fatal(err)
				}
				ws.Cipher(payload, h.Mask, 0)
				if !utf8.Valid(payload) {
					b.Fatal("not UTF-8")
				}
			}
		})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(frame)))
			for b.Loop() {
				copy(p, frame)
				if _, _, err := r.Next(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
