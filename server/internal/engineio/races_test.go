package engineio

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

// tries is how often a race of two requests is run.
const tries = 200

// both sends a GET and a POST at the same moment.
func (p *poller) both(body string) (get, post answer) {
	p.t.Helper()
	var requests sync.WaitGroup
	requests.Go(func() { get.status, get.body = p.get() })
	requests.Go(func() { post.status, post.body = p.post(body) })
	requests.Wait()
	return get, post
}

// TestEIO2_AGoodbyeAndAPollAtTheSameMoment: the poll reports the end, whichever of the two is served first, and the
// next one is refused.
func TestEIO2_AGoodbyeAndAPollAtTheSameMoment(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for n := range tries {
		p := newPoller(t, e)
		get, post := p.both("1")
		assert.Equal(t, fmt.Sprint("POST ", n), post, answer{http.StatusOK, "ok"})
		assert.Equal(t, fmt.Sprint("GET ", n), get, answer{http.StatusOK, "6"})
		status, _ := p.get()
		assert.Equal(t, "next", status, http.StatusBadRequest)
	}
}

// The worst order: the poll is served after the session is gone.
func TestEIO2_APollThatIsServedAfterTheGoodbye(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for _, body := range []string{"1", "4last\x1e1"} {
		p := newPoller(t, e)
		_, _ = p.post(body)
		assert.Eventually(t, "forgotten", func() bool { return e.session(p.open.SID) == nil })
		status, got := p.get()
		assert.Equal(t, "GET", answer{status, got}, answer{http.StatusOK, "6"})
		status, _ = p.get()
		assert.Equal(t, "next", status, http.StatusBadRequest)
		status, _ = p.post("4x")
		assert.Equal(t, "POST", status, http.StatusBadRequest)
	}
}

// The memory of ended sessions is bounded: the oldest are forgotten.
func TestP6_FarewellsAreBounded(t *testing.T) {
	var f farewells
	for n := range keptFarewells + 1 {
		f.add(fmt.Sprint(n))
	}
	assert.Equal(t, "the oldest", f.take("0"), false)
	assert.Equal(t, "the next", f.take("1"), true)
	assert.Equal(t, "once", f.take("1"), false)
	assert.Equal(t, "none", f.take(""), false)
}

// TestEIO3_APollThatMeetsTheEndOfAnUpgrade: a poll that is open when the upgrade is confirmed is refused, and takes nothing.
func TestEIO3_APollThatMeetsTheEndOfAnUpgrade(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for n := range tries {
		p := newPoller(t, e)
		c := dial(t, e, eio+"websocket&sid="+p.open.SID)
		c.write(append(maskedText("2probe"), maskedText("5")...))
		status, body := p.get()
		assert.Equal(t, fmt.Sprintf("GET %d: %s", n, body), status, http.StatusBadRequest)
		c.send("4here")
		c.expect("3probe", "4here")
		c.send("1")
		c.expectClose(wire.CodeNormal)
	}
}

// The worst order: the poll began before the probe, or has been waiting since.
func TestEIO3_APollFromBeforeTheConfirmation(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for range 20 {
		p := newPoller(t, e)
		s := assert.Receive(t, "session", e.sessions)
		first := p.getting(e)
		c := dial(t, e, eio+"websocket&sid="+p.open.SID)
		c.write(append(maskedText("2probe"), maskedText("5")...))
		assert.Equal(t, "open poll", assert.Receive(t, "poll", first).status, http.StatusBadRequest)
		s.SendFrame(messageFrame("next"))
		c.expect("3probe", "4next")
	}
}

// TestEIO4_ABodyOverTheLimitIsAnswered: the poll that the end of the session answers does not overtake the refusal.
func TestEIO4_ABodyOverTheLimitIsAnswered(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo, func(o *Options) { o.MaxBody, o.MaxPayload = 20_000, 10_000 })
	for name, body := range map[string]func() io.Reader{
		"declared":         func() io.Reader { return strings.NewReader(strings.Repeat("4", 20_001)) },
		"chunked":          func() io.Reader { return io.MultiReader(strings.NewReader(strings.Repeat("4", 20_001))) },
		"packet":           func() io.Reader { return strings.NewReader(strings.Repeat("4", 10_002)) },
		"binary packet":    func() io.Reader { return strings.NewReader("b" + strings.Repeat("AAAA", 3400)) },
		"behind one legal": func() io.Reader { return strings.NewReader("4x\x1e" + strings.Repeat("4", 10_002)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := range tries {
				p := newPoller(t, e)
				order := make(chan string, 2)
				go func() {
					status, _ := p.get()
					if n%2 == 0 && name == "behind one legal" {
						status, _ = p.get()
					}
					order <- fmt.Sprint("GET ", status)
				}()
				status, _ := fetch(t, p.client, http.MethodPost, p.url, body())
				order <- fmt.Sprint("POST ", status)
				assert.Equal(t, fmt.Sprint("POST ", n), status, http.StatusRequestEntityTooLarge)
				<-order
				<-order
			}
		})
	}
}

// An ended session has no limit of its own, but a body over the limit is still refused.
func TestEIO4_ABodyOverTheLimitOfASessionThatEnded(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	e := newEdge(t, echo, func(o *Options) { o.MaxBody, o.Hooks.Closed = 20_000, func(string) { <-held } })
	defer close(held)
	p := newPoller(t, e)
	assert.Receive(t, "session", e.sessions).end(causePing) // and is remembered until its end is complete
	for name, body := range map[string]io.Reader{
		"declared": strings.NewReader(strings.Repeat("4", 20_001)),
		"chunked":  io.MultiReader(strings.NewReader(strings.Repeat("4", 20_001))),
	} {
		status, _ := fetch(t, p.client, http.MethodPost, p.url, body)
		assert.Equal(t, name, status, http.StatusRequestEntityTooLarge)
	}
	status, _ := p.post("4x")
	assert.Equal(t, "within the limit", status, http.StatusBadRequest)
}
