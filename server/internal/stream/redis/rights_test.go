package redis

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// TestEveryMissingRightIsNamed removes one right after the other from a user that has all.
func TestEveryMissingRightIsNamed(t *testing.T) {
	server := redistest.Start(t)
	channels := []string{"{room}:bus:2", "{room}:bus:2:node"}
	asks := func(t *testing.T, user, lacks string, rules ...string) {
		t.Helper()
		server.CLI(append([]string{"ACL", "SETUSER", user, "on", ">password", "~*", "&*", "+@all"}, rules...)...)
		s := openAt(t, ClientOptions{Addrs: []string{server.Addr}, DB: 2, Username: user, Password: "password"}, Options{})
		missing, err := s.MissingRights(t.Context(), Uses{Channels: channels, Notice: []byte("notice")})
		assert.NoError(t, err)
		if got := strings.Join(missing, " "); got != lacks {
			t.Errorf("%v: lacks %q, want %q", rules, got, lacks)
		}
	}
	asks(t, "all", "")
	for i, command := range harmless("room") {
		name := command[0].(string)
		asks(t, fmt.Sprint("user", i), "+"+name, "-"+name)
	}
	asks(t, "mute", "+publish", "-publish")
	asks(t, "deaf", "+subscribe", "-subscribe")
	asks(t, "stray", "+select", "-select")
	asks(t, "lockedout", "~room ~{room}:*", "resetkeys")
	asks(t, "reader", "~room ~{room}:*", "resetkeys", "%R~*")
	asks(t, "nochannels", "&{room}:*", "resetchannels")
	asks(t, "halfdeaf", "&{room}:*", "resetchannels", "&{room}:bus:2")
	asks(t, "narrow", "+hset +xadd ~{room}:* &{room}:*", "resetkeys", "~room", "resetchannels", "-xadd", "-hset")
	if keys := server.CLI("-n", "2", "KEYS", "*"); keys != "" {
		t.Errorf("asking has left %s", keys)
	}
}

// TestEveryMissingRightForRoomsIsNamed: in a Cluster, with channels of a slot and with plain ones.
func TestEveryMissingRightForRoomsIsNamed(t *testing.T) {
	cluster := redistest.StartMasters(t)
	asks := func(user string, sharded bool, lacks string, rules ...string) {
		t.Helper()
		for _, node := range cluster.Nodes {
			node.CLI(append([]string{"ACL", "SETUSER", user, "on", ">password", "~*", "&*", "+@all"}, rules...)...)
		}
		s := openAt(t, ClientOptions{Addrs: cluster.Addrs(), Username: user, Password: "password"}, Options{})
		missing, err := s.MissingRights(t.Context(), Uses{Rooms: true, Sharded: sharded})
		assert.NoError(t, err)
		assert.Equal(t, user, strings.Join(missing, " "), lacks)
	}
	only := []string{"resetkeys", "resetchannels", "~room", "~{room}:*", "~{room:*}:room*", "&{room:*}:room:*"}
	asks("all", true, "", only...)
	asks("plain", false, "", only...)
	asks("mute", true, "+spublish", "-spublish")
	asks("deaf", true, "+ssubscribe", "-ssubscribe")
	asks("muteplain", false, "+publish", "-publish", "-ssubscribe", "-spublish")
	asks("main", true, "~{room:*}:room* &{room:*}:room:*", "resetkeys", "~room", "~{room}:*", "resetchannels", "&{room}:*")
	asks("nochannels", false, "&{room:*}:room:*", "resetchannels")
	asks("reader", true, "~{room:*}:room*", "resetkeys", "%R~*", "~room", "~{room}:*")
}

func TestMissingRightsWithoutAnAnswer(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "password")
	s := openAt(t, ClientOptions{Addrs: []string{server.Addr}, Username: "default", Password: "wrong"}, Options{})
	if missing, err := s.MissingRights(t.Context(), Uses{}); err == nil || len(missing) > 0 {
		t.Errorf("a wrong password: missing %q, error %v", missing, err)
	}
	server.Kill()
	if _, err := s.MissingRights(t.Context(), Uses{}); err == nil {
		t.Error("no Redis, no error")
	}
}

// refusal is an error in the words of Redis.
type refusal string

func (r refusal) Error() string { return string(r) }

// RedisError marks r as an answer of Redis.
func (refusal) RedisError() {}

var _ redis.Error = refusal("")

// TestRefusalsOfEveryVersionAreRead: 6.2, 7.0, 7.2 and newer, Valkey.
func TestRefusalsOfEveryVersionAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"NOPERM this user has no permissions to run the 'xadd' command or its subcommand":     "+xadd",
		"NOPERM User chat has no permissions to run the 'cluster|slots' command":              "+cluster|slots",
		"NOPERM User key channel has no permissions to run the 'publish' command":             "+publish",
		"NOPERM this user has no permissions to access one of the keys used as arguments":     "~room",
		"NOPERM No permissions to access a key":                                               "~room",
		"NOPERM No permissions to access the 'room' key":                                      "~room",
		"NOPERM this user has no permissions to access one of the channels used as arguments": "&{room}:*",
		"NOPERM No permissions to access a channel":                                           "&{room}:*",
		"NOPERM No permissions to access the '{room}:bus:0' channel":                          "&{room}:*",
		"OOM command not allowed when used memory > 'maxmemory'.":                             "",
		"READONLY You can't write against a read only replica.":                               "",
		"ERR Invalid stream ID specified as stream command argument":                          "",
		"NOSCRIPT No matching script. Please use EVAL.":                                       "",
	} {
		r := &rights{missing: map[string]bool{}}
		assert.NoError(t, r.note(rules{"~room", "&{room}:*"}, refusal(text)))
		if got := r.rules(); len(got) > 1 || !slices.Equal(got, slices.DeleteFunc([]string{want}, func(s string) bool { return s == "" })) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
