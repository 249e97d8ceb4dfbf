package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/redistest"
	"scalable-chat/server/internal/test/siotest"
)

// everyWay runs a test against a node, and against its neighbour, which forwards to it. The node always owns the sessions.
func everyWay(t *testing.T, flags []string, test func(t *testing.T, owner *App, url string)) {
	t.Helper()
	r := redistest.Start(t)
	flags = append(flags, "--redis-url="+r.URL())
	owner, other := start(t, flags...), start(t, flags...)
	assert.Eventually(t, "both nodes know of each other", func() bool { return owner.parts.nodes() == 2 && other.parts.nodes() == 2 })
	t.Run("direct", func(t *testing.T) { test(t, owner, owner.url()) })
	t.Run("forwarded", func(t *testing.T) { test(t, owner, other.url()) })
}

// polled is a session that polls, one request at a time.
type polled struct {
	t      *testing.T
	client *http.Client
	url    string // with its sid
	query  string
}

// newPolled opens a session at the owner and continues at url; mark is its t in the handshake.
func newPolled(t *testing.T, owner *App, url, mark string) *polled {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	p := &polled{t: t, client: &http.Client{Transport: transport, Timeout: patience}}
	const path = "/socket.io/?EIO=4&transport="
	_, body, err := p.fetch(http.MethodGet, owner.url()+path+"polling&t="+mark, nil)
	assert.NoError(t, err)
	var open struct{ Sid string }
	assert.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(body, "0")), &open))
	p.query = "&sid=" + open.Sid
	p.url = url + path + "polling" + p.query
	return p
}

func (p *polled) fetch(method, url string, body io.Reader) (status int, answer string, err error) {
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		return 0, "", err
	}
	res, err := p.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func (p *polled) ask(method, mark string, body io.Reader) string {
	p.t.Helper()
	status, answer, err := p.fetch(method, p.url+"&t="+mark, body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(status, " ", answer)
}

func (p *polled) post(mark, body string) string {
	p.t.Helper()
	return p.ask(http.MethodPost, mark, strings.NewReader(body))
}

func TestEIO1_PostsOfOneMarkAreAllStored(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, owner *App, url string) {
		ear := open(t, owner.url(), siotest.Options{Transport: siotest.WebSocket})
		for _, mark := range []string{"tenant-7", ""} {
			p := newPolled(t, owner, url, mark)
			if mark == "" {
				mark = "1700000000"
			}
			assert.Equal(t, "CONNECT", p.post(mark, "40"), "200 ok")
			for n := range 5 {
				message := fmt.Sprintf(`42["event:message",{"message":"%s %d","username":"u"}]`, mark, n)
				assert.Equal(t, "POST", p.post(mark, message), "200 ok")
			}
			assert.Eventually(t, "told of all", func() bool {
				heard := strings.Join(texts(ear), ",")
				return strings.Contains(heard, mark+" 0,"+mark+" 1,"+mark+" 2,"+mark+" 3,"+mark+" 4")
			})

		}
	})
}

func TestEIO2_AGoodbyeAndAPollAtTheSameMoment(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, owner *App, url string) {
		for n := range 100 {
			p := newPolled(t, owner, url, "")
			var get, post string
			var both sync.WaitGroup
			both.Go(func() { get = p.ask(http.MethodGet, "", nil) })
			both.Go(func() { post = p.post("", "1") })
			both.Wait()
			assert.Equal(t, fmt.Sprint("POST ", n), post, "200 ok")
			assert.Equal(t, fmt.Sprint("GET ", n), get, "200 6")
			if next := p.ask(http.MethodGet, "", nil); !strings.HasPrefix(next, "400") {
				t.Errorf("next: %s", next)
			}
		}
	})
}

func TestEIO3_APollThatMeetsTheEndOfAnUpgrade(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, owner *App, url string) {
		for n := range 100 {
			p := newPolled(t, owner, url, "")
			ws, err := dialAt(strings.TrimPrefix(url, "http://"), p.query)
			assert.NoError(t, err)
			assert.NoError(t, ws.write("2probe", "5"))
			get := p.ask(http.MethodGet, "", nil)
			if !strings.HasPrefix(get, "400") {
				t.Errorf("GET %d: %s", n, get)
			}
			answer, err := ws.read()
			assert.NoError(t, err)
			assert.Equal(t, "probe", answer, "3probe")
			ws.close()
		}
	})
}

func TestEIO4_ABodyOverTheLimitIsAnswered(t *testing.T) {
	everyWay(t, []string{"--max-body-bytes=70000"}, func(t *testing.T, owner *App, url string) {
		for _, size := range []int{70_001, 100_000, 1_000_000, 3_000_000} {
			for _, declared := range []bool{true, false} {
				for n := range 15 {
					p := newPolled(t, owner, url, "")
					var body io.Reader = strings.NewReader(strings.Repeat("4", size))
					if !declared {
						body = io.MultiReader(body)
					}
					polled := make(chan string, 1)
					go func() { polled <- p.ask(http.MethodGet, "", nil) }()
					assert.Equal(t, fmt.Sprint("POST ", n, " of ", size, declared), p.ask(http.MethodPost, "", body), `413 {"code":9,"message":"Payload too large"}`)
					<-polled
				}
			}
		}
	})
}

func TestEIO5_CredentialsAndTheOwnHost(t *testing.T) {
	everyWay(t, []string{"--allowed-origins=https://*.a.example"}, func(t *testing.T, owner *App, url string) {
		p := newPolled(t, owner, url, "")
		for origin, want := range map[string]string{"https://b.a.example": "200 true", url: "200 true", "https://evil.example": "403 "} {
			r, err := http.NewRequest(http.MethodPost, p.url, strings.NewReader("3"))
			assert.NoError(t, err)
			r.Header.Set("Origin", origin)
			res, err := p.client.Do(r)
			assert.NoError(t, err)
			assert.NoError(t, res.Body.Close())
			assert.Equal(t, origin, fmt.Sprint(res.StatusCode, " ", res.Header.Get("Access-Control-Allow-Credentials")), want)
			assert.Equal(t, origin, res.Header.Get("Access-Control-Allow-Origin"), origin)
			assert.Equal(t, "caches", fmt.Sprint(res.Header["Vary"]), "[Origin]")
		}
	})
}

func TestEIO8_APollIsAnsweredWithSixteenPacketsAtMost(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, owner *App, url string) {
		speaker := open(t, owner.url(), siotest.Options{Transport: siotest.WebSocket})
		for n := range 40 {
			say(t, speaker, fmt.Sprint(n))
		}
		p := newPolled(t, owner, url, "")
		assert.Equal(t, "CONNECT", p.post("", `40{"history":40}`), "200 ok")
		for messages := 0; messages < 40; {
			answer := p.ask(http.MethodGet, "", nil)
			if n := strings.Count(answer, "\x1e") + 1; n > 16 {
				t.Fatalf("%d packets", n)
			}
			messages += strings.Count(answer, `42["message"`)
		}
	})
}

func TestEIO7_TheFirstSubprotocolIsChosen(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, owner *App, url string) {
		for offered, want := range map[string]string{"chat.v1, chat.v2": "101 chat.v1", "a,": "400 ", "a b": "400 "} {
			p := newPolled(t, owner, url, "")
			r, err := http.NewRequest(http.MethodGet, strings.Replace(p.url, "polling", "websocket", 1), nil)
			assert.NoError(t, err)
			r.Header = http.Header{
				"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"foo, WebSocket"}, "Sec-Websocket-Version": {"13"},
				"Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}, "Sec-Websocket-Protocol": {offered},
			}
			res, err := p.client.Do(r)
			assert.NoError(t, err)
			assert.NoError(t, res.Body.Close())
			assert.Equal(t, offered, fmt.Sprint(res.StatusCode, " ", res.Header.Get("Sec-WebSocket-Protocol")), want)
		}
	})
}

// A number as an event's name is unknown here, and harmless.
func TestEIO9_NumbersNameEvents(t *testing.T) {
	everyWay(t, nil, func(t *testing.T, owner *App, url string) {
		p := newPolled(t, owner, url, "")
		assert.Equal(t, "POST", p.post("a", "40\x1e42[1,\"x\"]\x1e42[-0.5]"), "200 ok")
		assert.Equal(t, "later", p.post("b", `427["history",{}]`), "200 ok")
	})
}

func TestEIO10_ConnectionsOutliveThoseOfBalancers(t *testing.T) {
	a := start(t, "--ops-addr=127.0.0.1:0")
	for _, l := range []*listener{a.public, a.private} {
		assert.Equal(t, "unless set", l.server.IdleTimeout, 75*time.Second)
	}
	assert.Equal(t, "as set", start(t, "--keep-alive-timeout=620s").public.server.IdleTimeout, 620*time.Second)
}
