package app

import (
	"net/http"
	"testing"

	"scalable-chat/server/internal/forward"
	"scalable-chat/server/internal/test/assert"
)

// TestP8_AloneKnowsNobody: a node without Redis has no bus to encode for, looks for no other node, and believes no request
// that claims to come from one.
func TestP8_AloneKnowsNobody(t *testing.T) {
	a := start(t)
	assert.Equal(t, "online", a.parts.members.Online(), 0)
	assert.Equal(t, "no bus", a.parts.bus == nil, true)
	for _, id := range []string{"bbbbbbbb", a.parts.id} {
		for _, ticket := range []string{"", forward.Ticket("", id)} {
			w, r := newRecorder(), newRequest("/socket.io/?EIO=4&transport=polling&sid="+id+".unknown")
			r.Header.Set("X-Cluster-Ticket", ticket)
			a.public.server.Handler.ServeHTTP(w, r)
			assert.Equal(t, "status", w.Code, http.StatusBadRequest)
			assert.Equal(t, "answer", w.Body.String(), `{"code":1,"message":"Session ID unknown"}`)
		}
	}
}
