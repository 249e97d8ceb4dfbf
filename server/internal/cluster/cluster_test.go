package cluster

import (
	"net/url"
	"testing"
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
	equal(t, "escaped", url.QueryEscape(sid), sid)
	owner, ok := Owner(sid)
	equal(t, "owner", owner, node)
	equal(t, "named", ok, true)
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
	equal(t, "own", admits("secret", "aaaaaaaa", ticket), true)
	equal(t, "other node", admits("secret", "bbbbbbbb", ticket), false)
	equal(t, "other secret", admits("guess", "aaaaaaaa", ticket), false)
	equal(t, "no secret", admits("", "aaaaaaaa", ticketFor("", "aaaaaaaa")), false)
	equal(t, "no ticket", admits("secret", "aaaaaaaa", ""), false)
}
