package stream

import (
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestP10_NamesOfRooms(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"cats": true, "A.b_c~d-9": true, "...": true, "x": true, strings.Repeat("x", MaxRoomName): true,
		"": false, ".": false, "..": false, strings.Repeat("x", MaxRoomName+1): false,
		"a/b": false, "a b": false, "a,b": false, "a?b": false, "a#b": false, "a%20b": false, "a:b": false, "{a}": false,
		"ä": false, "a\x00": false, "a\n": false, "a*": false, "a\"": false, "a\\": false, "a+b": false, "a@b": false,
	} {
		assert.Equal(t, name, ValidRoom(name), want)
	}
}
