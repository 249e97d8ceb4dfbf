package config

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// origin is scheme://host[:port] as a browser sends it. A host may be a pattern.
var origin = regexp.MustCompile(`^([a-z][a-z0-9+.-]*)://([a-z0-9._*-]+|\[[0-9a-f:.]+\])(?::([0-9*]+))?$`)

// origins reads a list of origins in the form in which browsers send them. Addresses that no browser would ever send are
// refused: the pages there could not connect, and nobody would see why.
func origins(p *[]string) func(string) error {
	return func(s string) error {
		all, err := list(s, readOrigin)
		if err == nil && len(all) == 0 {
			err = errors.New("lists no origin; * allows all") // as an empty list would, unseen
		}
		*p = all
		return err
	}
}

// defaultPorts are those that a browser leaves out.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

func readOrigin(item string) (string, error) {
	o := strings.ToLower(item)
	switch {
	case o == "*", o == "null":
		return o, nil
	case o == "file://", o == "file:///": // pages that Electron reads from files
		return "file://", nil
	}
	m := origin.FindStringSubmatch(o)
	if m == nil || !validOriginPort(m[3]) || !validOriginHost(m[2]) {
		return "", fmt.Errorf("%q is not an origin such as https://example.org%s", item, originHint(o))
	}
	if m[3] != "" && m[3] == defaultPorts[m[1]] {
		return m[1] + "://" + m[2], nil
	}
	return o, nil
}

func validOriginPort(port string) bool {
	if port == "" || strings.Contains(port, "*") {
		return true
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535
}

func validOriginHost(host string) bool {
	if !strings.HasPrefix(host, "[") {
		return true
	}
	ip, err := netip.ParseAddr(bare(host))
	return err == nil && ip.Is6()
}

// originHint says what to write instead.
func originHint(o string) string {
	scheme, rest, found := strings.Cut(o, "://")
	if !found {
		scheme, rest = "https", o
	}
	host, _, _ := strings.Cut(rest, "/")
	switch better := scheme + "://" + host; {
	case strings.IndexFunc(host, func(r rune) bool { return r > 127 }) >= 0:
		return "; write the host as browsers send it, in Punycode (xn--…)"
	case !origin.MatchString(better):
		return ", without a path, or a scheme alone such as file://"
	case better == o:
		return ""
	case !found:
		return fmt.Sprintf("; write %s, or http:// if the page is not encrypted", better)
	default:
		return "; write " + better + ", without a path"
	}
}
