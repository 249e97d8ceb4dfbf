package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/test/assert"
)

func TestAPI2_ARequestNeedsExactlyOneValidKey(t *testing.T) {
	second := strings.Repeat("k", 32)
	h := newHandler(&backend{}, func(o *Options) { o.Keys = append(o.Keys, second) })
	for what, c := range map[string]struct {
		path          string
		authorization []string
		status        int
	}{
		"a key":                    {"", []string{"Bearer " + testKey}, 200},
		"another key":              {"", []string{"bearer " + second}, 200},
		"no key":                   {"", nil, 401},
		"a wrong one":              {"", []string{"Bearer " + testKey + "0"}, 401},
		"a part of it":             {"", []string{"Bearer " + testKey[1:]}, 401},
		"nothing":                  {"", []string{"Bearer "}, 401},
		"another scheme":           {"", []string{"Basic " + testKey}, 401},
		"without a scheme":         {"", []string{testKey}, 401},
		"twice":                    {"", []string{"Bearer " + testKey, "Bearer " + testKey}, 401},
		"a list":                   {"", []string{"Bearer " + testKey + ", Bearer " + testKey}, 401},
		"in the query":             {"?key=" + testKey, nil, 401},
		"in the query, as a token": {"?access_token=" + testKey, nil, 401},
		"an unknown path":          {"/elsewhere", nil, 401},
	} {
		got := answered{}
		got.status = status(h, call{path: "/api/v1/nodes" + c.path, header: http.Header{"Authorization": c.authorization}})
		assert.Equal(t, what, got.status, c.status)
	}
	open := newHandler(&backend{}, func(o *Options) { o.Keys = nil })
	assert.Equal(t, "the private port", status(open, call{path: "/api/v1/nodes", header: http.Header{"Authorization": nil}}), 200)
}

// exhaust takes what a key will regain in a minute.
func exhaust(k *key) { k.rate.ReserveN(time.Since(k.began), keyBurst+60*keyRate) }

func TestAPI3_EachKeyHasItsRate(t *testing.T) {
	second := strings.Repeat("k", 32)
	h := newHandler(&backend{}, func(o *Options) { o.Keys = append(o.Keys, second) })
	nodes := call{path: "/api/v1/nodes"}
	for range keyBurst {
		status(h, nodes)
	}
	for many := 0; status(h, nodes) == 200; many++ { // those that it has regained meanwhile
		if many > 100*keyBurst {
			t.Fatal("there is no limit")
		}
	}
	exhaust(h.keys.keys[0])
	got := serve(t, h, nodes)
	assert.Equal(t, "code", got.code, "rate_limited")
	assert.Equal(t, "when to come again", got.header.Get("Retry-After"), "1")
	nodes.header = http.Header{"Authorization": {"Bearer " + second}}
	assert.Equal(t, "another key", serve(t, h, nodes).status, 200)
	nodes.header = http.Header{"Authorization": nil}
	assert.Equal(t, "who has no key takes nothing", serve(t, h, nodes).status, 401)
}

func TestAPI4_PagesAreRefused(t *testing.T) {
	h := newHandler(&backend{})
	for _, header := range []http.Header{
		{"Origin": {"https://chat.example"}}, {"Origin": {"null"}}, {"Origin": {""}}, {"Sec-Fetch-Site": {"same-origin"}}, {"Sec-Fetch-Site": {"cross-site"}},
	} {
		got := serve(t, h, call{path: "/api/v1/nodes", header: header})
		assert.Equal(t, "code", got.code, "forbidden")
		for name := range got.header {
			assert.Equal(t, name+" is for pages", strings.HasPrefix(name, "Access-Control-"), false)
		}
	}
	assert.Equal(t, "the address bar", serve(t, h, call{path: "/api/v1/nodes", header: http.Header{"Sec-Fetch-Site": {"none"}}}).status, 200)
}

// TestAPI4_AStrangersNameForThisHostIsRefused, with or without a key, on every path.
func TestAPI4_AStrangersNameForThisHostIsRefused(t *testing.T) {
	h := newHandler(&backend{}, func(o *Options) { o.Trusted = func(host string) bool { return host == "example.com" } })
	nodes := call{path: "/api/v1/nodes"}
	assert.Equal(t, "a trusted name", serve(t, h, nodes).status, 200)
	h.opts.Trusted = func(string) bool { return false }
	assert.Equal(t, "another", serve(t, h, nodes).code, "forbidden")
	nodes.path = "/api/v1/nothing"
	assert.Equal(t, "no path", status(h, nodes), 403)
}

// TestAPI5_NoPathStandsForAnother: nothing is redirected, neither to the global room nor to another one.
func TestAPI5_NoPathStandsForAnother(t *testing.T) {
	var counted []string
	b := &backend{}
	h := newHandler(b, func(o *Options) { o.Answered = func(code string) { counted = append(counted, code) } })
	for _, path := range []string{
		"/api/v1/rooms/../messages", "/api/v1/rooms/./messages", "/api/v1/rooms//messages", "/api/v1//messages",
		"/api//v1/messages", "/api/v1/./messages", "/api/v1/rooms/cats/../dogs/messages", "/api/../api/v1/messages",
		"/api/v1/messages/.", "/api/v1/messages/..", "/api/v1/messages//", "/api/v1/rooms/cats/messages/", "/api/v1/rooms/%2e%2e/../messages",
		"/api/v1/%6dessages/../messages", "/api/v1/rooms%2Fcats%2Fmessages", "/api/v1/rooms/..%2Fmessages", "/api%2Fv1/messages",
	} {
		for _, method := range []string{"GET", "POST", "CONNECT"} {
			c := call{method: method, path: path, body: bodyFor(method)}
			assert.Equal(t, method+" "+path, serve(t, h, c).code, "not_found")
		}
	}
	assert.Equal(t, "rooms asked for", b.room+"|"+fmt.Sprint(len(b.said())), "|0")
	assert.Equal(t, "counted", slices.Compact(counted), []string{"not_found"})
}

func TestAPI5_UnknownPathsAndMethods(t *testing.T) {
	h := newHandler(&backend{})
	for _, path := range []string{"/api/", "/api/v1", "/api/v1/", "/api/v1/messages/", "/api/v1/message", "/api/v2/messages", "/api/v1/rooms/cats", "/api/v1/rooms/a/b/messages"} {
		assert.Equal(t, path, serve(t, h, call{path: path}).code, "not_found")
	}
	for _, c := range []struct{ path, allow string }{
		{"/api/v1/messages", "GET, HEAD, POST"}, {"/api/v1/rooms/cats/messages", "GET, HEAD, POST"}, {"/api/v1/nodes", "GET, HEAD"},
	} {
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get"} {
			got := serve(t, h, call{method: method, path: c.path})
			assert.Equal(t, method, got.code, "method_not_allowed")
			assert.Equal(t, "allowed", got.header.Get("Allow"), c.allow)
		}
		assert.Equal(t, "HEAD", status(h, call{method: "HEAD", path: c.path}), 200)
	}
}

func said(text, username, id string) chat.PublishedMessage {
	return chat.PublishedMessage{Text: text, Username: username, ID: id}
}

func TestAPI6_TheAuthor(t *testing.T) {
	for body, want := range map[string]post{
		`{"message":"m"}`: {chat.System("system"), said("m", "", "")},
		`{"message":"m","username":"Bot","id":"1"}`:        {chat.System("Bot"), said("m", "Bot", "1")},
		`{"message":"m","user":{"id":"7","name":"ada"}}`:   {auth.Identity{ID: "7", Name: "ada", Verified: true}, said("m", "", "")},
		`{"message":"m","username":"x","user":{"id":"7"}}`: {auth.Identity{ID: "7"}, said("m", "x", "")},
		`{"message":"\u0000\ud800 ","username":""}`:        {chat.System("system"), said("\x00\uFFFD ", "", "")},
	} {
		b := &backend{}
		assert.Equal(t, body, serve(t, newHandler(b), call{path: "/api/v1/messages", body: body}).status, 200)
		assert.Equal(t, body, b.said(), []post{want})
		assert.NoError(t, document(t).validate("#/components/schemas/Draft", body), body)
	}
}

// badBodies are refused, and the message says why.
var badBodies = map[string]string{
	`x`:                              "one JSON object",
	`{"message":"m"`:                 "one JSON object",
	`{"message":"m"}x`:               "one JSON object",
	`{"message":"m"}{"message":"m"}`: "one JSON object",
	"{\"message\":\"\xff\"}":         "one JSON object",
	"{\"message\":\"\x00\"}":         "one JSON object",
	"\uFEFF{\"message\":\"m\"}":      "one JSON object",
	`[{"message":"m"}]`:              "a JSON object",
	`"m"`:                            "a JSON object",
	`null`:                           "a JSON object",
	`{}`:                             "message is missing",
	`{"message":null}`:               "message must be text",
	`{"message":7}`:                  "message must be text",
	`{"message":1e999}`:              "message must be text",
	`{"message":["m"]}`:              "message must be text",
	`{"Message":"m"}`:                `"Message" is unknown`,
	`{"message":"m","from":"7"}`:     `"from" is unknown`,
	`{"message":"m","message":"n"}`:  "message is there twice",
	`{"message":"m","user":{"id":"7","role":"x"}}`:                              `user."role" is unknown`,
	`{"message":"m","user":{"id":"7","id":"8"}}`:                                "user.id is there twice",
	`{"message":"m","user":{"id":7}}`:                                           "user.id must be text",
	`{"message":"m","user":"7"}`:                                                "user must be an object",
	`{"message":"m","user":null}`:                                               "user must be an object",
	`{"message":"m","user":[{"id":"7"}]}`:                                       "user must be an object",
	`{"message":"m","user":{"id":"7"},"user":{"id":"8"}}`:                       "user is there twice",
	`{"message":"m","user":{"id":null}}`:                                        "user.id must be text",
	`{"message":"m","user":{"id":"7","name":null}}`:                             "user.name must be text",
	`{"message":"m","username":null}`:                                           "username must be text",
	`{"message":"m","username":{"name":"x"}}`:                                   "username must be text",
	`{"message":"m","id":null}`:                                                 "id must be text",
	`{"message":"m","id":false}`:                                                "id must be text",
	`{"message":"m","user":{}}`:                                                 "user must hold the id",
	`{"message":"m","user":{"id":""}}`:                                          "user must hold the id",
	`{"message":"m","user":{"id":"~system"}}`:                                   "user must hold the id",
	`{"message":"m","user":{"id":"~AAAAAAAAAAAAAAAA"}}`:                         "user must hold the id",
	`{"message":"m","user":{"id":"a\u0000b"}}`:                                  "user must hold the id",
	`{"message":"m","user":{"id":" 7"}}`:                                        "user must hold the id",
	`{"message":"m","user":{"id":"7","name":"a\nb"}}`:                           "user must hold the id",
	`{"message":"m","user":{"id":"` + strings.Repeat("x", 129) + `"}}`:          "user must hold the id",
	`{"message":"m","user":{"id":"7","name":"` + tooLongName + `"}}`:            "user must hold the id",
	`{"message":"m","id":""}`:                                                   "id is empty",
	`{"message":"m","id":["1"]}`:                                                "id must be text",
	`{"message":"m","` + strings.Repeat("x", 1000) + `":"m"}`:                   "is unknown",
	`{"message":` + strings.Repeat("[", 1500) + strings.Repeat("]", 1500) + `}`: "message must be text",
}

var tooLongName = strings.Repeat("x", 65)

func TestAPI7_BodiesAreReadStrictly(t *testing.T) {
	b := &backend{}
	h := newHandler(b)
	for body, why := range badBodies {
		got := serve(t, h, call{path: "/api/v1/messages", body: body})
		assert.Equal(t, body, got.code, "invalid")
		if !strings.Contains(strings.ReplaceAll(got.body, `\"`, `"`), why) || len(got.body) > 300 {
			t.Errorf("%s: %s", body, got.body)
		}
	}
	assert.Equal(t, "published", len(b.said()), 0)
}

// TestOPENAPI_RefusesTheSameBodies: of the bad bodies, the file allows only what it cannot express.
func TestOPENAPI_RefusesTheSameBodies(t *testing.T) {
	for body, why := range badBodies {
		shape := []string{"is unknown", "must be text", "must be an object", "a JSON object", "is missing", "is empty"}
		if !slices.ContainsFunc(shape, func(s string) bool { return strings.Contains(why, s) }) {
			continue
		}
		if document(t).validate("#/components/schemas/Draft", body) == nil {
			t.Errorf("openapi.yaml allows %s", body)
		}
	}
}

func TestAPI7_BodiesAreJSONOfABoundedSize(t *testing.T) {
	h := newHandler(&backend{})
	for _, c := range []struct {
		kind, encoding string
		status         int
	}{
		{"application/json; charset=UTF-8", "", 200},
		{"", "", 415},
		{"text/plain", "", 415},
		{"application/json; charset=latin1", "", 415},
		{"application/json, text/plain", "", 415},
		{"application/x-www-form-urlencoded", "", 415},
		{"application/json", "gzip", 415},
	} {
		header := http.Header{"Content-Type": {c.kind}}
		if c.encoding != "" {
			header.Set("Content-Encoding", c.encoding)
		}
		assert.Equal(t, c.kind, serve(t, h, call{path: "/api/v1/messages", body: `{"message":"m"}`, header: header}).status, c.status)
	}
	assert.Equal(t, "the largest body", serve(t, h, call{path: "/api/v1/messages", body: `{"message":"` + strings.Repeat("m", 4096-14) + `"}`}).status, 200)
	assert.Equal(t, "a byte more", serve(t, h, call{path: "/api/v1/messages", body: `{"message":"` + strings.Repeat("m", 4096-13) + `"}`}).code, "too_large")
}

func TestAPI8_TheIdMayBeAHeader(t *testing.T) {
	for _, c := range []struct {
		body string
		keys []string
		id   string // empty: refused
	}{
		{`{"message":"m"}`, []string{"1"}, "1"},
		{`{"message":"m","id":"1"}`, []string{"1"}, "1"},
		{`{"message":"m","id":"1"}`, []string{"2"}, ""},
		{`{"message":"m"}`, []string{""}, ""},
		{`{"message":"m"}`, []string{"1", "1"}, ""},
	} {
		b := &backend{}
		got := serve(t, newHandler(b), call{path: "/api/v1/messages", body: c.body, header: http.Header{"Idempotency-Key": c.keys}})
		assert.Equal(t, c.body, got.status == 200, c.id != "")
		if c.id != "" {
			assert.Equal(t, "id", b.said()[0].message.ID, c.id)
		}
	}
}

func TestAPI9_ParametersAreReadStrictly(t *testing.T) {
	b := &backend{}
	h := newHandler(b)
	for query, limit := range map[string]int{
		"": 100, "?limit=7": 7, "?limit=100": 100, "?limit=101": 100, "?limit=99999999999999999999999": 100, "?limit=0": 0, "?limit=-1": 0,
		"?limit=+7": 0, "?limit=": 0, "?limit=1e3": 0, "?limit=7.5": 0, "?limit=0x10": 0, "?limit=1&limit=2": 0, "?limit=-99999999999999999999999": 0,
		"?Limit=7": 0, "?limit=7;before=1-0": 0, "?before=%zz": 0,
	} {
		b.limit = 0
		got := serve(t, h, call{path: "/api/v1/rooms/cats/messages" + query})
		assert.Equal(t, query, b.limit, limit)
		assert.Equal(t, query, got.code == "invalid", limit == 0)
	}
	serve(t, h, call{path: "/api/v1/messages?before=17-3"})
	assert.Equal(t, "place", b.place, chat.Place{Before: "17-3"})
	serve(t, h, call{path: "/api/v1/messages?after=17-3"})
	assert.Equal(t, "place", b.place, chat.Place{After: "17-3"})
	serve(t, h, call{path: "/api/v1/rooms/cats/messages?around=17-3"})
	assert.Equal(t, "place", b.place, chat.Place{Around: "17-3"})
	serve(t, h, call{path: "/api/v1/rooms?after=cats&limit=5000"})
	assert.Equal(t, "after", b.after, "cats")
	assert.Equal(t, "most rooms", b.limit, maxRooms)
	serve(t, h, call{path: "/api/v1/top?limit=5000"})
	assert.Equal(t, "most of the busiest", b.limit, MaxTop)
	assert.Equal(t, "none is busy", serve(t, h, call{path: "/api/v1/top"}).body, `{"rooms":[]}`+"\n")
	b.busy = []Busy{{Name: "/", Sockets: 2, Messages: 0.5, Bytes: 99.25, Deliveries: 1}, {Name: "cats"}}
	assert.Equal(t, "one is asked for", strings.Contains(serve(t, h, call{path: "/api/v1/top?limit=1"}).body, "cats"), false)
	assert.Equal(t, "the usual number", serve(t, h, call{path: "/api/v1/top"}).status, 200)
	assert.Equal(t, "the usual number", b.limit, DefaultTop)
	assert.Equal(t, "an unknown parameter", serve(t, h, call{path: "/api/v1/top?by=bytes"}).code, "invalid")
}

func TestAPI10_TheRoomIsThatOfThePath(t *testing.T) {
	b := &backend{}
	h := newHandler(b)
	for path, room := range map[string]string{"messages": "", "rooms/cats/messages": "cats", "rooms/a%2Fb/messages": "a/b", "rooms/%00/people": "\x00", "rooms/%2e%2e/people": ".."} {
		serve(t, h, call{path: "/api/v1/" + path})
		assert.Equal(t, path, b.room, room)
	}
	assert.Equal(t, "requests that did not leave", b.inside, 0)
}

func TestAPI11_ListsAreNeverNull(t *testing.T) {
	got := serve(t, newHandler(&backend{}), call{path: "/api/v1/rooms"})
	assert.Equal(t, "no rooms", got.body, `{"rooms":[],"more":false}`+"\n")
}

func TestAPI15_NoKeyIsLoggedOrAnswered(t *testing.T) {
	logged := &strings.Builder{}
	h := newHandler(&backend{fails: errAway}, logTo(logged))
	secret := "s3cret" + testKey
	for _, c := range []call{
		{path: "/api/v1/messages", header: http.Header{"Authorization": {"Bearer " + secret}}},
		{path: "/api/v1/messages", header: http.Header{"Authorization": {secret, secret}}},
		{path: "/api/v1/messages?key=" + secret},
		{path: "/api/v1/messages"},
	} {
		got := serve(t, h, c)
		assert.Equal(t, "answered: "+got.body, strings.Contains(got.body, testKey), false)
	}
	assert.Equal(t, "logged: "+logged.String(), strings.Contains(logged.String(), testKey), false)
	assert.Equal(t, "the cause is logged", strings.Contains(logged.String(), errAway.Err.Error()), true)
}

func TestEveryRequestIsCounted(t *testing.T) {
	var counted []string
	h := newHandler(&backend{}, func(o *Options) { o.Answered = func(code string) { counted = append(counted, code) } })
	status(h, call{path: "/api/v1/nodes"})
	status(h, call{path: "/api/v1"})
	status(h, call{path: "/api/v1/messages", body: "x"})
	assert.Equal(t, "outcomes", counted, []string{OK, "not_found", "invalid"})
	assert.Equal(t, "codes are sorted", slices.IsSorted(Codes()), true)
}
