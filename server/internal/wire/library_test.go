package wire

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"

	"scalable-chat/server/internal/test/assert"
)

// decodeByLibrary does with a packet and its attachments what the library's client does, and returns the one packet
// that it would act upon.
func decodeByLibrary(t *testing.T, data []byte, attachments int) *parser.Packet {
	t.Helper()
	var decoded []*parser.Packet
	d := parser.NewDecoder()
	d.On("decoded", func(args ...any) { decoded = append(decoded, args[0].(*parser.Packet)) })
	assert.NoError(t, d.Add(types.NewStringBuffer(slices.Clone(data))), "library")
	for i := range attachments {
		assert.Equal(t, "waits for attachments", len(decoded), 0)
		assert.NoError(t, d.Add(types.NewBytesBuffer([]byte{byte(i)})), "attachment")
	}
	assert.Equal(t, "decoded", len(decoded), 1)
	assert.NoError(t, d.Add("2[\"next\"]"), "ready for the next")
	assert.Equal(t, "decoded", len(decoded), 2)
	return decoded[0]
}

// assertHandled repeats the assumptions that the library's socket makes, without checking, in goroutines of its own.
func assertHandled(t *testing.T, h Header, p *parser.Packet) {
	t.Helper()
	nsp := "/"
	if h.Namespace != nil {
		nsp = string(h.Namespace)
	}
	assert.Equal(t, "namespace", p.Nsp, nsp)
	assert.Equal(t, "type", byte(p.Type), byte(h.Kind))
	assert.Equal(t, "ack id", p.Id != nil, h.HasAck)
	if h.HasAck {
		assert.Equal(t, "ack id", *p.Id, h.AckID)
	}
	switch p.Type {
	case parser.CONNECT:
		if _, ok := p.Data.(map[string]any); !ok && p.Data != nil {
			t.Fatalf("connect with %T", p.Data)
		}
	case parser.DISCONNECT:
		assert.Equal(t, "disconnect", p.Data, nil)
	case parser.EVENT, parser.BINARY_EVENT:
		name := p.Data.([]any)[0].(string)
		if slices.Contains([]string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}, name) {
			t.Fatalf("reserved event %q", name)
		}
		assertAttachments(t, h, p)
	case parser.ACK, parser.BINARY_ACK:
		_ = p.Data.([]any)
		if p.Id == nil {
			t.Fatal("ack without id")
		}
		assertAttachments(t, h, p)
	default:
		t.Fatalf("type %c", p.Type)
	}
}

// assertAttachments wants each attachment in the data exactly once.
func assertAttachments(t *testing.T, h Header, p *parser.Packet) {
	t.Helper()
	found := map[string]int{}
	collect(p.Data, found)
	assert.Equal(t, "attachments", len(found), h.Attachments)
	for _, n := range found {
		assert.Equal(t, "used", n, 1)
	}
}

func collect(v any, found map[string]int) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			collect(e, found)
		}
	case map[string]any:
		for _, e := range v {
			collect(e, found)
		}
	case types.BufferInterface:
		found[string(v.Bytes())]++
	}
}

// depthOf counts brackets outside of strings, in valid JSON.
func depthOf(text []byte) (most int) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			most = max(most, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return most
}

// What is accepted goes through the library without an error or a failing assumption. And the JSON check as such agrees
// with encoding/json.
func FuzzParsePacket(f *testing.F) {
	for _, s := range []string{
		`0`, `0{"token":"x"}`, `0/admin,{}`, `0/admin`, `1`, `1/a,`, `2["x"]`, `20["x",{"a":[1,-2.5e3,null,true]}]`,
		`2/a?b=c,12["x"]`, `37[]`, `37[{"status":"ok"}]`, `51-["x",{"_placeholder":true,"num":0}]`,
		`62-/a,7[{"_placeholder":true,"num":1},{"num":0,"_placeholder":true}]`, `2`, `4212`, `50-["x"]`, `2["\u0064isconnect"]`,
		`2["\ud800"]`, `2["x",1e999]`, `2["x"]x`, `2[1,"x"]`, `21[ -0.50e1 ]`, `51-[0,{"_placeholder":true,"num":0}]`, `2[[[[["x"]]]]]`, `51-["x",{"\u005fplaceholder":true,"num":0}]`, "2[\"\xff\"]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := slices.Clone(data)
		h, err := ParsePacket(data, Limits{Binary: true})
		assert.Equal(t, "data is not written to", data, before)
		if err == nil {
			assertHandled(t, h, decodeByLibrary(t, NameText(data, h), h.Attachments))
		} else if !slices.Contains(packetReasons(), err.Error()) {
			t.Fatalf("reason %q is not in the catalogue", err)
		}
		_, plainErr := ParsePacket(data, Limits{})
		if want := err == nil && h.Attachments == 0; (plainErr == nil) != want {
			t.Fatalf("without binary: %v, with: %v", plainErr, err)
		}
		if utf8.Valid(data) {
			compareJSON(t, data)
		}
	})
}

// Every short sequence of the tokens that packets are made of: what is accepted, the library handles.
func TestShortPacketsThroughLibrary(t *testing.T) {
	tokens := []string{"[", "]", "{", "}", ",", ":", "-", " ", "0", "1", "/", `"x"`, "null", mark0, mark1}
	const longest = 4
	accepted := 0
	var extend func(packet string, left int)
	extend = func(packet string, left int) {
		if h, err := ParsePacket([]byte(packet), Limits{Binary: true}); err == nil {
			accepted++
			assertHandled(t, h, decodeByLibrary(t, NameText([]byte(packet), h), h.Attachments))
		}
		for _, token := range tokens {
			if left > 0 {
				extend(packet+token, left-1)
			}
		}
	}
	for _, start := range []string{"0", "1", "2", "3", "4", "7", "37", "51-", "61-7", `2["x"`, `52-["x"`, `51-["x",` + mark0} {
		extend(start, longest)
	}
	if accepted < 100 {
		t.Fatalf("only %d accepted", accepted)
	}
}

const (
	mark0 = `{"_placeholder":true,"num":0}`
	mark1 = `{"_placeholder":true,"num":1}`
)

func compareJSON(t *testing.T, text []byte) {
	t.Helper()
	s := scanner{text: text, room: len(text) + 1}
	err := s.document()
	var v any
	want := json.Unmarshal(text, &v)
	if err == TooDeep || (want == nil && depthOf(text) > MaxDepth) {
		assert.Equal(t, "too deep", err, TooDeep)
		return
	}
	if (err == valid) != (want == nil) {
		t.Fatalf("%q: %q, encoding/json: %v", text, err, want)
	}
}

func TestJSONAgreesWithStandardLibrary(t *testing.T) {
	for _, text := range []string{
		``, ` `, `1`, `-1`, `-`, `+1`, `01`, `-0`, `0.`, `.5`, `0.5`, `1e`, `1e+`, `1E+5`, `1e5.5`, `1e400`, `1e-400`, `--1`, `0x1`, `1 2`, `NaN`,
		`true`, `tru`, `truex`, `nul`, `null`, `""`, `"`, `"\"`, `"\""`, `"\u00e9"`, `"\u00"`, `"\ud83d\ude00"`, `"\v"`, `"\b\f\n\r\t\/\\"`, `"\u00EF\uabCD"`, `"\u"`,
		"\"\x7f\"", "\"\t\"",
		`[]`, `[`, `]`, `[1`, `[1,`, `[1,]`, `[,1]`, `[1 2]`, ` [ 1 , 2 ] `, `{}`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1 "b":2}`,
		`{ "a" : 1 , "a" : [ ] }`, `{"a":1}}`, `{1:1}`, "\ufeff1", "[1]\x00", "\u00a01",
		strings.Repeat("9", 308), strings.Repeat("9", 309), "0." + strings.Repeat("9", 400),
	} {
		compareJSON(t, []byte(text))
	}
	every(`[]{},:"\ 1a`, 4, func(text []byte) { compareJSON(t, text) })
	every(`-01.eE+`, 5, func(text []byte) { compareJSON(t, text) })
}

// every calls fn with each text of at most n characters of the alphabet.
func every(alphabet string, n int, fn func([]byte)) {
	var extend func(text []byte)
	extend = func(text []byte) {
		fn(text)
		for i := 0; i < len(alphabet) && len(text) < n; i++ {
			extend(append(text, alphabet[i]))
		}
	}
	extend(make([]byte, 0, n))
}
