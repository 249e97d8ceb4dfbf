package engineio

import (
	"net/http"
	"testing"
)

// TestP3_ALostAnswerToAPollIsNoSilentGap: browsers and proxies send a GET again, as it was, when the connection breaks
// before its answer. What the lost answer carried must not be skipped in silence.
func TestP3_ALostAnswerToAPollIsNoSilentGap(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	p := newPoller(t, e)
	get := func(mark string) (int, string) {
		return fetch(t, p.client, http.MethodGet, p.url+"&t="+mark, nil)
	}
	for _, text := range []string{"a", "b"} {
		_, _ = p.post("4" + text)
		status, body := get("mark-" + text)
		equal(t, "status", status, http.StatusOK)
		equal(t, "body", body, "4"+text)
	}
	_, _ = p.post("4c")
	status, _ := get("mark-b")
	equal(t, "status of a poll that was sent again", status, http.StatusBadRequest)
	until(t, "the session has ended", func() bool { return e.closedBy("repeated poll") == 1 })
	status, _ = get("mark-c")
	equal(t, "status of a poll behind it", status, http.StatusBadRequest)
}
