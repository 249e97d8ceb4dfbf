package app

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
)

// met is what a client is told of itself in one namespace.
type met struct {
	Sid, Pid, Offset string
	User             struct {
		ID, Name, Role string
		Guest          bool
		Expires        int64
	}
	Token string
	Rooms map[string]string
	Code  string // of the refusal; empty: the client is welcome
}

// meet reads until each of the namespaces has welcomed or refused the client.
func (r *raw) meet(t testing.TB, namespaces ...string) map[string]*met {
	t.Helper()
	all := map[string]*met{}
	for left := len(namespaces); left > 0; {
		p, err := r.read()
		assert.NoError(t, err)
		namespace, body := "/", p[2:]
		if strings.HasPrefix(body, "/") {
			namespace, body, _ = strings.Cut(body, ",")
		}
		if all[namespace] == nil {
			all[namespace] = &met{}
		}
		if all[namespace].hear(t, p[1], body) {
			left--
		}
	}
	return all
}

// hear takes a packet, and reports whether it is the last of the greeting.
func (m *met) hear(t testing.TB, kind byte, body string) (last bool) {
	t.Helper()
	var into any
	switch {
	case kind == '0':
		into = m
	case kind == '4':
		refusal := struct{ Data *met }{m}
		into, last = &refusal, true
	case strings.HasPrefix(body, `["presence"`) && m.Offset == "":
		into = &[]any{nil, nil, &m.Offset}
	case strings.HasPrefix(body, `["welcome"`):
		into, last = &[]any{nil, m}, true
	default:
		return false
	}
	assert.NoError(t, json.Unmarshal([]byte(body), into), body)
	return last
}

// come connects a new raw client to a namespace with a payload: names and values.
func come(t testing.TB, a *App, namespace string, payload ...any) (*raw, *met) {
	t.Helper()
	r, err := dial(a.Addr())
	assert.NoError(t, err)
	t.Cleanup(r.close)
	return r, r.join(t, namespace, payload...)
}

func (r *raw) join(t testing.TB, namespace string, payload ...any) *met {
	t.Helper()
	assert.NoError(t, r.write(connecting(namespace, payload...)))
	return r.meet(t, namespace)[namespace]
}

// connecting is a CONNECT.
func connecting(namespace string, payload ...any) string {
	fields := map[string]any{}
	for i := 0; i < len(payload); i += 2 {
		fields[payload[i].(string)] = payload[i+1]
	}
	text, _ := json.Marshal(fields)
	return "40" + addressed(namespace) + string(text)
}

func addressed(namespace string) string {
	if namespace == "/" {
		return ""
	}
	return namespace + ","
}

// said is a message as others get it.
type said struct {
	Message, Username, ID, From string
	Verified                    *bool
}

// says sends a message and returns it as its author gets it.
func (r *raw) says(t testing.TB, namespace string) (m said) {
	t.Helper()
	text := rand.Text()
	assert.NoError(t, r.write("42"+addressed(namespace)+`["event:message",{"message":"`+text+`","username":"u"}]`))
	for m.Message != text {
		m = r.hears(t, namespace)
	}
	return m
}

// hears returns the next message.
func (r *raw) hears(t testing.TB, namespace string) (m said) {
	t.Helper()
	start := "42" + addressed(namespace)
	for {
		p, err := r.read()
		assert.NoError(t, err)
		if strings.HasPrefix(p, start+`["message"`) {
			assert.NoError(t, json.Unmarshal([]byte(p[len(start):]), &[]any{nil, &m}), p)
			return m
		}
	}
}

// onEachTopology runs a test on a node by itself, and on three that share a Redis.
func onEachTopology(t *testing.T, test func(t *testing.T, nodes []*App), flags ...string) {
	t.Run("alone", func(t *testing.T) { test(t, []*App{start(t, flags...)}) })
	t.Run("clustered", func(t *testing.T) {
		flags := append([]string{"--redis-url=" + redistest.Start(t).URL()}, flags...)
		test(t, []*App{start(t, flags...), start(t, flags...), start(t, flags...)})
	})
}

// TestP11_AGuestStaysWhoItIs: with nothing but what a stock client sends.
func TestP11_AGuestStaysWhoItIs(t *testing.T) {
	onEachTopology(t, func(t *testing.T, nodes []*App) {
		node := func(i int) *App { return nodes[i%len(nodes)] }
		r, first := come(t, node(0), "/")
		assert.Equal(t, "form of the id", len(first.User.ID) == 17 && first.User.ID[0] == '~' && first.User.Guest, true)
		assert.Equal(t, "both are credentials of the guest", strings.HasPrefix(first.Token, first.User.ID+".") && strings.HasPrefix(first.Pid, first.User.ID+"."), true)
		assert.Equal(t, "author", r.says(t, "/").From, first.User.ID)
		r.close()

		r, again := come(t, node(1), "/", "pid", first.Pid, "offset", first.Offset)
		assert.Equal(t, "recovered", again.Pid, first.Pid)
		assert.Equal(t, "the same guest", again.User, first.User)
		assert.Equal(t, "what it missed", r.hears(t, "/").From, first.User.ID)
		witness, _ := come(t, node(2), "/")
		for range 60 {
			r.says(t, "/")
		}
		last := r.says(t, "/")
		for witness.hears(t, "/") != last {
		}
		r.close()

		_, late := come(t, node(2), "/", "pid", first.Pid, "offset", first.Offset)
		assert.Equal(t, "the window has gone on", late.Pid == first.Pid, false)
		assert.Equal(t, "still the same guest", late.User, first.User)
		for what, payload := range map[string][]any{
			"no offset": {"pid", late.Pid}, "an empty offset": {"pid", late.Pid, "offset", ""}, "no real offset": {"pid", late.Pid, "offset", "x"},
			"an older id": {"pid", first.Pid}, "a token": {"token", late.Token}, "both": {"token", first.Token, "pid", late.Pid},
		} {
			for _, namespace := range []string{"/", "/rooms/cats"} {
				r, m := come(t, node(1), namespace, payload...)
				assert.Equal(t, what+" in "+namespace, m.User, first.User)
				assert.Equal(t, "author", r.says(t, namespace).From, first.User.ID)
				r.close()
			}
		}
	}, "--history-window=50", "--history-max=50", "--room-window=50")
}

// TestP11_NobodyTakesAGuestsPlace: whatever is sent instead of its credential.
func TestP11_NobodyTakesAGuestsPlace(t *testing.T) {
	onEachTopology(t, func(t *testing.T, nodes []*App) {
		victim, its := come(t, nodes[0], "/")
		assert.Equal(t, "author", victim.says(t, "/").From, its.User.ID)
		_, other := come(t, nodes[0], "/")
		stranger, err := auth.NewGuests(strings.Repeat("another secret ", 4))
		assert.NoError(t, err)
		parts := strings.Split(its.Pid, ".")
		for what, pid := range map[string]any{
			"its id": its.User.ID, "its public id": its.Sid, "no signature": parts[0] + "." + parts[1] + ".", "cut": its.Pid[:len(its.Pid)-1],
			"its id, the signature of another": parts[0] + other.Pid[len(other.User.ID):],
			"longer":                           its.Pid + "A", "two": its.Pid + " " + its.Pid, "another key": stranger.Credential(its.User.ID),
			"another case": strings.ToUpper(its.Pid), "padded": its.Pid + "=", "huge": strings.Repeat(its.Pid, 200),
			"a user's form": "=" + its.Pid[1:], "a list": []any{its.Pid}, "an object": map[string]any{"pid": its.Pid}, "a number": 7, "none": nil,
		} {
			for _, node := range nodes {
				r, m := come(t, node, "/", "pid", pid, "offset", its.Offset)
				assert.Equal(t, what+" makes a new guest", m.User.Guest && m.User.ID != its.User.ID && m.User.ID != other.User.ID, true)
				assert.Equal(t, what+" recovers nothing", m.Pid == pid, false)
				assert.Equal(t, what+" speaks as itself", r.says(t, "/").From, m.User.ID)
				r.close()
				_, m = come(t, node, "/", "token", pid)
				if pid != nil {
					assert.Equal(t, what+" as a token", m.Code, "unauthorized")
				}
			}
		}
		assert.Equal(t, "the victim is who it was", victim.says(t, "/").From, its.User.ID)
	}, "--auth-secret="+strings.Repeat("the secret of this node ", 2))
}

// TestP11_WhatAClientSaysOfItselfIsIgnored: only the server says who speaks, and there is no other way to say so.
func TestP11_WhatAClientSaysOfItselfIsIgnored(t *testing.T) {
	onEachTopology(t, func(t *testing.T, nodes []*App) {
		victim, its := come(t, nodes[0], "/")
		r, err := dialAt(nodes[len(nodes)-1].Addr(), "&token="+its.Token+"&pid="+its.Pid, "Authorization: Bearer "+its.Token, "Cookie: token="+its.Token+"; io="+its.Pid)
		assert.NoError(t, err)
		defer r.close()
		_, err = r.read()
		assert.NoError(t, err)
		m := r.join(t, "/", "from", its.User.ID, "id", its.User.ID, "user", its.User, "Token", its.Token, "PID", its.Pid, "verified", true)
		assert.Equal(t, "another guest", m.User.ID != its.User.ID && m.Code == "", true)
		claims := fmt.Sprintf(`"from":%q,"verified":true,"user":{"id":%[1]q},"sid":%q,"token":%q,"pid":%[3]q`, its.User.ID, its.Sid, its.Token)
		for _, event := range []string{
			`["message",{"message":"forged","username":"u",` + claims + `},"1-1"]`, `["welcome",{` + claims + `}]`, `["presence",{"online":7}]`,
			`["typing",{"username":"u","typing":true,"id":"` + its.Sid + `",` + claims + `}]`, `["event:message",{"message":"spoken","username":"u",` + claims + `},"1-1"]`,
		} {
			assert.NoError(t, r.write("42"+event))
		}
		var heard said
		for heard.Message != "spoken" {
			p, err := victim.read()
			assert.NoError(t, err)
			if strings.Contains(p, "forged") || strings.HasPrefix(p, `42["typing"`) && strings.Contains(p, its.Sid) {
				t.Errorf("others got %s", p)
			}
			if strings.HasPrefix(p, `42["message"`) {
				assert.NoError(t, json.Unmarshal([]byte(p[2:]), &[]any{nil, &heard}))
			}
		}
		assert.Equal(t, "from", heard.From, m.User.ID)
		assert.Equal(t, "verified", heard.Verified, nil)
	})
}
