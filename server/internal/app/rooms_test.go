package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// inRoom opens a client of its own in a room.
func inRoom(t *testing.T, url, name string, transport siotest.Transport) *siotest.Client {
	t.Helper()
	return open(t, url, siotest.Options{Transport: transport, Namespace: RoomsPath + "/" + name})
}

// beside adds a room to a client's connection.
func beside(t *testing.T, c *siotest.Client, name string) *siotest.Client {
	t.Helper()
	other := c.Beside(RoomsPath + "/" + name)
	wait(t, other, "joined", func(s siotest.State) bool { return s.Joined })
	return other
}

// enter connects a raw client to a room and reads the greeting.
func (r *raw) enter(t *testing.T, name string) {
	t.Helper()
	assert.NoError(t, r.write("40/rooms/"+name+","))
	r.until(t, "40/rooms/"+name+",{")
	r.until(t, "42/rooms/"+name+`,["presence"`)
}

// session is a raw client that is in no namespace.
func session(t *testing.T, a *App) *raw {
	t.Helper()
	r, err := dial(a.Addr())
	assert.NoError(t, err)
	t.Cleanup(r.close)
	return r
}

// chatInRooms checks that rooms are apart from each other and from the global one, and that each is one room on all nodes.
func chatInRooms(t *testing.T, urls ...string) {
	t.Helper()
	groups := map[string][]*siotest.Client{}
	for i, transport := range transports {
		url := urls[i%len(urls)]
		cats := inRoom(t, url, "cats", transport)
		groups["cats"] = append(groups["cats"], cats)
		groups["dogs"] = append(groups["dogs"], beside(t, cats, "dogs"))
		groups["global"] = append(groups["global"], open(t, url, siotest.Options{Transport: transport}))
	}
	want := map[string][]string{}
	for n := range 10 {
		for name, members := range groups {
			text := fmt.Sprint(name, n)
			say(t, members[n%len(members)], text)
			want[name] = append(want[name], text)
		}
	}
	for name, members := range groups {
		for _, c := range members {
			wait(t, c, "told everything in "+name, func(s siotest.State) bool { return s.Messages >= 10 })
			assert.Equal(t, name, texts(c), want[name])
			sound(t, c)
		}
	}
	for _, c := range slices.Concat(groups["cats"], groups["global"]) { // and so dogs
		c.Cut()
	}
	for name, members := range groups {
		for _, c := range members {
			wait(t, c, "back", func(s siotest.State) bool { return s.Joined && s.Recovered > 0 })
		}
		say(t, members[0], name+" again")
		for _, c := range members {
			wait(t, c, "told the rest", func(s siotest.State) bool { return s.Messages >= 11 })
			assert.Equal(t, "segments of "+name, len(c.Report().Segments), 1) // recovered
			sound(t, c)
		}
	}
}

func TestP10_RoomsAreApart(t *testing.T) {
	a := start(t)
	chatInRooms(t, a.url())
	assert.Equal(t, "rooms", a.rooms.Stats().Open, 2)
}

func TestP10_RoomsAreTheSameOnAllNodes(t *testing.T) {
	r := redistest.Start(t)
	a, b := start(t, "--redis-url="+r.URL()), start(t, "--redis-url="+r.URL())
	chatInRooms(t, a.url(), b.url(), roundRobin(t, a, b))
}

func TestROOM7_ARefusalIsAnswered(t *testing.T) {
	a := start(t, "--rooms=cats,dogs,team-*", "--rooms-listed=off", "--max-rooms-per-connection=2", "--ops-addr=127.0.0.1:0")
	r := session(t, a)
	refused := func(name, code string) {
		t.Helper()
		assert.NoError(t, r.write("40/rooms/"+name+","))
		answer := r.until(t, "44/rooms/"+name+",")
		var body struct {
			Message string
			Data    struct{ Code string }
		}
		assert.NoError(t, json.Unmarshal([]byte(answer), &body))
		assert.Equal(t, name, body.Data.Code, code)
		if body.Message == "" {
			t.Error("no message")
		}
	}
	refused("two cats", "room_invalid")
	refused("general", "room_forbidden")
	r.enter(t, "cats")
	r.enter(t, "team-7")
	refused("dogs", "too_many_rooms")
	assert.NoError(t, r.write("41/rooms/cats,"))
	assert.Eventually(t, "left", func() bool { return a.hub.Members("/rooms/cats") == 0 })
	r.enter(t, "dogs")
	assert.NoError(t, r.write(`42/rooms/cats,1["event:message",{"message":"stray","username":"u"}]`, `42/rooms/dogs,2["event:message",{"message":"m","username":"u"}]`))
	r.until(t, "43/rooms/dogs,2[{\"status\":\"ok\"")
	for _, code := range []string{"room_invalid", "room_forbidden", "too_many_rooms"} {
		assert.Equal(t, code, a.scrape(t, `chat_room_refusals_total{code="`+code+`"}`), "1")
	}
}

func TestROOM7_WithoutRoomsThereIsTheGlobalOneOnly(t *testing.T) {
	a := start(t, "--rooms=off")
	r, _ := join(t, a, "")
	assert.NoError(t, r.write("40/rooms/general,"))
	if answer := r.until(t, "44/rooms/general,"); !strings.Contains(answer, "room_forbidden") {
		t.Error(answer)
	}
	assert.NoError(t, r.write(`421["rooms"]`))
	assert.Equal(t, "list", r.until(t, "431"), `[{"rooms":[]}]`)
	status, body, _ := a.get(t, RoomsPath, "")
	assert.Equal(t, "GET /rooms", fmt.Sprint(status, strings.TrimSpace(body)), `200{"rooms":[]}`)
}

// TestROOM8_AFullNodeClosesTheTransport: a stock client comes back by itself, and gets in when there is room.
func TestROOM8_AFullNodeClosesTheTransport(t *testing.T) {
	a := start(t, "--max-rooms=2", "--connect-timeout=300ms")
	c := inRoom(t, a.url(), "cats", siotest.WebSocket)
	beside(t, c, "dogs")
	r := session(t, a)
	assert.NoError(t, r.write("40/rooms/birds,"))
	if answer, err := r.read(); err == nil {
		t.Errorf("answered %q", answer)
	}
	late := siotest.Open(siotest.Options{URL: a.url(), Transport: siotest.Upgrade, Namespace: "/rooms/birds"})
	t.Cleanup(late.Close)
	assert.Eventually(t, "turned away twice", func() bool { return len(late.Report().Ends) > 1 })
	c.Close()
	wait(t, late, "inside", func(s siotest.State) bool { return s.Joined })
	sound(t, late)
}

// TestROOM8_WhileRedisIsAwayNothingIsRefused: who wants to enter waits and comes back, who is inside stays, and all goes on when
// Redis is back.
func TestROOM8_WhileRedisIsAwayNothingIsRefused(t *testing.T) {
	r := redistest.Start(t)
	a := start(t, "--redis-url="+r.URL(), "--connect-timeout=500ms", "--append-timeout=500ms")
	inside := inRoom(t, a.url(), "cats", siotest.WebSocket)
	say(t, inside, "before")
	r.Stop()
	late := siotest.Open(siotest.Options{URL: a.url(), Transport: siotest.Upgrade, Namespace: "/rooms/dogs"})
	t.Cleanup(late.Close)
	assert.Eventually(t, "turned away twice", func() bool { return len(late.Report().Ends) > 1 })
	assert.Equal(t, "inside all the time", inside.State().Connects, 1)
	assert.Eventually(t, "degraded", func() bool { return strings.Contains(a.health.Report().Degraded, "rooms: ") })
	status, _, _ := a.get(t, RoomsPath, "")
	assert.Equal(t, "GET /rooms", status, 503)
	r.Cont()
	wait(t, late, "inside", func(s siotest.State) bool { return s.Joined })
	say(t, late, "after")
	say(t, inside, "after")
	wait(t, inside, "told everything", func(s siotest.State) bool { return s.Messages > 1 })
	assert.Equal(t, "one connection, and all messages", fmt.Sprint(inside.State().Connects, texts(inside)), "1 [before after]")
	assert.Eventually(t, "well again", func() bool { return a.health.Report().Degraded == "" })
	sound(t, late)
	sound(t, inside)
}

// get asks for a page, as a page of that origin would unless it is empty.
func (a *App) get(t *testing.T, path, origin string) (status int, body string, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url()+path, nil)
	assert.NoError(t, err)
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	answer, err := http.DefaultClient.Do(r)
	assert.NoError(t, err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	assert.NoError(t, err)
	http.DefaultClient.CloseIdleConnections()
	return answer.StatusCode, string(b), answer.Header
}

func TestROOM13_TheListCountsTheMembers(t *testing.T) {
	a := start(t, "--rooms-listed=general,random", "--allowed-origins=https://chat.example")
	c := inRoom(t, a.url(), "general", siotest.WebSocket)
	inRoom(t, a.url(), "general", siotest.Polling)
	inRoom(t, a.url(), "secret", siotest.Polling)
	const want = `{"rooms":[{"name":"general","online":2},{"name":"random","online":0}]}`
	assert.Eventually(t, "the members are listed", func() bool {
		_, body, _ := a.get(t, RoomsPath, "https://chat.example")
		return strings.TrimSpace(body) == want
	})
	answer, err := c.Call(t.Context(), "rooms")
	assert.NoError(t, err)
	assert.Equal(t, "the event", string(answer), want)

	status, _, header := a.get(t, RoomsPath, "https://chat.example")
	assert.Equal(t, "status", status, 200)
	assert.Equal(t, "allowed", header.Get("Access-Control-Allow-Origin"), "https://chat.example")
	assert.Equal(t, "type", header.Get("Content-Type"), "application/json")
	status, _, _ = a.get(t, RoomsPath, "https://evil.example")
	assert.Equal(t, "another origin", status, 403)
	for method, want := range map[string]int{http.MethodOptions: 204, http.MethodPost: 405} {
		w, r := newRecorder(), newRequest(RoomsPath)
		r.Method = method
		a.public.server.Handler.ServeHTTP(w, r)
		assert.Equal(t, method, w.Code, want)
	}
	status, _, _ = a.get(t, RoomsPath+"/general", "")
	assert.Equal(t, "there is no page of a room", status, 404)
}

// TestPRE3_TheNumberOnlineIsThatOfTheRoom: the global room does not count who is in others only.
func TestPRE3_TheNumberOnlineIsThatOfTheRoom(t *testing.T) {
	a := start(t)
	for range 3 {
		inRoom(t, a.url(), "cats", siotest.WebSocket)
	}
	_, _ = join(t, a, "")
	r := session(t, a)
	assert.NoError(t, r.write("40"))
	r.until(t, `42["presence",{"online":2}`)
	assert.NoError(t, r.write("40/rooms/cats,"))
	r.until(t, `42/rooms/cats,["presence",{"online":4}`)
	left := session(t, a)
	left.enter(t, "cats")
	r.until(t, `42/rooms/cats,["presence",{"online":5}]`)
	left.close()
	began := time.Now()
	r.until(t, `42/rooms/cats,["presence",{"online":4}]`)
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("after %v", took)
	}
}

// TestCON3_ARoomThatHasJustOpenedHasItsHistory: a node that reads only the tail of a room reads more for who asks for more.
func TestCON3_ARoomThatHasJustOpenedHasItsHistory(t *testing.T) {
	r := redistest.Start(t)
	a, b := start(t, "--redis-url="+r.URL()), start(t, "--redis-url="+r.URL())
	c := inRoom(t, a.url(), "cats", siotest.WebSocket)
	for n := range 300 {
		say(t, c, fmt.Sprint(n))
	}
	wait(t, c, "told everything", func(s siotest.State) bool { return s.Messages == 300 })
	for _, history := range []int{1, 50, 200} {
		late := open(t, b.url(), siotest.Options{
			Transport: siotest.WebSocket, Namespace: "/rooms/cats", Auth: map[string]any{"history": history},
		})
		wait(t, late, "told", func(s siotest.State) bool { return s.Messages >= history })
		assert.Equal(t, "messages", texts(late), texts(c)[300-history:])
		sound(t, late)
		late.Close()
	}
}

// TestPRE3_MembersOfADeadNodeAreNotCounted: a node that has died without a farewell has no members in any room.
func TestPRE3_MembersOfADeadNodeAreNotCounted(t *testing.T) {
	r := redistest.Start(t)
	a, b := start(t, "--redis-url="+r.URL()), start(t, "--redis-url="+r.URL())
	inRoom(t, a.url(), "cats", siotest.WebSocket)
	inRoom(t, a.url(), "cats", siotest.Polling)
	c := session(t, b)
	c.enter(t, "cats")
	c.until(t, `42/rooms/cats,["presence",{"online":3}]`)
	a.clustered().client.Close() // as after kill -9
	died := time.Now()
	c.until(t, `42/rooms/cats,["presence",{"online":1}]`)
	took := time.Since(died)
	t.Logf("noticed after %v", took)
	if took > 8*time.Second {
		t.Errorf("noticed after %v", took)
	}
}
