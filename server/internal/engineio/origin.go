package engineio

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Origins are the origins from which browsers may connect. The zero value allows all of them.
type Origins struct {
	patterns []*regexp.Regexp // none: all
}

// NewOrigins allows the given origins, in which * matches any characters but a slash. The origin "*" and an empty list allow
// all. Requests without an Origin header do not come from a page and are allowed.
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

// listed reports whether there is a list, and the origin is on it.
func (o Origins) listed(origin string) bool {
	return slices.ContainsFunc(o.patterns, func(p *regexp.Regexp) bool { return p.MatchString(origin) })
}

// cors checks the origin of a request and sets the CORS headers, for refusals too: without them a browser would report a network
// error instead of the answer. Credentials are allowed for listed origins only, not where all origins are.
func (s *Server) cors(h http.Header, r *http.Request) (allowed bool) {
	o, origin := s.opts.Origins, r.Header.Get("Origin")
	all := len(o.patterns) == 0
	if !all {
		h.Add("Vary", "Origin")
	}
	if origin == "" {
		return true
	}
	allowed = all || o.listed(origin) || s.opts.Proxies.own(r, origin)
	if all {
		origin = "*"
	} else if allowed {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if r.Method == http.MethodOptions {
		preflight(h, r)
	}
	return allowed
}

// preflight allows whatever a page wants to send, so that the page can read the answer, except the headers that proxies set.
func preflight(h http.Header, r *http.Request) {
	const served = "GET,POST,OPTIONS"
	methods := served
	if asked := r.Header.Get("Access-Control-Request-Method"); asked != "" {
		if !slices.Contains(strings.Split(served, ","), asked) {
			methods += "," + asked
		}
		h.Add("Vary", "Access-Control-Request-Method")
	}
	h.Set("Access-Control-Allow-Methods", methods)
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		names := slices.DeleteFunc(strings.Split(asked, ","), isForwarded)
		h.Set("Access-Control-Allow-Headers", strings.Join(names, ","))
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	h.Set("Access-Control-Max-Age", "600")
}

func isForwarded(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	return name == "forwarded" || strings.HasPrefix(name, "x-forwarded-")
}

// Proxies are the networks whose X-Forwarded-For, -Host and -Proto are believed.
type Proxies []netip.Prefix

// client is the address of the client: the peer's, or behind trusted proxies the last forwarded address that is not a proxy's.
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

// own reports whether a request was sent to its own origin. The host is that of the request; trusted proxies may report another
// host, and the scheme. Without a reported scheme, http and https both match.
func (p Proxies) own(r *http.Request, origin string) bool {
	from, err := url.Parse(origin)
	if err != nil || from.Host == "" {
		return false
	}
	scheme := plainScheme(from.Scheme)
	if scheme != "http" && scheme != "https" {
		return false
	}
	host := r.Host
	if peer, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && p.contains(peer) {
		if told := firstOf(r.Header.Get("X-Forwarded-Proto")); told != "" && plainScheme(told) != scheme {
			return false
		}
		if told := firstOf(r.Header.Get("X-Forwarded-Host")); told != "" {
			host = told
		}
	}
	to := url.URL{Scheme: scheme, Host: host}
	return strings.EqualFold(from.Hostname(), to.Hostname()) && portOf(from.Port(), scheme) == portOf(to.Port(), scheme)
}

// plainScheme is the scheme of the HTTP request that opens a WebSocket.
func plainScheme(scheme string) string {
	switch scheme = strings.ToLower(scheme); scheme {
	case "ws":
		return "http"
	case "wss":
		return "https"
	}
	return scheme
}

func portOf(port, scheme string) string {
	switch {
	case port != "":
		return port
	case scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// firstOf is the first entry of a list: that of the proxy nearest to the client.
func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
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
