package engineio

import (
	"fmt"
	"net/http"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// TestEIO8_APollIsAnsweredWithSixteenPacketsAtMost: python-engineio gives up on a session that gets
// more. The close packet counts, too.
func TestEIO8_APollIsAnsweredWithSixteenPacketsAtMost(t *testing.T) {
	t.Parallel()
	const private, logged = 20, 40
	for _, end := range []*cause{nil, &causeSlow, &causeDrain} {
		e := newEdge(t, echo)
		p := newPoller(t, e)
		s := assert.Receive(t, "session", e.sessions)
		s.Follow(e.log.Head(), nil)
		for n := range private {
			s.SendFrame(messageFrame(fmt.Sprint("P", n)))
		}
		for n := range logged {
			e.publish(fmt.Sprint("L", n))
		}
		if end != nil {
			poll := p.getting(e) // takes the first
			assert.Receive(t, "poll", poll)
			s.end(*end)
		}
		got := 0
		for got < private+logged {
			status, body := p.get()
			if end != nil && status == http.StatusBadRequest {
				break
			}
			assert.Equal(t, "status", status, http.StatusOK)
			n := len(packets(body))
			if n > 16 {
				t.Fatalf("%d packets: %q", n, body)
			}
			got += n
			if end == nil {
				assert.Equal(t, "packets", n, min(16, private+logged-got+n))
			}
		}
		if end == &causeDrain && got < private+logged-16 {
			t.Errorf("%d packets of a session that left in peace", got)
		}
	}
}
