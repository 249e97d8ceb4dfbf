package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"scalable-chat/server/internal/api"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

const apiKey = "0123456789abcdef0123456789abcdef"

// ask sends a request to the API of the public port and reads the answer, whose status must be the given one, into a value.
func ask[T any](t *testing.T, a *App, status int, path, body string) (answer T) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, a.url()+"/api/v1/"+path, bytes.NewReader([]byte(body)))
	assert.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(request)
	assert.NoError(t, err)
	defer got.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	assert.Equal(t, path, got.StatusCode, status)
	assert.NoError(t, json.NewDecoder(got.Body).Decode(&answer), path)
	return answer
}

func TestAPI1_ThePublicPortNeedsAKeyOrHasNoAPI(t *testing.T) {
	without := start(t, "--ops-addr=127.0.0.1:0")
	for _, path := range []string{"/api/v1/nodes", "/api/", "/api/v1/messages"} {
		w := newRecorder()
		without.public.server.Handler.ServeHTTP(w, newRequest(path))
		assert.Equal(t, path, w.Code, 404)
	}
	with := start(t, "--ops-addr=127.0.0.1:0", "--api-keys="+apiKey)
	w := newRecorder()
	with.public.server.Handler.ServeHTTP(w, newRequest("/api/v1/nodes"))
	assert.Equal(t, "without a key", w.Code, 401)
	w = newRecorder()
	with.private.server.Handler.ServeHTTP(w, newRequest("/api/v1/nodes"))
	assert.Equal(t, "the private port", w.Code, 200)
	assert.Equal(t, "counted", with.scrape(t, `chat_api_requests_total{outcome="unauthorized"}`), "1")
	nodes := ask[api.Nodes](t, with, 200, "nodes", "")
	assert.Equal(t, "nodes", nodes.Nodes, []api.Node{{ID: with.parts.id, Self: true}})
}

func TestAPI1_AStartingNodeAnswersInJSONWithoutCORS(t *testing.T) {
	a, err := New(load(t, "--api-keys="+apiKey), logger(t))
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.Stop(context.Background())) })
	w, r := newRecorder(), newRequest("/api/v1/nodes")
	r.Header.Set("Authorization", "Bearer "+apiKey)
	a.publicHandler().ServeHTTP(w, r)
	assert.Equal(t, "status", w.Code, 503)
	assert.Equal(t, "type", w.Header().Get("Content-Type"), "application/json")
	assert.Equal(t, "for pages", w.Header().Get("Access-Control-Allow-Origin"), "")
}

// TestAPI6_WhatIsPublishedIsStoredOnceAndReachesEverybody, in the global room and in another, without Redis and on two nodes.
func TestAPI6_WhatIsPublishedIsStoredOnceAndReachesEverybody(t *testing.T) {
	r := redistest.Start(t)
	for name, flags := range map[string][]string{"alone": nil, "clustered": {"--redis-url=" + r.URL()}} {
		t.Run(name, func(t *testing.T) {
			flags = append(flags, "--api-keys="+apiKey)
			first := start(t, flags...)
			second := first
			if name == "clustered" {
				second = start(t, flags...)
			}
			for _, room := range []string{"", "rooms/cats/"} {
				publishTwice(t, first, second, room)
			}
		})
	}
}

func publishTwice(t *testing.T, first, second *App, room string) {
	t.Helper()
	path := room + "messages"
	body := `{"message":"Hello","id":"order-7","user":{"id":"7","name":"Ada"}}`
	stored := ask[chat.Stored](t, first, 200, path, body)
	assert.Equal(t, "id", stored.ID, "order-7")
	assert.Equal(t, "a repeat on another node", ask[chat.Stored](t, second, 200, path, body), stored)
	other := ask[chat.Stored](t, second, 200, path, strings.Replace(body, "Hello", "Bye", 1))
	assert.Equal(t, "another message with the same id", other.ID, "order-7")
	ask[chat.Stored](t, second, 200, path, `{"message":"Maintenance at noon","username":"Ops"}`)

	past := ask[chat.Past](t, second, 200, path, "") // it has what it acked
	var texts []string
	for _, m := range past.Messages {
		texts = append(texts, m.From+" "+m.Username+": "+m.Message)
		assert.Equal(t, "verified", m.Verified, true)
	}
	assert.Equal(t, "history", texts, []string{"7 Ada: Hello", "7 Ada: Bye", "~system Ops: Maintenance at noon"})
	assert.Equal(t, "at", past.Messages[0].At, stored.At)
	older := ask[chat.Past](t, second, 200, path+"?limit=1&before="+past.Messages[1].Offset, "")
	assert.Equal(t, "a page", older.Messages, past.Messages[:1])
}

func TestAPI6_ClientsGetWhatIsPublished(t *testing.T) {
	a := start(t, "--api-keys="+apiKey)
	c := inRoom(t, a.url(), "cats", siotest.WebSocket)
	ask[chat.Stored](t, a, 200, "rooms/cats/messages", `{"message":"meow"}`)
	assert.Eventually(t, "it is told", func() bool { return len(texts(c)) == 1 })
	assert.Equal(t, "texts", texts(c), []string{"meow"})
	sound(t, c)
	cats := []chat.Listed{{Name: "cats", Online: 1}} // the API is no member
	assert.Eventually(t, "the room is listed", func() bool {
		rooms, _ := a.rooms.Open("", 9)
		return slices.Equal(rooms, cats)
	})
	assert.Equal(t, "rooms", ask[api.Rooms](t, a, 200, "rooms", ""), api.Rooms{Rooms: cats})
	people := ask[chat.People](t, a, 200, "rooms/cats/people", "")
	assert.Equal(t, "people", people.Total, 1)
	assert.Equal(t, "named", len(people.People), 1)
	for path, code := range map[string]chat.Code{"rooms/..%2F/messages": "room_invalid", "messages?before=x": "invalid"} {
		refused := ask[chat.Refusal](t, a, 400, path, "")
		assert.Equal(t, path, refused.Code, code)
	}
	long := `{"message":"` + strings.Repeat("x", 4001) + `"}`
	assert.Equal(t, "too long", ask[chat.Refusal](t, a, 400, "messages", long).Code, chat.TooLong)
	assert.Equal(t, "empty", ask[chat.Refusal](t, a, 400, "messages", `{"message":" "}`).Code, chat.Empty)
	bad := `{"message":"m","user":{"id":"7"},"username":"a\u0007b"}`
	assert.Equal(t, "a name", ask[chat.Refusal](t, a, 400, "messages", bad).Code, chat.Invalid)
}

func TestAPI14_SettingsOfRoomsHold(t *testing.T) {
	a := start(t, "--api-keys="+apiKey, "--rooms=team-*", "--rooms-listed=off")
	assert.Equal(t, "a room", ask[chat.Refusal](t, a, 403, "rooms/cats/messages", "").Code, "room_forbidden")
	ask[chat.Past](t, a, 200, "rooms/team-a/messages", "")
	off := start(t, "--api-keys="+apiKey, "--rooms=off")
	assert.Equal(t, "no rooms", ask[chat.Refusal](t, off, 403, "rooms/cats/messages", "").Code, "room_forbidden")
	ask[chat.Past](t, off, 200, "messages", "")
}

// TestAPI12_EveryNodeListsAll: each node lists both, itself first.
func TestAPI12_EveryNodeListsAll(t *testing.T) {
	r := redistest.Start(t)
	flags := []string{"--redis-url=" + r.URL(), "--api-keys=" + apiKey}
	nodes := []*App{start(t, flags...), start(t, flags...)}
	for i, n := range nodes {
		assert.Eventually(t, "both are there", func() bool { return len(n.parts.list()) == 2 })
		all := ask[api.Nodes](t, n, 200, "nodes", "").Nodes
		assert.Equal(t, "self", []bool{all[0].Self, all[1].Self}, []bool{true, false})
		assert.Equal(t, "ids", []string{all[0].ID, all[1].ID}, []string{n.parts.id, nodes[1-i].parts.id})
	}
}
