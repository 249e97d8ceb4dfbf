package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// minWindow is the smallest window: a client that polls must not fall out of it between two polls.
const minWindow = 50

var streamKey = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,100}$`)

// Each of the functions below returns a reader that checks one value and stores it.

func text(p *string) func(string) error {
	return func(s string) error {
		*p = s
		return nil
	}
}

// directory reads the name of a directory, "" for off.
func directory(p *string) func(string) error {
	return func(s string) error {
		if strings.EqualFold(s, off) {
			s = ""
		}
		*p = s
		return nil
	}
}

func number(p *int, low, high int) func(string) error {
	return func(s string) error {
		n, err := strconv.Atoi(strings.ReplaceAll(s, "_", "")) // 10_000
		if err != nil || n < low || n > high {
			return fmt.Errorf("must be a whole number from %d to %d", low, high)
		}
		*p = n
		return nil
	}
}

// units are the units of bytes. A kB is 1,000 bytes, as the standards say.
var units = map[string]int{"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}

var sizeForm = regexp.MustCompile(`^([0-9_]{1,15}) ?([a-z]*)$`)

// size reads a number of bytes, with or without a unit.
func size(p *int, low, high int) func(string) error {
	return func(s string) error {
		m := sizeForm.FindStringSubmatch(strings.ToLower(s))
		if m != nil && units[m[2]] > 0 {
			n, err := strconv.Atoi(strings.ReplaceAll(m[1], "_", ""))
			if err == nil && n <= high/units[m[2]] && n*units[m[2]] >= low {
				*p = n * units[m[2]]
				return nil
			}
		}
		return fmt.Errorf("must be a number of bytes from %d to %d, such as 65536, 64KiB or 1MB", low, high)
	}
}

func boolean(p *bool) func(string) error {
	return func(s string) error {
		switch strings.ToLower(s) {
		case "true", "1", "yes", "on", "t", "y", "enabled":
			*p = true
		case "false", "0", "no", "off", "f", "n", "disabled":
			*p = false
		default:
			return errors.New("must be true or false")
		}
		return nil
	}
}

func clusterMode(p *ClusterMode) func(string) error {
	return func(s string) error {
		if strings.EqualFold(s, "auto") {
			*p = ClusterAuto
			return nil
		}
		var yes bool
		if boolean(&yes)(s) != nil {
			return errors.New("must be auto, true or false")
		}
		*p = ClusterNo
		if yes {
			*p = ClusterYes
		}
		return nil
	}
}

func oneOf(p *string, values ...string) func(string) error {
	return func(s string) error {
		s = strings.ToLower(s)
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
		levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "warning": slog.LevelWarn, "error": slog.LevelError, "err": slog.LevelError}
		l, ok := levels[strings.ToLower(s)]
		if !ok {
			return errors.New("must be debug, info, warn or error")
		}
		*p = l
		return nil
	}
}

func networks(p *[]netip.Prefix) func(string) error {
	return func(s string) error {
		all, err := list(s, readNetwork)
		*p = all
		return err
	}
}

func readNetwork(item string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(bare(item)); err == nil && ip.Zone() == "" {
		ip = ip.Unmap() // as the addresses of clients are
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	network, err := netip.ParsePrefix(item)
	if err != nil {
		return network, fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address such as 10.0.0.1", item)
	}
	if ip := network.Addr(); ip.Is4In6() && network.Bits() >= 96 {
		network = netip.PrefixFrom(ip.Unmap(), network.Bits()-96)
	}
	return network.Masked(), nil
}

// list reads the items of a value; empty ones are skipped. Commas separate them; spaces and line breaks do too, and
// quotes around an item are dropped, since no item can contain them.
func list[T any](s string, read func(string) (T, error)) ([]T, error) {
	var all []T
	var problems []string
	for item := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		if item = strings.Trim(item, `"'`); item == "" {
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

// The functions below replace what the log must not show.

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

// fileName shows a path as it is, and only the size of a PEM text that was given in its place.
func fileName(s string) string {
	if strings.Contains(s, "-----BEGIN") {
		return present(s)
	}
	return s
}

// withoutPassword removes the credentials from an address, even from a malformed one.
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
