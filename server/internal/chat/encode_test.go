package chat

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"scalable-chat/server/internal/test/assert"
)

func TestOUT2_GoldenFrames(t *testing.T) {
	golden := load[struct {
		Cases []struct {
			Spec, Name, Offset, Frame string
			Message                   Message
		}
	}](t, "server-message.json")
	for _, c := range golden.Cases {
		t.Run(c.Spec+" "+c.Name, func(t *testing.T) {
			args := encode(messageOf(c.Message))
			args = bytes.Replace(args, []byte{TimeMark}, strconv.AppendInt(nil, c.Message.At, 10), 1)
			frame := "42" + strings.TrimSuffix(string(args), "]") + `,"` + c.Offset + `"]`
			assert.Equal(t, "frame", frame, c.Frame)
		})
	}
}

func TestOUT_OneAllocation(t *testing.T) {
	m := messageOf(Message{Message: strings.Repeat("no escapes, but é and 😀 ", 40), Username: "ada", ID: "tab7-1", From: "user-17", Verified: true})
	if n := testing.AllocsPerRun(100, func() { sink = encode(m) }); n != 1 {
		t.Errorf("%v allocations", n)
	}
}

var sink []byte

func TestOUT_InvalidUTF8BecomesValid(t *testing.T) {
	m, ok := Decode(entry(Message{Message: "a\xffb\xc3", Username: "\x80", ID: "x"}))
	assert.Equal(t, "decoded", ok, true)
	assert.Equal(t, "message", m.Message, "a\uFFFDb\uFFFD")
	assert.Equal(t, "username", m.Username, "\uFFFD")
}

func FuzzEncode(f *testing.F) {
	f.Add("hello", "ada", "tab7-1", "~4VkTjqX2h0bQ9sWd", false)
	f.Add("\x00\x1f\"\\\u2028\u2029</script>\u007f😀", "", "\x00", "", true)
	f.Add("\xed\xa0\x80\xff", "\xc0\x80", `","at":1}]`, `","verified":true,"x":"`, false)
	f.Fuzz(func(t *testing.T, text, username, id, from string, verified bool) {
		args := encode(messageOf(Message{Message: text, Username: username, ID: id, From: from, Verified: verified}))
		if !utf8.Valid(args) || bytes.Count(args, []byte{TimeMark}) != 1 || bytes.ContainsAny(args, "\n\r") {
			t.Fatalf("%q", args)
		}
		var compact bytes.Buffer
		whole := bytes.Replace(args, []byte{TimeMark}, []byte("12"), 1)
		if err := json.Compact(&compact, whole); err != nil || compact.Len() != len(whole) {
			t.Fatalf("%q is not compact JSON: %v", whole, err)
		}
		m, ok := Decode(Entry{Offset: "1-2", At: 3, Args: args})
		want := Message{clean(text), clean(username), clean(id), clean(from), verified, 3, "1-2"}
		if !ok || m != want {
			t.Fatalf("%q decodes as %+v, not %+v", args, m, want)
		}
	})
}

// messageOf is the message that becomes m.
func messageOf(m Message) message {
	return message{text: m.Message, id: m.ID, author: author{m.From, m.Username, m.Verified}}
}

func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func BenchmarkEncode(b *testing.B) {
	m := messageOf(Message{Message: strings.Repeat("The quick brown fox. ", 5), Username: "ada", ID: "tab7-1", From: "~4VkTjqX2h0bQ9sWd"})
	b.ReportAllocs()
	for b.Loop() {
		sink = encode(m)
	}
}
