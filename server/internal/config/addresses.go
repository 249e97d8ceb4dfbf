package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// hostName is a name that a resolver may know. Underscores are no part of the standard, but of container names.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

// validHost reports whether h is a host name or an IP address without brackets.
func validHost(h string) bool {
	if _, err := netip.ParseAddr(h); err == nil {
		return true
	}
	return len(h) <= 253 && hostName.MatchString(h)
}

// bare takes the brackets off an IPv6 address.
func bare(host string) string {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			return inner
		}
	}
	return host
}

// withoutScheme removes http:// before an address and a slash after it.
func withoutScheme(s string) string {
	if len(s) > 7 && strings.EqualFold(s[:7], "http://") {
		s = s[7:]
	}
	return strings.TrimSuffix(s, "/")
}

// listenHost reads the host that the server listens on. All addresses are written as *, 0.0.0.0, :: or nothing.
func listenHost(p *string) func(string) error {
	return func(s string) error {
		host := bare(withoutScheme(s))
		switch {
		case host == "*":
			*p = ""
		case validHost(host):
			*p = host
		default:
			if host, port, err := net.SplitHostPort(withoutScheme(s)); err == nil {
				return fmt.Errorf("must be a host name or an IP address alone; write HOST=%s and PORT=%s", host, port)
			}
			return errors.New("must be a host name or an IP address, such as 127.0.0.1, ::1 or localhost")
		}
		return nil
	}
}

// port reads the number of a port, with or without the colon before it.
func port(p *int, low int) func(string) error {
	return func(s string) error { return number(p, low, 65535)(strings.TrimPrefix(s, ":")) }
}

// servicePort reads a port, or takes the port out of the address that Kubernetes puts into REDIS_PORT.
func servicePort(p *int) func(string) error {
	return func(s string) error {
		if link := serviceLink.FindStringSubmatch(s); link != nil {
			s = link[1]
		}
		return port(p, 1)(s)
	}
}

// address reads host:port. If reachable, other nodes connect to it, so neither all addresses nor port 0 is valid.
func address(p *string, reachable bool) func(string) error {
	return func(s string) error {
		host, port, err := net.SplitHostPort(withoutScheme(s))
		if err != nil {
			return errors.New("must be host:port" + addressHint(withoutScheme(s)))
		}
		if host == "*" {
			host = ""
		}
		n, bad := strconv.ParseUint(port, 10, 16)
		ip, notIP := netip.ParseAddr(host)
		switch {
		case bad != nil:
			return errors.New("must be host:port, with the port as a number from 0 to 65535")
		case host != "" && !validHost(host):
			return errors.New("must be host:port, with a host name or an IP address")
		case reachable && (host == "" || n == 0 || (notIP == nil && ip.IsUnspecified())):
			return errors.New("must name both host and port, because other nodes connect to it")
		}
		*p = net.JoinHostPort(host, port)
		return nil
	}
}

// addressHint says what to write instead of an address that cannot be split into host and port.
func addressHint(s string) string {
	ip, err := netip.ParseAddr(bare(s))
	switch {
	case onlyDigits.MatchString(s):
		return "; write 127.0.0.1:" + s
	case err == nil && ip.Is6():
		return fmt.Sprintf("; write [%s]:8000", ip)
	case validHost(s):
		return fmt.Sprintf("; write %s:8000", s)
	case strings.Contains(s, "://"):
		return ", without a scheme; nodes speak plain HTTP"
	}
	return ", such as 10.0.0.5:8000 or [fd00::5]:8000"
}

// serverAddress returns the host:port of a Redis; the default port is 6379.
func serverAddress(s string) (string, error) {
	u, err := url.Parse("//" + s)
	if err != nil || u.Host != s || !validHost(u.Hostname()) || strings.Contains(u.Hostname(), ":") && s[0] != '[' {
		return "", errors.New("needs host or host:port, several joined by commas, IPv6 in brackets; special characters of a password must be percent-encoded")
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", errors.New("needs a port from 1 to 65535")
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}
