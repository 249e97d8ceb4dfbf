package engineio

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// marked makes a request with this mark.
func (p *poller) marked(method, mark, body string) (int, string) {
	p.t.Helper()
	return fetch(p.t, p.client, method, p.url+"&t="+mark, strings.NewReader(body))
}

// TestP3_ALostAnswerToAPollIsNoSilentGap: browsers and proxies repeat a GET unchanged when the connection breaks
// before its answer. The client must not silently miss what the lost answer carried, nor what the first GET carries
// when it was stuck in a node and arrives long after the second.
func TestP3_ALostAnswerToAPollIsNoSilentGap(t *testing.T) {
	t.Parallel()
	for _, later := range []int{0, 1, 20} {
		t.Run(fmt.Sprintf("%d polls later", later), func(t *testing.T) {
			t.Parallel()
			e := newEdge(t, echo)
			p := newPoller(t, e)
			for n := range later + 1 {
				_, _ = p.post(fmt.Sprint("4", n))
				status, body := p.marked(http.MethodGet, fmt.Sprint("mark", n), "")
				assert.Equal(t, "status", status, http.StatusOK)
				assert.Equal(t, "body", body, fmt.Sprint("4", n))
			}
			_, _ = p.post("4end")
			status, body := p.marked(http.MethodGet, "mark0", "")
			if later > 0 { // the client has received that answer, or it would not poll again
				assert.Equal(t, "a poll that is late", answer{status, body}, answer{http.StatusOK, "6"})
				_, body = p.marked(http.MethodGet, "mark-last", "")
				assert.Equal(t, "it took nothing", body, "4end")
				return
			}
			assert.Equal(t, "status of a poll that comes again", status, http.StatusBadRequest)
			assert.Eventually(t, "the session has ended", func() bool { return e.closedBy("repeated poll") == 1 })
		})
	}
}

// A late poll must not collide with the open one: nobody waits for the late one.
func TestP3_APollThatIsLateLeavesTheOpenOneAlone(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	for n := range 2 {
		_, _ = p.post("4x")
		_, _ = p.marked(http.MethodGet, fmt.Sprint("mark", n), "")
	}
	open := p.getting(e)
	_, body := p.marked(http.MethodGet, "mark0", "")
	assert.Equal(t, "late", body, "6")
	_, _ = p.post("4y")
	assert.Equal(t, "open", assert.Receive(t, "open poll", open), answer{http.StatusOK, "4y"})
}

// TestP4_ARepeatedPostIsHandledOnce: the first copy has handed over its packets.
func TestP4_ARepeatedPostIsHandledOnce(t *testing.T) {
	t.Parallel()
	p := newPoller(t, newEdge(t, echo))
	for _, mark := range []string{"a", "b", "a", "b"} {
		status, answer := p.marked(http.MethodPost, mark, "4"+mark)
		assert.Equal(t, "status", status, http.StatusOK)
		assert.Equal(t, "answer", answer, "ok")
	}
	_, body := p.get()
	assert.Equal(t, "packets", body, "4a\x1e4b")
}

// TestEIO1_AMarkOfTwoRequestsIsIgnored: clients in other languages send the second, a short hash, or a constant.
func TestEIO1_AMarkOfTwoRequestsIsIgnored(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 0))
	same := func(int) string { return "4hi" }
	each := func(n int) string { return fmt.Sprint("4", n) }
	for name, c := range map[string]struct {
		handshake string
		mark      func(n int) string // of the GET and the POST of round n
		body      func(n int) string
	}{
		"always the same":              {"tenant-7", func(int) string { return "tenant-7" }, same},
		"always the same, then":        {"", func(int) string { return "tenant-7" }, each},
		"the second":                   {"1700000000", func(n int) string { return fmt.Sprint(1700000000 + n/4) }, same},
		"the second, then":             {"1699999999", func(n int) string { return fmt.Sprint(1700000000 + n/4) }, same},
		"a short hash":                 {"3", func(int) string { return fmt.Sprint(r.IntN(16)) }, each},
		"a hash that says nothing new": {"", func(n int) string { return fmt.Sprint(n % 16) }, same},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t, echo)
			p := newPollerAt(t, e, "&t="+c.handshake)
			for n := range 100 {
				mark, body := c.mark(n), c.body(n)
				status, answer := p.marked(http.MethodPost, mark, body)
				assert.Equal(t, "POST", fmt.Sprint(status, answer), "200ok")
				for got := "6"; got != body; {
					status, got = p.marked(http.MethodGet, mark, "")
					if status != http.StatusOK || got != body && got != "6" {
						t.Fatalf("round %d: %d %q", n, status, got)
					}
				}
			}
		})
	}
}

// Five POSTs with one mark, and no GET that would reveal it.
func TestEIO1_PostsOfOneMarkAreAllHandled(t *testing.T) {
	t.Parallel()
	p := newPoller(t, newEdge(t, echo))
	for n := range 5 {
		_, answer := p.marked(http.MethodPost, "7", fmt.Sprint("4", n))
		assert.Equal(t, "answer", answer, "ok")
	}
	_, body := p.get()
	assert.Equal(t, "packets", body, "40\x1e41\x1e42\x1e43\x1e44")
}

// A client that sends only pongs for hours, under a mark that recurs, stays.
func TestEIO1_EveryPongCounts(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo, quick)
	p := newPoller(t, e)
	for n := range 4 {
		_, body := p.get()
		assert.Equal(t, fmt.Sprint("ping ", n), body, "2")
		_, answer := p.marked(http.MethodPost, "7", "3")
		assert.Equal(t, "pong", answer, "ok")
	}
}
