package room

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
)

func TestP11_WelcomeTellsWhoOneIs(t *testing.T) {
	r, _ := newRoom(t)
	expires := time.UnixMilli(1700000000123)
	for name, c := range map[string]struct {
		who  auth.Identity
		want string
	}{
		"a guest": {
			auth.Identity{ID: "~abc", Guest: true},
			`{"user":{"id":"~abc","guest":true},"token":"secret"`,
		},
		"a guest who may read": {
			auth.Identity{ID: "~abc", Guest: true, Rooms: auth.Rights{"*": auth.Read}},
			`{"user":{"id":"~abc","guest":true},"token":"secret","rooms":{"*":"read"}`,
		},
		"a user": {
			auth.Identity{ID: `a"da`, Name: "Ada", Role: "admin", Verified: true, Expires: expires, Rooms: auth.Rights{"/": auth.None, "a*": auth.Moderate}},
			`{"user":{"id":"a\"da","name":"Ada","role":"admin","expires":1700000000123},"rooms":{"/":"none","a*":"moderate"}`,
		},
	} {
		text := string(payloadOf(r.appendWelcome(nil, c.who, "secret")))
		begin, end := `42["welcome",`, `}]`
		if !strings.HasPrefix(text, begin+c.want+`,"limits":{"messageChars":9,`) || !strings.HasSuffix(text, end) {
			t.Errorf("%s: %s", name, text)
		}
		var args []any
		assert.NoError(t, json.Unmarshal([]byte(text[2:]), &args))
		assert.Equal(t, "arguments: an object at the end, so that no client takes it for an offset", len(args), 2)
	}
}

func BenchmarkWelcome(b *testing.B) {
	r := &Room{opts: Options{Namespace: "/", Welcome: NewWelcome(Limits{})}}
	who := auth.Identity{ID: "~AAAAAAAAAAAAAAAA", Guest: true}
	b.ReportAllocs()
	for b.Loop() {
		r.appendWelcome(nil, who, "~AAAAAAAAAAAAAAAA.BBBBBBBB.CCCCCCCCCCCCCCCCCCCCCC")
	}
}
