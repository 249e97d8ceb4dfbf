package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Bounds of the durations. Shorter ones waste CPU time; longer ones are typing errors.
const (
	minTimeout = 10 * time.Millisecond
	minPing    = 100 * time.Millisecond // the edge looks every few milliseconds
	maxTimeout = time.Hour
	// minKeepAlive is longer than the forwarders of other nodes keep a connection (10 s).
	minKeepAlive = 15 * time.Second

	maxAppend = time.Minute // well within the two minutes after which the edge ends a session whose message is stuck
	maxDedupe = 7 * 24 * time.Hour

	maxRoomTTL   = 3650 * 24 * time.Hour
	maxRetention = 36500 * 24 * time.Hour
)

// unitNames maps the names that people write to the units that [time.ParseDuration] knows.
var unitNames = map[string]string{
	"ms": "ms", "msec": "ms", "msecs": "ms", "millis": "ms", "millisecond": "ms", "milliseconds": "ms",
	"s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
	"m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
	"h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
}

var (
	onlyDigits = regexp.MustCompile(`^[0-9]+$`)
	durations  = regexp.MustCompile(`^([0-9.]+ ?[a-zµ]+ ?)+$`)
	quantity   = regexp.MustCompile(`([0-9.]+) ?([a-zµ]+)`)
)

// duration reads a number and its unit, or several of them. A number alone is refused: Socket.IO counts these times in
// milliseconds, most other programs in seconds.
func duration(p *time.Duration, low, high time.Duration) func(string) error {
	return func(s string) error {
		d, err := parseDuration(strings.ToLower(s))
		if err == nil && d >= low && d <= high {
			*p = d
			return nil
		}
		hint := ""
		if onlyDigits.MatchString(s) && s != "0" {
			hint = fmt.Sprintf("; write %ss or %sms", s, s)
		}
		return fmt.Errorf("must be a duration with its unit (such as 500ms, 20s, 10m) from %v to %v%s", low, high, hint)
	}
}

// parseDuration accepts, beyond [time.ParseDuration], days, spaces and units that are written out.
func parseDuration(s string) (time.Duration, error) {
	if !durations.MatchString(s) {
		return time.ParseDuration(s)
	}
	var sum time.Duration
	for _, part := range quantity.FindAllStringSubmatch(s, -1) {
		number, unit, days := part[1], part[2], time.Duration(1)
		if unit == "d" || unit == "day" || unit == "days" {
			unit, days = "h", 24
		}
		if name, ok := unitNames[unit]; ok {
			unit = name
		}
		d, err := time.ParseDuration(number + unit)
		if err != nil {
			return 0, err
		}
		if days > 1 && d > maxRetention/24 {
			return 0, strconv.ErrRange // before it overflows
		}
		sum += d * days
	}
	return sum, nil
}
