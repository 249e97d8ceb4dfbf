package cluster

import (
	"net/url"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestNodeIDsAreShortSafeAndDistinct(t *testing.T) {
	seen := make(map[string]bool)
	for range 10_000 {
		id := NewNodeID()
		if !validNodeID(id) || seen[id] {
			t.Fatalf("id %q: malformed or twice", id)
		}
		seen[id] = true
	}
}

func TestSessionIDsNameTheirOwner(t *testing.T) {
	node := NewNodeID()
	sid := NewSessionID(node)
	assert.Equal(t, "escaped", url.QueryEscape(sid), sid)
	owner, ok := Owner(sid)
	assert.Equal(t, "owner", owner, node)
	assert.Equal(t, "named", ok, true)
	if NewSessionID(node) == sid {
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
		if owner, ok := Owner(sid); ok && (!validNodeID(owner) || len(sid) < nodeIDLen+2) {
			t.Fatalf("%q: owner %q", sid, owner)
		}
	})
}

func TestTicketOpensOnlyItsNode(t *testing.T) {
	ticket := ticketFor("secret", "aaaaaaaa")
	assert.Equal(t, "own", admits("secret", "aaaaaaaa", ticket), true)
	assert.Equal(t, "other node", admits("secret", "bbbbbbbb", ticket), false)
	assert.Equal(t, "other secret", admits("guess", "aaaaaaaa", ticket), false)
	assert.Equal(t, "no secret", admits("", "aaaaaaaa", ticketFor("", "aaaaaaaa")), false)
	assert.Equal(t, "no ticket", admits("secret", "aaaaaaaa", ""), false)
}
