package shard

import (
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

func TestNewsIsReadAsItIsWritten(t *testing.T) {
	five, six, seven := stream.Offset{Ms: 5}, stream.Offset{Ms: 6}, stream.Offset{Ms: 7, Seq: 1}
	for text, want := range map[string]news{
		"e5-0 6-0 4 a 7 7-1 1 b": {kind: newsEntries, prev: five, entries: []stream.Entry{
			{Offset: six, Event: []byte("a 7 ")}, {Offset: seven, Event: []byte("b")},
		}},
		"l7-1":           {kind: newsLast, entries: []stream.Entry{{Offset: seven}}},
		"pabcd123412":    {kind: newsMembers, node: "abcd1234", members: 12},
		"mabcd1234 \x00": {kind: newsMessage, node: "abcd1234", message: " \x00"},
		string(messageNews("abcd1234", []byte("typing"))): {kind: newsMessage, node: "abcd1234", message: "typing"},
	} {
		got, err := parseNews(text)
		assert.NoError(t, err, text)
		assert.Equal(t, text, got, want)
	}
}

func TestMalformedNewsIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "x", "e", "e5-0", "e5-0 ", "e5-0 6-0", "e5-0 6-0 2 a", "e5-0 6-0 -1 a", "e5-0 6-0 0 ", "e5-0 6-0 1 a7-0",
		"l", "l5", "pabcd1234", "pabcd1234x", "pABCD12341", "m", "mabcd",
	} {
		if got, err := parseNews(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

func FuzzNews(f *testing.F) {
	f.Add("e5-0 6-0 4 a 7 7-1 1 b")
	f.Add("pabcd123412")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseNews(text)
		size := 0
		for _, entry := range got.entries {
			size += len(entry.Event)
		}
		if err == nil && size > len(text) {
			t.Errorf("%d bytes of events out of %d", size, len(text))
		}
	})
}
