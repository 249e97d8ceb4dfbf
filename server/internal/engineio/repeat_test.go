package engineio

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// marked makes a request with this mark.
func (p *poller) marked(method, mark, body string) (int, string) {
	p.t.Helper()
	return fetch(p.t, p.client, method, p.url+"&t="+mark, strings.NewReader(body))
}

// TestP3_ALostAnswerToAPollIsNoSilentGap: browsers and proxies send a GET again, as it was, when the connection breaks
// before its answer. What the lost answer carried must not be skipped in silence, and neither what a first GET carries
// that arrives long after the second because it was stuck in a node.
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
				equal(t, "status", status, http.StatusOK)
				equal(t, "body", body, fmt.Sprint("4", n))
			}
			_, _ = p.post("4end")
			status, _ := p.marked(http.MethodGet, "mark0", "")
			equal(t, "status of a poll that comes again", status, http.StatusBadRequest)
			until(t, "the session has ended", func() bool { return e.closedBy("repeated poll") == 1 })
		})
	}
}

// TestP4_APostThatComesAgainIsTakenOnce: what it carries was handed over the first time.
func TestP4_APostThatComesAgainIsTakenOnce(t *testing.T) {
	t.Parallel()
	p := newPoller(t, newEdge(t, echo))
	for _, mark := range []string{"a", "b", "a", "b"} {
		status, answer := p.marked(http.MethodPost, mark, "4"+mark)
		equal(t, "status", status, http.StatusOK)
		equal(t, "answer", answer, "ok")
	}
	_, body := p.get()
	equal(t, "packets", body, "4a\x1e4b")
}
