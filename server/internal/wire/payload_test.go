package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"scalable-chat/server/internal/test/assert"
)

func decodeAll(body string) ([]Packet, error) {
	var got []Packet
	err := DecodePayload([]byte(body), func(p Packet) error {
		got = append(got, p)
		return nil
	})
	return got, err
}

func TestDecodePayload(t *testing.T) {
	cases := []struct {
		body string
		want []Packet
	}{
		{"40", []Packet{{Type: '4', Data: []byte("0")}}},
		{"3\x1e42[\"x\"]", []Packet{{Type: '3', Data: []byte{}}, {Type: '4', Data: []byte(`2["x"]`)}}},
		{"4€\x1ebAQID", []Packet{{Type: '4', Data: []byte("€")}, {Type: '4', Binary: true, Data: []byte{1, 2, 3}}}},
		{"b", []Packet{{Type: '4', Binary: true, Data: []byte{}}}},
		{"1", []Packet{{Type: '1', Data: []byte{}}}},
		{"4b", []Packet{{Type: '4', Data: []byte("b")}}},
	}
	for _, c := range cases {
		got, err := decodeAll(c.body)
		assert.NoError(t, err, c.body)
		assert.Equal(t, c.body, got, c.want)
	}
}

func TestDecodePayloadRefuses(t *testing.T) {
	cases := map[string]PayloadError{
		"":                ErrEmptyPacket,
		"\x1e":            ErrEmptyPacket,
		"4a\x1e":          ErrEmptyPacket,
		"\x1e4a":          ErrEmptyPacket,
		"4a\x1e\x1e4b":    ErrEmptyPacket,
		"7":               ErrPacketType,
		"x":               ErrPacketType,
		"4a\x1ehello":     ErrPacketType,
		"/":               ErrPacketType,
		"b!!!!":           ErrBase64,
		"bAQI":            ErrBase64,
		"bAQ\nID":         ErrBase64,
		"bAQID\r\n":       ErrBase64,
		"bAR==":           ErrBase64, // bits behind the end
		"4\xff":           ErrPayloadText,
		"4a\x1e4\xed\xa0": ErrPayloadText,
		strings.Repeat("4\x1e", MaxPackets) + "4": ErrTooMany,
	}
	for body, want := range cases {
		_, err := decodeAll(body)
		assert.Equal(t, body[:min(len(body), 20)], err, error(want))
	}
	_, err := decodeAll(strings.Repeat("4\x1e", MaxPackets-1) + "4")
	assert.NoError(t, err, "as many as allowed")
}

func TestDecodePayloadStopsWithTheCaller(t *testing.T) {
	stop, n := errors.New("stop"), 0
	err := DecodePayload([]byte("4a\x1e4b"), func(Packet) error { n++; return stop })
	assert.Equal(t, "error", err, stop)
	assert.Equal(t, "packets", n, 1)
}

func TestAppendPacket(t *testing.T) {
	packets := []Packet{
		{Type: '6', Data: []byte{}},
		{Type: '4', Data: []byte(`2["x"]`)},
		{Type: '4', Binary: true, Data: []byte("\x00\x1e\xff")},
		{Type: '4', Binary: true, Data: []byte{}},
	}
	var body []byte
	for _, p := range packets {
		body = AppendPacket(body, p)
	}
	got, err := decodeAll(string(body))
	assert.NoError(t, err, "decode")
	assert.Equal(t, "packets", got, packets)
}

// A shared WebSocket frame becomes a polling packet without being decoded.
func TestFrameToPolling(t *testing.T) {
	text := payloadOf(AppendFrame(nil, OpText, []byte(`42["message",{}]`)))
	p, err := DecodeText(text)
	assert.NoError(t, err, "decode")
	assert.Equal(t, "body", string(AppendPacket(nil, p)), `42["message",{}]`)
}

func TestReadBody(t *testing.T) {
	const limit = 2000
	for _, n := range []int{0, 1, 511, 512, 513, limit - 1, limit} {
		want := strings.Repeat("x", n)
		for name, body := range map[string]io.Reader{
			"plain":        strings.NewReader(want),
			"byte-wise":    iotest.OneByteReader(strings.NewReader(want)),
			"data and EOF": iotest.DataErrReader(strings.NewReader(want)),
		} {
			got, err := ReadBody([]byte("kept"), body, -1, limit)
			assert.NoError(t, err, name)
			assert.Equal(t, name, string(got) == "kept"+want, true)
		}
	}
}

// P6: 413 with or without Content-Length, and no more is read or held than the limit.
func TestP6_ReadBodyIsBounded(t *testing.T) {
	const limit = 1000
	got, err := ReadBody(nil, iotest.ErrReader(errors.New("must not be read")), limit+1, limit)
	assert.Equal(t, "declared", err, error(ErrTooLarge))
	assert.Equal(t, "nothing read", len(got), 0)

	endless := &counter{}
	got, err = ReadBody(nil, endless, -1, limit)
	assert.Equal(t, "chunked", err, error(ErrTooLarge))
	assert.Equal(t, "read", endless.n, limit+1)
	assert.Equal(t, "held", cap(got) <= 4*limit, true)

	got, err = ReadBody(make([]byte, 0, 1<<16), endless, -1, limit)
	assert.Equal(t, "large buffer", err, error(ErrTooLarge))
	assert.Equal(t, "read", len(got), limit+1)

	_, err = ReadBody(nil, iotest.TimeoutReader(endless), 10, limit)
	assert.Equal(t, "error of the reader", err, iotest.ErrTimeout)
	_, err = ReadBody(nil, lazy{}, -1, limit)
	assert.Equal(t, "no progress", err, io.ErrNoProgress)

	slow := &counter{stop: 1}
	got, _ = ReadBody(nil, slow, 1_000_000, 1_000_000)
	assert.Equal(t, "announced but not sent", cap(got) <= 1024, true)
}

// counter gives bytes, stop of them if that is set.
type counter struct{ n, stop int }

func (c *counter) Read(p []byte) (int, error) {
	if c.stop > 0 {
		if c.n == c.stop {
			return 0, io.ErrUnexpectedEOF
		}
		p = p[:1]
	}
	c.n += len(p)
	return len(p), nil
}

type lazy struct{}

func (lazy) Read([]byte) (int, error) { return 0, nil }

func TestDecodePayloadDoesNotAllocate(t *testing.T) {
	body := []byte("3\x1e42[\"event:message\",{\"message\":\"hello\"}]\x1e42[\"x\"]")
	n := 0
	count := func(Packet) error { n++; return nil }
	noAllocs(t, "decode", func() {
		if err := DecodePayload(body, count); err != nil {
			t.Fatal(err)
		}
	})
	dst := make([]byte, 0, 4096)
	rd := bytes.NewReader(body)
	noAllocs(t, "read", func() {
		rd.Reset(body)
		if got, err := ReadBody(dst, rd, int64(len(body)), 4000); err != nil || len(got) != len(body) {
			t.Fatal(err)
		}
	})
}

func FuzzDecodePayload(f *testing.F) {
	for _, s := range []string{"40", "3\x1e42[\"x\"]", "bAQID\x1e4€", "b", "", "\x1e", "bAQ\nID", "4\xff", "7"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := slices.Clone(body)
		packets, err := decodeAll(string(body))
		assert.Equal(t, "body is not written to", body, before)
		if err != nil {
			if !slices.Contains(payloadReasons(), err.Error()) {
				t.Fatalf("reason %q is not in the catalogue", err)
			}
			return
		}
		// What is accepted has one form only.
		var again []byte
		for _, p := range packets {
			again = AppendPacket(again, p)
		}
		if !bytes.Equal(again, body) {
			t.Fatalf("%q came back as %q", body, again)
		}
	})
}

func BenchmarkDecodePayload(b *testing.B) {
	body := []byte("3\x1e42[\"event:message\",{\"message\":\"hello\",\"username\":\"ann\"}]\x1eb" + base64.StdEncoding.EncodeToString([]byte("hello")))
	body = body[:bytes.LastIndexByte(body, separator)]
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := DecodePayload(body, func(Packet) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
