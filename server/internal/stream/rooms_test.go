package stream

import (
	"encoding/json"
	"os"
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

// TestROOM1_ContractOfNames reads the examples that the web app and the stock clients read as well.
func TestROOM1_ContractOfNames(t *testing.T) {
	t.Parallel()
	var golden struct {
		MaxNameChars int
		Cases        []struct {
			Name, Room string
			Valid      bool
		}
	}
	text, err := os.ReadFile("../../../protocol/fixtures/rooms.json")
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(text, &golden))
	assert.Equal(t, "longest name", golden.MaxNameChars, MaxRoomName)
	for _, c := range golden.Cases {
		assert.Equal(t, c.Name, ValidRoom(c.Room), c.Valid)
	}
}
