package engineio

import (
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"github.com/zishang520/engine.io/v2/types"
)

// handshake is the little that is kept of the request that opened a session.
type handshake struct {
	uri       string
	webSocket bool // the session was opened as WebSocket
}

// keptURI is the longest URI that is kept with its query, in bytes.
const keptURI = 1 << 10

func newHandshake(r *http.Request, webSocket bool) handshake {
	uri := r.RequestURI
	if len(uri) > keptURI {
		uri, _, _ = strings.Cut(uri, "?")
		uri = uri[:min(len(uri), keptURI)]
	}
	return handshake{uri: strings.Clone(uri), webSocket: webSocket}
}

// Request is the request of the handshake as far as it is kept: path, and the query unless it is long. The library reads
// it while it handles CONNECT; it is made for that and then dropped.
func (s *Session) Request() *types.HttpContext {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.context != nil {
		return s.context
	}
	r, err := http.NewRequest(http.MethodGet, s.request.uri, nil)
	if err != nil { // it was parsed before
		r = &http.Request{Method: http.MethodGet}
	}
	r.RequestURI, r.Header, r.RemoteAddr = s.request.uri, http.Header{}, s.address
	c := types.NewHttpContext(noResponse{}, r)
	c.Flush() // ends the goroutine that waits for the request's end
	if s.busy {
		s.context = c
	}
	return c
}

// noResponse is the answer to a request that was answered long ago.
type noResponse struct{}

func (noResponse) Header() http.Header         { return http.Header{} }
func (noResponse) Write(p []byte) (int, error) { return len(p), nil }
func (noResponse) WriteHeader(int)             {}

// Origins are the origins from which browsers may connect. The zero value allows all of them.
type Origins struct {
	patterns []*regexp.Regexp // none: all
}

// NewOrigins allows the given origins, in which * stands for any characters but a slash. An origin "*" allows all. An
// empty list allows all, too. Requests without Origin do not come from a browser's page and are not judged by it.
func NewOrigins(patterns []string) Origins {
	var o Origins
	for _, p := range patterns {
		if p == "*" {
			return Origins{}
		}
		if !strings.HasSuffix(p, "://") { // as in file://, the origin of Electron's pages
			p = strings.TrimSuffix(p, "/")
		}
		expr := strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, `[^/]*`)
		o.patterns = append(o.patterns, regexp.MustCompile(`(?i)^`+expr+`$`))
	}
	return o
}

// cors sets the CORS headers, on errors too: without them a browser would show a network error instead of the answer.
func (o Origins) cors(h http.Header, r *http.Request) (allowed bool) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if len(o.patterns) == 0 {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
	}
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET,POST,OPTIONS")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
			h.Add("Vary", "Access-Control-Request-Headers")
		}
		h.Set("Access-Control-Max-Age", "600")
	}
	for _, p := range o.patterns {
		if p.MatchString(origin) {
			return true
		}
	}
	return len(o.patterns) == 0
}

// Proxies are the networks whose X-Forwarded-For is believed.
type Proxies []netip.Prefix

// client is the address of the client: the peer's, or, behind trusted proxies, the last one that they did not add
// themselves.
func (p Proxies) client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(forwarded) - 1; i >= 0 && p.contains(host); i-- {
		addr, ok := forwardedAddr(strings.TrimSpace(forwarded[i]))
		if !ok {
			break
		}
		host = addr.Unmap().String()
	}
	return strings.Clone(host)
}

// forwardedAddr reads one entry of X-Forwarded-For, to which some proxies add the port.
func forwardedAddr(entry string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(entry); err == nil {
		return addr, true
	}
	addrPort, err := netip.ParseAddrPort(entry)
	return addrPort.Addr(), err == nil
}

func (p Proxies) contains(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, prefix := range p {
		if prefix.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}
