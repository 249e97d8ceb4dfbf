package engineio

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// origins are values of ALLOWED_ORIGINS, origins, and whether the first allow the second.
var origins = []struct {
	allowed, origin string
	want            bool
}{
	{"", "https://any.example", true},
	{"*", "https://any.example", true},
	{"https://a.example,*", "https://any.example", true},
	{"https://a.example", "https://a.example", true},
	{"https://a.example/", "https://a.example", true},
	{"https://a.example", "HTTPS://A.example", true},
	{"https://a.example", "http://a.example", false},
	{"https://a.example", "https://a.example:8443", false},
	{"https://a.example", "https://a.example.evil.example", false},
	{"https://a.example", "https://evil.example/https://a.example", false},
	{"https://a.example", "https://axexample", false},
	{"https://a.example", "null", false},
	{"https://*.a.example", "https://b.a.example", true},
	{"https://*.a.example", "https://c.b.a.example", true},
	{"https://*.a.example", "https://a.example", false},
	{"https://*.a.example", "https://evil.example/.a.example", false},
	{"https://app-*.example", "https://app-42.example", true},
	{"http://localhost:*", "http://localhost:3000", true},
	{"https://a.example,https://b.example", "https://b.example", true},
	{"file://", "file://", true}, // Electron
	{"file://", "https://a.example", false},
	{"https://a.example", "file://", false},
	{"https://a.example", "", true}, // not a page in a browser
}

func TestLIM5_Origins(t *testing.T) {
	for _, c := range origins {
		var patterns []string
		if c.allowed != "" {
			patterns = strings.Split(c.allowed, ",")
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		s := &Server{opts: Options{Origins: NewOrigins(patterns)}}
		assert.Equal(t, c.allowed+" allows "+c.origin, s.cors(http.Header{}, r), c.want)
	}
}

// ask sends a request with headers, given in pairs.
func ask(t *testing.T, method, url string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	assert.NoError(t, err, "request")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := httpClient(t).Do(r)
	assert.NoError(t, err, "answer")
	assert.NoError(t, res.Body.Close(), "body")
	return res
}

func TestLIM5_OriginsOverHTTP(t *testing.T) {
	const good, bad = "https://a.example", "https://b.example"
	e := newEdge(t, echo, func(o *Options) { o.Origins = NewOrigins([]string{good}) })
	polling, webSocket := e.url+eio+"polling", e.url+eio+"websocket"
	upgrade := []string{
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
	}

	res := ask(t, http.MethodGet, polling, "Origin", good)
	assert.Equal(t, "allowed", res.StatusCode, http.StatusOK)
	assert.Equal(t, "header", res.Header.Get("Access-Control-Allow-Origin"), good)
	assert.Equal(t, "caches", res.Header.Get("Vary"), "Origin")
	assert.Equal(t, "no origin", ask(t, http.MethodGet, polling).StatusCode, http.StatusOK)
	assert.Equal(t, "allowed WebSocket", ask(t, http.MethodGet, webSocket, append(upgrade, "Origin", good)...).StatusCode, http.StatusSwitchingProtocols)

	res = ask(t, http.MethodGet, polling, "Origin", bad)
	assert.Equal(t, "refused", res.StatusCode, http.StatusForbidden)
	assert.Equal(t, "readable", res.Header.Get("Access-Control-Allow-Origin"), bad)
	assert.Equal(t, "refused WebSocket", ask(t, http.MethodGet, webSocket, append(upgrade, "Origin", bad)...).StatusCode, http.StatusForbidden)
	assert.Equal(t, "counted", e.refusedBy("Forbidden"), 2)

	for _, query := range []string{"", "?EIO=4&transport=polling&sid=none", "?EIO=3&transport=polling"} {
		res = ask(t, http.MethodGet, e.url+query, "Origin", good)
		assert.Equal(t, "error "+query, res.StatusCode, http.StatusBadRequest)
		assert.Equal(t, "readable "+query, res.Header.Get("Access-Control-Allow-Origin"), good)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Origin", good)
	e.RefuseUnknownSession(w, r)
	assert.Equal(t, "status", w.Code, http.StatusBadRequest)
	assert.Equal(t, "body", w.Body.String(), `{"code":1,"message":"Session ID unknown"}`)
	assert.Equal(t, "readable", w.Header().Get("Access-Control-Allow-Origin"), good)
}

func TestLIM5_Preflight(t *testing.T) {
	e := newEdge(t, echo)
	res := ask(t, http.MethodOptions, e.url+eio+"polling&sid=any", "Origin", "https://a.example",
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type,x-extra")
	assert.Equal(t, "status", res.StatusCode, http.StatusNoContent)
	assert.Equal(t, "origin", res.Header.Get("Access-Control-Allow-Origin"), "*")
	assert.Equal(t, "methods", res.Header.Get("Access-Control-Allow-Methods"), "GET,POST,OPTIONS")
	assert.Equal(t, "headers", res.Header.Get("Access-Control-Allow-Headers"), "content-type,x-extra")
	assert.Equal(t, "max age", res.Header.Get("Access-Control-Max-Age"), "600")
}

func TestProxies_OnlyTrustedOnesAreBelieved(t *testing.T) {
	trusted := Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"1.2.3.4:1000", "", "1.2.3.4"},
		{"1.2.3.4:1000", "9.9.9.9", "1.2.3.4"}, // the client's own claim
		{"10.0.0.1:1000", "", "10.0.0.1"},
		{"10.0.0.1:1000", "1.2.3.4", "1.2.3.4"},
		{"10.0.0.1:1000", "9.9.9.9, 1.2.3.4", "1.2.3.4"}, // the client claimed the first
		{"10.0.0.1:1000", "10.9.9.9, 1.2.3.4", "1.2.3.4"},
		{"10.0.0.1:1000", "9.9.9.9, 1.2.3.4, 10.0.0.2", "1.2.3.4"},
		{"10.0.0.1:1000", "10.0.0.3", "10.0.0.3"},
		{"10.0.0.1:1000", "1.2.3.4:5678", "1.2.3.4"},
		{"10.0.0.1:1000", "[2001:db8::1]:5678", "2001:db8::1"},
		{"10.0.0.1:1000", "garbage", "10.0.0.1"},
		{"10.0.0.1:1000", "9.9.9.9, garbage", "10.0.0.1"},
		{"10.0.0.1:1000", "::ffff:1.2.3.4", "1.2.3.4"},
		{"[::ffff:10.0.0.1]:1000", "1.2.3.4", "1.2.3.4"},
		{"[fd00::1]:1000", "2001:db8::1", "2001:db8::1"},
		{"@", "1.2.3.4", "@"}, // a socket without an address
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		for part := range strings.SplitSeq(c.forwarded, ", ") {
			if part != "" {
				r.Header.Add("X-Forwarded-For", part) // one header and several mean the same
			}
		}
		assert.Equal(t, c.peer+" for "+c.forwarded, trusted.client(r), c.want)
		assert.Equal(t, "without trust", Proxies(nil).client(r) == c.want, c.peer[0] == '1' && c.peer[1] == '.' || c.forwarded == "" || c.want == "10.0.0.1" || c.want == "@")
	}
}

// The peers of ownHosts.
const direct, proxy = "1.2.3.4:1000", "10.0.0.1:1000"

// ownHosts are requests, and whether their origin is the server's own host.
var ownHosts = []struct {
	peer, host, origin, forwardedHost, forwardedProto string
	want                                              bool
}{
	{peer: direct, host: "chat.example", origin: "http://chat.example", want: true},
	{peer: direct, host: "chat.example", origin: "https://chat.example", want: true}, // TLS ends before us
	{peer: direct, host: "chat.example", origin: "wss://chat.example", want: true},
	{peer: direct, host: "Chat.Example", origin: "HTTP://chat.eXample", want: true},
	{peer: direct, host: "chat.example:8000", origin: "http://chat.example:8000", want: true},
	{peer: direct, host: "chat.example:80", origin: "http://chat.example", want: true},
	{peer: direct, host: "chat.example", origin: "https://chat.example:443", want: true},
	{peer: direct, host: "[::1]:8000", origin: "http://[::1]:8000", want: true},
	{peer: direct, host: "127.0.0.1:8000", origin: "http://127.0.0.1:8000", want: true},
	{peer: direct, host: "chat.example:8000", origin: "http://chat.example"},
	{peer: direct, host: "chat.example", origin: "http://chat.example:8000"},
	{peer: direct, host: "chat.example", origin: "http://chat.example.evil.example"},
	{peer: direct, host: "chat.example", origin: "http://evil.example"},
	{peer: direct, host: "chat.example", origin: "ftp://chat.example"},
	{peer: direct, host: "chat.example", origin: "null"},
	{peer: direct, host: "", origin: "http://"},
	{peer: direct, host: "chat.example", origin: "chat.example"},
	{peer: direct, host: "inner:8000", forwardedHost: "chat.example", origin: "http://chat.example"}, // its own claim
	{peer: proxy, host: "inner:8000", forwardedHost: "chat.example", origin: "http://chat.example", want: true},
	{peer: proxy, host: "inner:8000", forwardedHost: "chat.example, inner", origin: "http://chat.example", want: true},
	{peer: proxy, host: "inner:8000", forwardedHost: "chat.example", origin: "http://inner:8000"},
	{peer: proxy, host: "chat.example", forwardedProto: "https", origin: "https://chat.example", want: true},
	{peer: proxy, host: "chat.example", forwardedProto: "wss, http", origin: "https://chat.example", want: true},
	{peer: proxy, host: "chat.example", forwardedProto: "https", origin: "http://chat.example"},
	{peer: direct, host: "chat.example", forwardedProto: "https", origin: "http://chat.example", want: true},
}

// TestLIM5_TheOwnHostIsAllowed: native clients and pages of the same host name the host that they connect to.
func TestLIM5_TheOwnHostIsAllowed(t *testing.T) {
	s := &Server{opts: Options{
		Origins: NewOrigins([]string{"https://a.example"}), Proxies: Proxies{netip.MustParsePrefix("10.0.0.0/8")},
	}}
	for _, c := range ownHosts {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.RemoteAddr = c.host, c.peer
		r.Header.Set("Origin", c.origin)
		r.Header.Set("X-Forwarded-Host", c.forwardedHost)
		r.Header.Set("X-Forwarded-Proto", c.forwardedProto)
		h := http.Header{}
		assert.Equal(t, c.peer+" to "+c.host+" from "+c.origin, s.cors(h, r), c.want)
		assert.Equal(t, "credentials for "+c.origin, h.Get("Access-Control-Allow-Credentials") == "true", c.want)
	}
}

// TestEIO5_CredentialsAreForListedOrigins: with credentials, a browser hides an answer that does not name the origin.
func TestEIO5_CredentialsAreForListedOrigins(t *testing.T) {
	for _, c := range []struct{ allowed, origin, wantOrigin, wantCredentials, vary string }{
		{"https://a.example", "https://a.example", "https://a.example", "true", "Origin"},
		{"https://*.a.example", "https://b.a.example", "https://b.a.example", "true", "Origin"},
		{"https://a.example", "https://b.example", "https://b.example", "", "Origin"}, // may read the refusal
		{"https://a.example", "", "", "", "Origin"},
		{"*", "https://a.example", "*", "", ""},
		{"https://a.example,*", "https://a.example", "*", "", ""},
	} {
		e := newEdge(t, echo, func(o *Options) { o.Origins = NewOrigins(strings.Split(c.allowed, ",")) })
		for _, query := range []string{"polling", "polling&sid=none", "none"} {
			headers := []string{"Origin", c.origin}
			if c.origin == "" {
				headers = nil
			}
			res := ask(t, http.MethodGet, e.url+eio+query, headers...)
			what := c.allowed + " " + c.origin + " " + query
			assert.Equal(t, what, res.Header.Get("Access-Control-Allow-Origin"), c.wantOrigin)
			assert.Equal(t, what+": credentials", res.Header.Get("Access-Control-Allow-Credentials"), c.wantCredentials)
			assert.Equal(t, what+": caches", res.Header.Get("Vary"), c.vary)
		}
	}
}

// TestEIO6_APreflightLetsThePageReadTheRealAnswer: a page may send any method, and any header except those of a proxy.
func TestEIO6_APreflightLetsThePageReadTheRealAnswer(t *testing.T) {
	const page = "https://a.example"
	e := newEdge(t, echo, func(o *Options) { o.Origins = NewOrigins([]string{page}) })
	p := newPoller(t, e)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, "PROPFIND"} {
		res := ask(t, http.MethodOptions, p.url, "Origin", page, "Access-Control-Request-Method", method,
			"Access-Control-Request-Headers", "authorization,x-forwarded-host, X-Forwarded-For,x-token,forwarded")
		assert.Equal(t, "preflight", res.StatusCode, http.StatusNoContent)
		assert.Equal(t, "methods", res.Header.Get("Access-Control-Allow-Methods"), "GET,POST,OPTIONS,"+method)
		assert.Equal(t, "headers", res.Header.Get("Access-Control-Allow-Headers"), "authorization,x-token")
		assert.Equal(t, "credentials", res.Header.Get("Access-Control-Allow-Credentials"), "true")
		res = ask(t, method, p.url, "Origin", page, "X-Token", "x")
		assert.Equal(t, "real answer", res.StatusCode, http.StatusBadRequest)
		assert.Equal(t, "readable", res.Header.Get("Access-Control-Allow-Origin"), page)
	}
}
