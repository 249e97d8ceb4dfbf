package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/redisx"
)

// Settings are numbers, by name, that must be equal on all nodes. In Redis they are one text, "name=number name=number".
type Settings map[string]int64

// String is the text, ordered by name.
func (s Settings) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		parts = append(parts, fmt.Sprintf("%s=%d", name, s[name]))
	}
	return strings.Join(parts, " ")
}

// with returns a copy of s with the numbers that the text gives for its names. Names that the text lacks, or gives no
// number above zero, keep theirs.
func (s Settings) with(text string) Settings {
	all := maps.Clone(s)
	for part := range strings.FieldsSeq(text) {
		name, digits, _ := strings.Cut(part, "=")
		number, err := strconv.ParseInt(digits, 10, 64)
		if _, known := s[name]; known && err == nil && number > 0 {
			all[name] = number
		}
	}
	return all
}

// isIn reports whether the text has a number for each name of s.
func (s Settings) isIn(text string) bool {
	none := maps.Clone(s)
	for name := range none {
		none[name] = 0
	}
	for _, number := range none.with(text) {
		if number == 0 {
			return false
		}
	}
	return true
}

// Settings returns the numbers that are in force on all nodes. They change when all nodes want others.
func (r *Registry) Settings() Settings { return *r.settings.Load() }

// shareSettings offers our settings and asks for those that count.
func (r *Registry) shareSettings(ctx context.Context, pipe redis.Pipeliner) *redis.StringCmd {
	key := redisx.Key(r.cfg.Key, "settings")
	if len(r.cfg.Settings) > 0 {
		pipe.SetArgs(ctx, key, r.cfg.Settings.String(), redis.SetArgs{Mode: "NX"})
	}
	return pipe.Get(ctx, key)
}

// settle adopts the shared settings. If all live nodes want the settings of this one, it puts those in force instead. What an
// older version did not share is added, so that it is the same on all nodes, too.
func (r *Registry) settle(ctx context.Context, shared string) {
	own := r.cfg.Settings
	inForce := own.with(shared)
	if !maps.Equal(inForce, own) && r.roster.agree(own) {
		if r.cfg.Client.Set(ctx, redisx.Key(r.cfg.Key, "settings"), own.String(), 0).Err() == nil {
			inForce = own
		}
	}
	if !own.isIn(shared) {
		// Two nodes may do so at once. Both read what the last one wrote.
		if err := r.cfg.Client.Set(ctx, redisx.Key(r.cfg.Key, "settings"), inForce.String(), 0).Err(); err != nil {
			r.cfg.Log.Debug("the settings are not shared yet", "error", err)
		}
	}
	was := *r.settings.Swap(&inForce)
	switch {
	case maps.Equal(was, inForce):
	case maps.Equal(own, inForce):
		r.cfg.Log.Info("the settings of this node are in force on all nodes", "settings", own, "before", was)
	default:
		r.cfg.Log.Warn("other nodes have other settings, which stay in force until all nodes want the same",
			"in_force", inForce, "ours", own)
	}
}
