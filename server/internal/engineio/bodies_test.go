package engineio

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/wire"
)

func (b *bodies) unused() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.free
}

// separate joins packets into the body of a POST.
func separate(packets ...string) string { return strings.Join(packets, "\x1e") }

// post sends a body in the background.
func (p *poller) posting(body string) <-chan answer {
	done := make(chan answer, 1)
	go func() {
		status, text := p.post(body)
		done <- answer{status, text}
	}()
	return done
}

// ordinary is a message of 3,900 Chinese characters.
var ordinary = `42["event:message",{"message":"` + strings.Repeat("\u6c49", 3900) + `","username":"u"}]`

// TestLIM12_TheLongestHolderMakesRoom: sessions fill the room for bodies with packets that never get their
// turn. Other sessions still send, and only sessions that hold room end.
func TestLIM12_TheLongestHolderMakesRoom(t *testing.T) {
	t.Parallel()
	e, _ := newTurns(t) // no turn ever ends
	e.bodies = newBodies(4 << 20)
	large := separate(`42["x"]`, `42["y","`+strings.Repeat("z", 60_000)+`"]`)
	full := large + strings.Repeat("\x1e"+`42["y","`+strings.Repeat("z", 60_000)+`"]`, 15)
	var holders []*poller
	var held []<-chan answer
	for e.bodies.unused() > len(full) {
		p := newPoller(t, e)
		assert.Receive(t, "session", e.sessions).enter("/")
		before := e.bodies.unused()
		holders, held = append(holders, p), append(held, p.posting(full))
		assert.Eventually(t, "it is read", func() bool { return e.bodies.unused() == before-len(full) })
	}
	more := newPoller(t, e)
	assert.Receive(t, "session", e.sessions).enter("/")
	held = append(held, more.posting(full)) // gets only a part of its room

	for range 3 {
		p := newPoller(t, e)
		s := assert.Receive(t, "session", e.sessions).enter("/")
		posted := p.posting(ordinary)
		assert.Eventually(t, "it is taken", func() bool { return s.Turn("/").number == 1 })
		s.EndTurn(1)
		assert.Equal(t, "status", assert.Receive(t, "answer", posted).status, http.StatusOK)
	}
	first := assert.Receive(t, "the longest holder", held[0])
	assert.Equal(t, "its answer", first.status, http.StatusServiceUnavailable)
	ended := e.closedBy("body held too long")
	if ended == 0 || ended == len(holders) {
		t.Errorf("%d of %d sessions ended", ended, len(holders))
	}
	assert.Equal(t, "no other reason", e.closedBy("transport error")+e.closedBy("transport close"), 0)
}

// TestP6_LIM12_UnfinishedMessagesShareTheRoom: WebSockets that keep messages unfinished, in one frame or in several, cost one room
// together, and keep nobody else out.
func TestP6_LIM12_UnfinishedMessagesShareTheRoom(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	const room, each = 512 << 10, 60_000
	e.bodies = newBodies(room)
	half := maskedText("4" + strings.Repeat("x", each))[:each]
	parts := append(masked(byte(wire.OpText), []byte("4"+strings.Repeat("x", each/2))), masked(0, make([]byte, each/2))...)
	for n := range 20 {
		c, _ := openWS(t, e)
		defer c.nc.Close()
		c.write([][]byte{half, parts}[n%2])
	}
	honest, _ := openWS(t, e)
	for range 3 {
		honest.write(half)
		honest.write(maskedText("4" + strings.Repeat("x", each))[each:])
		honest.expect("4" + strings.Repeat("x", each))
	}
	ended := e.closedBy("body held too long")
	if ended == 0 || ended > 20 {
		t.Errorf("%d sessions ended", ended)
	}
	honest.send("4still here")
	honest.expect("4still here")
}

// TestLIM12_WhoIsToldToGoGoesAtOnce: a client that stops in the middle keeps its room for a second only.
func TestLIM12_WhoIsToldToGoGoesAtOnce(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	const room = 256 << 10
	e.bodies = newBodies(room)
	for range 2 {
		p := newPoller(t, e)
		raw(t, e, "POST /socket.io/"+eio+"polling&sid="+p.open.SID+" HTTP/1.1\r\nHost: test\r\nContent-Length: 200000\r\n\r\n4"+strings.Repeat("x", 100_000))
		c, _ := openWS(t, e)
		c.write(maskedText("4" + strings.Repeat("x", 60_000))[:50_000])
	}
	start := time.Now()
	for range 10 {
		status, _ := newPoller(t, e).post("4" + strings.Repeat("x", 60_000))
		assert.Equal(t, "status", status, http.StatusOK)
	}
	assert.Equal(t, "told to go", e.closedBy("body held too long") > 0, true)
	if took := time.Since(start); took > e.opts.BodyTimeout/2 {
		t.Errorf("others waited for %v", took)
	}
}

// TestLIM12_AMessageGivesItsRoomBack: when it is complete, and when its connection ends.
func TestLIM12_AMessageGivesItsRoomBack(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	text := "4" + strings.Repeat("x", 60_000)
	whole := maskedText(text)
	c, _ := openWS(t, e)
	for range 3 {
		c.write(whole[:smallBody/2])
		c.write(whole[smallBody/2 : 50_000])
		assert.Eventually(t, "room is taken", func() bool { return e.bodies.unused() <= bodiesRoom-smallBody })
		c.write(whole[50_000:])
		c.expect(text)
		assert.Eventually(t, "all of it is free", func() bool { return e.bodies.unused() == bodiesRoom })
	}
	c.write(whole[:50_000])
	assert.Eventually(t, "room is taken", func() bool { return e.bodies.unused() <= bodiesRoom-smallBody })
	assert.NoError(t, c.nc.Close(), "close")
	assert.Eventually(t, "all of it is free", func() bool { return e.bodies.unused() == bodiesRoom })
}

// TestLIM12_WaitingForRoomIsNoEnd: a client may repeat a body that got no room.
func TestLIM12_WaitingForRoomIsNoEnd(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo, quickBodies)
	all := e.bodies.hold(func() { t.Error("told to go before its time") })
	_, err := all.grow(t.Context(), bodiesRoom)
	assert.NoError(t, err, "all of it is taken")

	p := newPoller(t, e)
	r, err := http.NewRequest(http.MethodPost, p.url, strings.NewReader("4"+ordinary))
	assert.NoError(t, err, "request")
	res, err := p.client.Do(r)
	assert.NoError(t, err, "answer")
	_ = res.Body.Close()
	assert.Equal(t, "status", res.StatusCode, http.StatusServiceUnavailable)
	assert.Equal(t, "when to come again", res.Header.Get("Retry-After"), "5")
	assert.Equal(t, "sessions", e.Connections(), 1)
	all.shrink(0)
	status, _ := p.post("4" + ordinary)
	assert.Equal(t, "again", status, http.StatusOK)
	_, body := p.get()
	assert.Equal(t, "echo", body, "4"+ordinary)
}

// TestLIM12_OnlyWhatIsNotHandedOverIsCharged: a body gives its room back as its packets are handed over.
func TestLIM12_OnlyWhatIsNotHandedOverIsCharged(t *testing.T) {
	t.Parallel()
	e, got := newTurns(t)
	p := newPoller(t, e)
	s := assert.Receive(t, "session", e.sessions).enter("/")
	packet := `42["x","` + strings.Repeat("y", 50_000) + `"]`
	const packets = 16
	posted := p.posting(separate(strings.Split(strings.Repeat(packet+" ", packets), " ")[:packets]...))
	for turn := range packets {
		assert.Receive(t, "packet", got)
		if turn < packets-1 {
			assert.Eventually(t, "the next one waits", s.isHeld)
		}
		left := (packets - turn) * len(packet)
		if taken := bodiesRoom - e.bodies.unused(); taken > 2*left+packets {
			t.Fatalf("packet %d: %d bytes are charged, %d are left", turn, taken, left)
		}
		s.EndTurn(uint64(turn) + 1)
	}
	assert.Equal(t, "status", assert.Receive(t, "answer", posted).status, http.StatusOK)
	assert.Equal(t, "all is free", e.bodies.unused(), bodiesRoom)
}

// TestLIM12_ABodyIsChargedForWhatArrives: a large Content-Length alone takes no room.
func TestLIM12_ABodyIsChargedForWhatArrives(t *testing.T) {
	t.Parallel()
	e := newEdge(t, echo)
	for range 100 {
		p := newPoller(t, e)
		raw(t, e, "POST /socket.io/"+eio+"polling&sid="+p.open.SID+" HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n4a")
		s := assert.Receive(t, "session", e.sessions)
		assert.Eventually(t, "a POST that is read", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.posting })
	}
	assert.Equal(t, "all is free", e.bodies.unused(), bodiesRoom)
}

// TestLIM12_TwoHalvesThatWaitForEachOther: of bodies that hold a part and want the rest, one gets through.
func TestLIM12_TwoHalvesThatWaitForEachOther(t *testing.T) {
	t.Parallel()
	b := newBodies(100)
	told := make(chan int, 2)
	results := []chan error{make(chan error, 1), make(chan error, 1)}
	halves := make([]*holding, 2)
	for i := range halves {
		halves[i] = b.hold(func() { told <- i })
		_, err := halves[i].grow(t.Context(), 50)
		assert.NoError(t, err, "half")
	}
	for i, h := range halves {
		go func() {
			_, err := h.grow(t.Context(), 50)
			h.shrink(0)
			results[i] <- err
		}()
	}
	assert.Equal(t, "the one that went", assert.Receive(t, "first", told), 0)
	assert.Equal(t, "its result", assert.Receive(t, "result", results[0]), errEnded)
	assert.NoError(t, assert.Receive(t, "result", results[1]), "the other")
	assert.Equal(t, "all is free", b.unused(), 100)
	assert.Equal(t, "nobody waits", b.waiting.Len()+b.holders.Len()+b.leaving, 0)
}
