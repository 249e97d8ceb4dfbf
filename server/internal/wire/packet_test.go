package wire

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// Golden: what a stock client sends, and how it is taken apart.
func TestParsePacket(t *testing.T) {
	cases := []struct {
		text string
		want Header
	}{
		{`0`, Header{Kind: Connect}},
		{`0{"token":"x"}`, Header{Kind: Connect, Payload: []byte(`{"token":"x"}`)}},
		{`0/admin`, Header{Kind: Connect, Namespace: []byte("/admin")}},
		{`0/admin,`, Header{Kind: Connect, Namespace: []byte("/admin")}},
		{`0/admin?a=1,{}`, Header{Kind: Connect, Namespace: []byte("/admin?a=1"), Payload: []byte(`{}`)}},
		{`0/,{}`, Header{Kind: Connect, Payload: []byte(`{}`)}},
		{`1`, Header{Kind: Disconnect}},
		{`1/admin,`, Header{Kind: Disconnect, Namespace: []byte("/admin")}},
		{`2["x"]`, Header{Kind: Event, Payload: []byte(`["x"]`)}},
		{`2 [ "x" , 1 ] `, Header{Kind: Event, Payload: []byte(` [ "x" , 1 ] `)}},
		{`20["x"]`, Header{Kind: Event, HasAck: true, Payload: []byte(`["x"]`)}},
		{`218446744073709551615["x"]`, Header{Kind: Event, HasAck: true, AckID: 1<<64 - 1, Payload: []byte(`["x"]`)}},
		{`2/é,7["x",{"a":[null,true,false,-0.5e-3]}]`, Header{Kind: Event, Namespace: []byte("/é"), HasAck: true, AckID: 7, Payload: []byte(`["x",{"a":[null,true,false,-0.5e-3]}]`)}},
		{`2["x",{"_placeholder":true,"num":7}]`, Header{Kind: Event, Payload: []byte(`["x",{"_placeholder":true,"num":7}]`)}},
		{`2["\u0044isconnect"]`, Header{Kind: Event, Payload: []byte(`["\u0044isconnect"]`)}},
		{`2["disconnect\n"]`, Header{Kind: Event, Payload: []byte(`["disconnect\n"]`)}},
		{`2["disconnec\t"]`, Header{Kind: Event, Payload: []byte(`["disconnec\t"]`)}},
		{`2["disconnec\u0074\\"]`, Header{Kind: Event, Payload: []byte(`["disconnec\u0074\\"]`)}},
		{`2["error"]`, Header{Kind: Event, Payload: []byte(`["error"]`)}},
		{`37[]`, Header{Kind: Ack, HasAck: true, AckID: 7, Payload: []byte(`[]`)}},
	}
	for _, c := range cases {
		got, err := ParsePacket([]byte(c.text), Limits{})
		assert.NoError(t, err, c.text)
		// An absent payload may be nil or empty.
		assert.Equal(t, c.text, string(got.Payload), string(c.want.Payload))
		got.Payload, c.want.Payload = nil, nil
		assert.Equal(t, c.text, got, c.want)
	}
}

// TestROOM1_FramesOfARoom reads the examples that clients read as well.
func TestROOM1_FramesOfARoom(t *testing.T) {
	var golden struct {
		Namespace string
		Cases     []struct{ Name, From, Frame string }
	}
	text, err := os.ReadFile("../../../protocol/fixtures/room-frames.json")
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(text, &golden))
	for _, c := range golden.Cases {
		if c.From == "client" {
			h, err := ParsePacket([]byte(c.Frame[1:]), Limits{})
			assert.NoError(t, err, c.Name)
			assert.Equal(t, c.Name, string(h.Namespace), golden.Namespace)
		}
	}
}

func TestParseBinaryPacket(t *testing.T) {
	const one = `{"_placeholder":true,"num":0}`
	good := map[string]int{
		`51-["x",` + one + `]`: 1,
		`51-/a,3["x",{"y":{ "num" : 0 , "_placeholder" : true }}]`: 1,
		`61-7[` + one + `]`: 1,
		`52-["x",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`: 2,
		`51-["x",{"num":3},{"num":0,"_placeholde":true},` + one + `]`:          1,
		`51-["x",{"\u005fplaceholder":true,"num":0}]`:                          1,
		`510-["x",` + placeholders(10) + `]`:                                   10,
	}
	for text, n := range good {
		got, err := ParsePacket([]byte(text), Limits{Binary: true})
		assert.NoError(t, err, text)
		assert.Equal(t, text, got.Attachments, n)
		_, err = ParsePacket([]byte(text), Limits{})
		assert.Equal(t, text, err, error(BinaryRefused))
	}
}

func TestParseBinaryPacketRefuses(t *testing.T) {
	const one = `{"_placeholder":true,"num":0}`
	bad := map[string]PacketError{
		`5["x"]`:                                 BadAttachments,
		`5-["x"]`:                                BadAttachments,
		`50-["x"]`:                               BadAttachments,
		`51["x",` + one + `]`:                    BadAttachments,
		`5-1-["x"]`:                              BadAttachments,
		`51`:                                     BadAttachments,
		`511-["x",` + placeholders(11) + `]`:     BadAttachments,
		`599999999999999999999-["x"]`:            BadAttachments,
		`51-`:                                    BadEvent,
		`51-["x"]`:                               BadPlaceholder,
		`51-["x",` + one + `,` + one + `]`:       BadPlaceholder,
		`52-["x",` + one + `]`:                   BadPlaceholder,
		`51-["x",{"_placeholder":true,"num":1}]`: BadPlaceholder,
		`51-["x",{"_placeholder":true,"num":-1}]`:            BadPlaceholder,
		`51-["x",{"_placeholder":true,"num":0.0}]`:           BadPlaceholder,
		`51-["x",{"_placeholder":true,"num":1e300}]`:         BadPlaceholder,
		`51-["x",{"_placeholder":true,"num":"0"}]`:           BadPlaceholder,
		`51-["x",{"_placeholder":true}]`:                     BadPlaceholder,
		`51-["x",{"_placeholder":false,"num":0}]`:            BadPlaceholder,
		`51-["x",{"_placeholder":true,"num":0,"a":1}]`:       BadPlaceholder,
		`51-["x",{"_placeholder":true,"_placeholder":true}]`: BadPlaceholder,
		`51-["x",{"\u005fplaceholder":true,"num":1}]`:        BadPlaceholder,
		`51-[` + one + `]`:                                   BadEvent,
		`61-[` + one + `]`:                                   BadAck,
		`61-7`:                                               BadAck,
	}
	for text, want := range bad {
		_, err := ParsePacket([]byte(text), Limits{Binary: true})
		assert.Equal(t, text, err, error(want))
	}
}

func placeholders(n int) string {
	var list []string
	for i := range n {
		list = append(list, `{"_placeholder":true,"num":`+strconv.Itoa(i)+`}`)
	}
	return strings.Join(list, ",")
}

// P6: everything here ends the process, corrupts a session or is nonsense; the first block is LIBRARY.md, row 1.
// refused are packets that ParsePacket refuses without attachments, and why.
var refused = []struct {
	text string
	want PacketError
}{
	{`2`, BadEvent},
	{`212`, BadEvent},
	{`50-`, BinaryRefused},
	{`51-`, BinaryRefused},
	{`37`, BadAck},

	{``, BadKind},
	{`7`, BadKind},
	{`x`, BadKind},
	{`4{"message":"x"}`, BadKind},
	{"2[\"\xff\"]", BadUTF8},
	{`0[]`, BadConnect},
	{`0null`, BadConnect},
	{`0 `, BadConnect},
	{`05`, BadAckID},
	{`05{}`, BadAckID},
	{`0{}x`, BadJSON},
	{`0{`, BadJSON},
	{`15`, BadAckID},
	{`1null`, BadDisconnect},
	{`1{}`, BadDisconnect},
	{`2{}`, BadEvent},
	{`2[]`, BadEvent},
	{`2[null]`, BadEvent},
	{`2[["x"]]`, BadEvent},
	{`2"x"`, BadEvent},
	{`2-1["x"]`, BadEvent},
	{`2/a["x"]`, BadEvent}, // all of it is the namespace
	{`2/a`, BadEvent},
	{`2["x"]]`, BadJSON},
	{`2["x"]["y"]`, BadJSON},
	{`2["x",]`, BadJSON},
	{`2["x"`, BadJSON},
	{`2["x",01]`, BadJSON},
	{`2["x",1e999]`, BadNumber},
	{`2["x",` + strings.Repeat("9", 310) + `]`, BadNumber},
	{`2["\x"]`, BadJSON},
	{`2["\u12g4"]`, BadJSON},
	{"2[\"a\nb\"]", BadJSON},
	{"2[\"x\"]\x00", BadJSON},
	{`2[\u0022x"]`, BadJSON},
	{`218446744073709551616["x"]`, BadAckID},
	{`2` + strings.Repeat("0", 21) + `["x"]`, BadAckID},
	{`2["connect"]`, ReservedEvent},
	{`2["disconnect","x"]`, ReservedEvent},
	{`2["newListener"]`, ReservedEvent},
	{`2["\u0064isconnect"]`, ReservedEvent},
	{`2["disconnectin\u0067"]`, ReservedEvent},
	{`3[]`, BadAck},
	{`37{}`, BadAck},
	{`37null`, BadAck},
	{"0/a\nb,", BadNamespace},
	{"0/a\x7f", BadNamespace},
	{`0/` + strings.Repeat("a", MaxNamespace) + `,`, BadNamespace},
}

func TestP6_ParsePacketRefuses(t *testing.T) {
	for _, c := range refused {
		_, err := ParsePacket([]byte(c.text), Limits{})
		assert.Equal(t, c.text, err, error(c.want))
	}
	_, err := ParsePacket([]byte(`0/`+strings.Repeat("a", MaxNamespace-1)), Limits{})
	assert.NoError(t, err, "longest namespace")
}

func TestP6_DepthIsBounded(t *testing.T) {
	nested := func(open, shut string, n int) string {
		return `2["x",` + strings.Repeat(open, n) + `1` + strings.Repeat(shut, n) + `]`
	}
	for _, c := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
		_, err := ParsePacket([]byte(nested(c[0], c[1], MaxDepth-1)), Limits{})
		assert.NoError(t, err, "deepest")
		_, err = ParsePacket([]byte(nested(c[0], c[1], MaxDepth)), Limits{})
		assert.Equal(t, "too deep", err, error(TooDeep))
		_, err = ParsePacket([]byte(`2["x",`+strings.Repeat(c[0], 1<<20)), Limits{})
		assert.Equal(t, "far too deep", err, error(TooDeep))
	}
}

// TestLIM10_ValuesAreBounded: a packet holds at most a certain number of JSON values, however they are nested.
func TestLIM10_ValuesAreBounded(t *testing.T) {
	list := func(n int, of string) string { return strings.Repeat(of+",", n-1) + of }
	for name, c := range map[string]struct {
		front, of, back string
		each, others    int // values of one item, and of the rest
	}{
		"CONNECT":            {`0{"x":[`, "0", "]}", 1, 2},
		"CONNECT, flat":      {"0{", `"":null`, "}", 1, 1},
		"event":              {`2["x",`, `"y"`, "]", 1, 2},
		"event with ack":     {`2/n,7["x",`, "[]", "]", 1, 2},
		"objects":            {`2["x",[`, `{"":0}`, "]]", 2, 3},
		"ack":                {`37[`, "[{}]", "]", 2, 1},
		"binary event":       {`51-["x",{"_placeholder":true,"num":0},`, "1", "]", 1, 5},
		"with its own limit": {`2["x",`, "true", "]", 1, 2},
	} {
		limits, most := Limits{Binary: true}, 256
		if name == "with its own limit" {
			limits.Values, most = 1000, 1000
		}
		fit := (most - c.others) / c.each
		_, err := ParsePacket([]byte(c.front+list(fit, c.of)+c.back), limits)
		assert.NoError(t, err, name)
		_, err = ParsePacket([]byte(c.front+list(fit+1, c.of)+c.back), limits)
		assert.Equal(t, name, err, error(TooManyValues))
	}
}

func TestParsePacketDoesNotAllocate(t *testing.T) {
	for _, text := range []string{
		`0{"token":"x"}`, `42`[1:] + `["event:message",{"message":"hello \"you\"","username":"ann","n":[1,2.5,-1e10]}]`,
		`2/admin,7["\u0078",null]`, `37[{"status":"ok"}]`, `51-["x",{"_placeholder":true,"num":0}]`,
	} {
		data := []byte(text)
		noAllocs(t, text, func() {
			if _, err := ParsePacket(data, Limits{Binary: true}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func BenchmarkParsePacket(b *testing.B) {
	small := `2["event:message",{"message":"hello, is anybody there?","username":"ann","id":"0192-3b"}]`
	large := `2["event:message",{"message":"` + strings.Repeat("so it goes, ", 330) + `","username":"ann"}]`
	for name, text := range map[string]string{"small": small, "large": large} {
		data := []byte(text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := ParsePacket(data, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/json.Valid", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				json.Valid(data[1:])
			}
		})
		// What a library would have to do to know the depth and the number of values, too.
		b.Run(name+"/json.Decoder", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				d := json.NewDecoder(bytes.NewReader(data[1:]))
				for {
					if _, err := d.Token(); err != nil {
						break
					}
				}
			}
		})
	}
}
