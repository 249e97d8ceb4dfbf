package config

import (
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestP10_SettingsSayWhichRoomsThereAre(t *testing.T) {
	clean(t)
	for args, want := range map[string]struct {
		listed  string
		permits map[string]bool
	}{
		"":                             {"general random", map[string]bool{"cats": true, "general": true, "A.b_c~d-1": true}},
		"--rooms=off":                  {"", map[string]bool{"cats": false, "general": false}},
		"--rooms=team-*,general":       {"general", map[string]bool{"team-": true, "team-a": true, "Team-a": false, "xteam-a": false, "random": false}},
		"--rooms-listed=off":           {"", map[string]bool{"general": true}},
		"--rooms-listed=a,b,a":         {"a b", nil},
		"--rooms=off --rooms-listed=a": {"", map[string]bool{"a": false}},
	} {
		c := mustLoad(t, strings.Fields(args)...)
		assert.Equal(t, args+": listed", strings.Join(c.Rooms.Listed, " "), want.listed)
		assert.Equal(t, args+": enabled", c.Rooms.Enabled(), !strings.Contains(args, "--rooms=off"))
		for name, permitted := range want.permits {
			assert.Equal(t, args+": "+name, c.Rooms.Permits(name), permitted)
		}
	}
	assert.Equal(t, "warnings", mustLoad(t, "--rooms=off", "--max-rooms=5").Warnings, []string{"MAX_ROOMS: has no effect with ROOMS=off"})
}

func TestP6_ThePublicListIsBounded(t *testing.T) {
	clean(t)
	var many []string
	for i := range maxListed + 1 {
		many = append(many, "room-"+strings.Repeat("i", i%50)+string(rune('a'+i/50)))
	}
	if got := problems(t, "--rooms-listed="+strings.Join(many, ",")); len(got) != 1 {
		t.Errorf("%d names: %q", len(many), got)
	}
	mustLoad(t, "--rooms-listed="+strings.Join(many[:maxListed], ","))
}
