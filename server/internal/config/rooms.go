package config

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Rooms says which rooms there are beside the global one, and what they may take.
type Rooms struct {
	Patterns []string // of the names that may be opened; * stands for any characters; none: there is only the global room
	Listed   []string // names that everybody is told; each matches a pattern

	Max              int           // open on a node
	MaxPerConnection int           // that one connection is in
	Window           int           // entries kept of each, for recovery and history
	Bytes            int           // of messages of all of them that a node keeps in memory
	TTL              time.Duration // how long a room is kept without a message and without members
}

// Enabled reports whether there is any room beside the global one.
func (r Rooms) Enabled() bool { return len(r.Patterns) > 0 }

// Permits reports whether a room of this name may be opened.
func (r Rooms) Permits(name string) bool {
	return slices.ContainsFunc(r.Patterns, func(pattern string) bool {
		match, err := path.Match(pattern, name) // names have no slash, and patterns no other wildcard
		return err == nil && match
	})
}

// off, in place of a list, means that it is empty.
const off = "off"

// maxListed bounds the public list, which every client may ask for.
const maxListed = 100

var (
	roomName    = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,64}$`)
	roomPattern = regexp.MustCompile(`^[A-Za-z0-9._~*-]{1,64}$`)
)

// roomPatterns reads patterns of room names.
func roomPatterns(p *[]string) func(string) error {
	return roomList(p, func(item string) bool { return roomPattern.MatchString(item) && item != "." && item != ".." },
		"letters, digits and . _ ~ - and *, at most 64")
}

// roomNames reads names of rooms.
func roomNames(p *[]string) func(string) error {
	return roomList(p, func(item string) bool { return roomName.MatchString(item) && item != "." && item != ".." },
		"letters, digits and . _ ~ - only, at most 64")
}

func roomList(p *[]string, valid func(string) bool, words string) func(string) error {
	return func(s string) error {
		if strings.EqualFold(s, off) {
			*p = nil
			return nil
		}
		all, err := list(s, func(item string) (string, error) {
			if !valid(item) {
				return "", fmt.Errorf("%q must be %s", item, words)
			}
			return item, nil
		})
		switch {
		case err != nil:
			return err
		case len(all) == 0:
			return errors.New("lists no room; write off for none")
		}
		*p = all
		return nil
	}
}

// settleListed removes from the default list what may not be opened, and returns a problem for each name that was asked for.
func (c *Config) settleListed(given bool) (problems []string) {
	var listed []string
	for _, name := range c.Rooms.Listed {
		switch {
		case slices.Contains(listed, name):
		case c.Rooms.Permits(name):
			listed = append(listed, name)
		case given:
			problems = append(problems, fmt.Sprintf("ROOMS_LISTED: %s does not match ROOMS", name))
		}
	}
	c.Rooms.Listed = listed
	if len(listed) > maxListed {
		problems = append(problems, fmt.Sprintf("ROOMS_LISTED: %d names are more than %d", len(listed), maxListed))
	}
	return problems
}
