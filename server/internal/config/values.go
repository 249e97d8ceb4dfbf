package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of the durations. Shorter ones only burn the processor, longer ones are typing errors.
const (
	minTimeout = 10 * time.Millisecond
	minPing    = 100 * time.Millisecond // the edge looks every few milliseconds
	maxTimeout = time.Hour
	maxAppend  = time.Minute // well within the two minutes after which the edge gives a session up whose message hangs
	maxDedupe  = 7 * 24 * time.Hour
)

// minWindow is the smallest window: somebody who polls must not fall out of it between two polls.
const minWindow = 50

var (
	streamKey = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,100}$`)
	origin    = regexp.MustCompile(`^(\*|null|[a-z][a-z0-9+.-]*://[^/\s,]+)$`)
)

// Each of the functions below returns a reader that checks one value and stores it.

func text(p *string) func(string) error {
	return func(s string) error {
		*p = s
		return nil
	}
}

func number(p *int, low, high int) func(string) error {
	return func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > high {
			return fmt.Errorf("must be a whole number from %d to %d", low, high)
		}
		*p = n
		return nil
	}
}

func boolean(p *bool) func(string) error {
	return func(s string) error {
		switch strings.ToLower(s) {
		case "true", "1", "yes", "on":
			*p = true
		case "false", "0", "no", "off":
			*p = false
		default:
			return errors.New("must be true or false")
		}
		return nil
	}
}

func duration(p *time.Duration, low, high time.Duration) func(string) error {
	return func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < low || d > high {
			return fmt.Errorf("must be a duration with its unit (such as 500ms, 20s, 10m) from %v to %v", low, high)
		}
		*p = d
		return nil
	}
}

func oneOf(p *string, values ...string) func(string) error {
	return func(s string) error {
		if !slices.Contains(values, s) {
			return fmt.Errorf("must be one of %s", strings.Join(values, ", "))
		}
		*p = s
		return nil
	}
}

func matching(p *string, form *regexp.Regexp, words string) func(string) error {
	return func(s string) error {
		if !form.MatchString(s) {
			return errors.New("must be " + words)
		}
		*p = s
		return nil
	}
}

func atLeast(p *string, chars int) func(string) error {
	return func(s string) error {
		if len(s) < chars {
			return fmt.Errorf("must have at least %d characters", chars)
		}
		*p = s
		return nil
	}
}

func level(p *slog.Level) func(string) error {
	return func(s string) error {
		levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
		l, ok := levels[strings.ToLower(s)]
		if !ok {
			return errors.New("must be debug, info, warn or error")
		}
		*p = l
		return nil
	}
}

// address reads host:port. Of one that others connect to both must be given: neither all addresses nor any port will do.
func address(p *string, reachable bool) func(string) error {
	return func(s string) error {
		host, port, err := net.SplitHostPort(s)
		n, bad := strconv.ParseUint(port, 10, 16)
		switch {
		case err != nil || bad != nil:
			return errors.New("must be host:port")
		case reachable && (host == "" || n == 0):
			return errors.New("must be host:port, both given")
		}
		*p = s
		return nil
	}
}

func origins(p *[]string) func(string) error {
	return func(s string) error {
		all, err := list(s, func(item string) (string, error) {
			item = strings.ToLower(item)
			if !origin.MatchString(item) {
				return "", fmt.Errorf("%q is no origin such as https://example.org, without a path", item)
			}
			return item, nil
		})
		if err == nil && len(all) == 0 {
			err = errors.New("lists no origin; * allows all") // as an empty list would, unseen
		}
		*p = all
		return err
	}
}

func networks(p *[]netip.Prefix) func(string) error {
	return func(s string) error {
		all, err := list(s, func(item string) (netip.Prefix, error) {
			if ip, err := netip.ParseAddr(item); err == nil {
				return netip.PrefixFrom(ip, ip.BitLen()), nil
			}
			network, err := netip.ParsePrefix(item)
			if err != nil {
				return network, fmt.Errorf("%q is no network such as 10.0.0.0/8", item)
			}
			return network.Masked(), nil
		})
		*p = all
		return err
	}
}

// list reads the items of a comma-separated value; empty ones are skipped.
func list[T any](s string, read func(string) (T, error)) ([]T, error) {
	var all []T
	var problems []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		value, err := read(item)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		all = append(all, value)
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	return all, nil
}

// How the log shows what it must not repeat.

func secret(s string) string {
	if s == "" {
		return ""
	}
	return "***"
}

func present(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("(%d bytes)", len(s))
}

// withoutPassword cuts the credentials out of an address, whatever is wrong with the rest of it.
func withoutPassword(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return s
	}
	scheme, _, ok := strings.Cut(s[:at], "://")
	if !ok {
		return "***" + s[at:]
	}
	return scheme + "://***" + s[at:]
}
