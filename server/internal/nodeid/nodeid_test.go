package nodeid

import (
	"net/url"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestNodeIDsAreShortSafeAndDistinct(t *testing.T) {
	seen := make(map[string]bool)
	for range 10_000 {
		id := New()
		if !Valid(id) || seen[id] {
			t.Fatalf("id %q: malformed or twice", id)
		}
		seen[id] = true
	}
}

func TestSessionIDsNameTheirOwner(t *testing.T) {
	node := New()
	sid := NewSession(node)
	assert.Equal(t, "escaped", url.QueryEscape(sid), sid)
	owner, ok := Owner(sid)
	assert.Equal(t, "owner", owner, node)
	assert.Equal(t, "named", ok, true)
	if NewSession(node) == sid {
		t.Fatal("two sessions with one id")
	}
	for _, sid := range []string{"", ".", "abcdefgh", "abcdefgh.", "ABCDEFGH.x", "abcdefg.x", "abcdefghi.x", "abc-efgh.x", ".abcdefgh"} {
		if owner, ok := Owner(sid); ok {
			t.Errorf("%q: owner %q", sid, owner)
		}
	}
}

func FuzzOwner(f *testing.F) {
	f.Add("abcdefgh.x")
	f.Fuzz(func(t *testing.T, sid string) {
		if owner, ok := Owner(sid); ok && (!Valid(owner) || len(sid) < Len+2) {
			t.Fatalf("%q: owner %q", sid, owner)
		}
	})
}
