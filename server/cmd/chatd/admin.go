package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"scalable-chat/server/internal/api"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/stream"
)

// asked is what the flags of chatd admin say.
type asked struct {
	url    string
	asJSON bool
	room   string
	before string
	after  string
	limit  int
	as     string
	name   string
	id     string
}

// command is one command of chatd admin.
type command struct {
	takes   string // what follows its flags, for people, behind [optional] if it may be left out; empty: nothing
	flags   func(*asked, *flag.FlagSet)
	request func(a *asked, arg string) request
	show    func(to io.Writer, a *asked, answer []byte) error
}

// optional precedes the name of what may be left out.
const optional = "?"

var commands = map[string]command{
	"publish":   {"MESSAGE", forPublish, publish, show(isStored, printStored)},
	"history":   {"", forHistory, history, show(isPast, printPast)},
	"rooms":     {"", forRooms, rooms, show(areRooms, printRooms)},
	"top":       {"", forTop, top, show(isTop, printTop)},
	"nodes":     {"", func(*asked, *flag.FlagSet) {}, nodes, show(areNodes, printNodes)},
	"people":    {"", forRoom, people, show(arePeople, printPeople)},
	"log-level": {optional + "LEVEL", func(*asked, *flag.FlagSet) {}, logLevel, showLevel},
}

const adminUsage = `chatd admin uses the HTTP API of a node (docs/API.md).

  chatd admin publish [--room ROOM] [--as USER-ID] [--name NAME] [--id ID] MESSAGE   (- reads the message from the input)
  chatd admin history [--room ROOM] [--before OFFSET] [--limit N]
  chatd admin rooms   [--after NAME] [--limit N]
  chatd admin top     [--limit N]                     the busiest rooms of this node
  chatd admin nodes
  chatd admin people  [--room ROOM]
  chatd admin log-level [LEVEL]                       debug, info, warn or error; only on a private port

Each takes --url URL, the address of a private port (the default is ` + defaultURL + `) or of a public one, and --json.
For a public port, the variable ` + config.AdminKey + ` holds the key. Without --room it is about the global room.
`

// defaultURL is that of OPS_ADDR=127.0.0.1:9100.
const defaultURL = "http://127.0.0.1:9100"

// admin runs chatd admin with the arguments after that word.
func admin(args []string, in io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 || slices.Contains([]string{"help", "--help", "-h"}, args[0]) {
		fmt.Fprint(stdout, adminUsage)
		return exitOK
	}
	c, known := commands[args[0]]
	if !known {
		fmt.Fprintf(stderr, "%q is no command.\n\n%s", args[0], adminUsage)
		return exitUsage
	}
	var a asked
	flags := flag.NewFlagSet("chatd admin "+args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&a.url, "url", defaultURL, "address of the node")
	flags.BoolVar(&a.asJSON, "json", false, "print the answer as it is")
	c.flags(&a, flags)
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	arg, err := c.argument(flags.Args(), in)
	if err = errors.Join(check(flags), err); err != nil {
		fmt.Fprintln(stderr, "chatd admin:", err)
		return exitUsage
	}
	if err := c.do(&a, arg, stdout); err != nil {
		fmt.Fprintln(stderr, "chatd admin:", visible(err.Error()))
		return exitFailed
	}
	return exitOK
}

// check refuses flags that are given without a value, as by a script whose variable is not set: a message for a user or a room
// would be one of the system or for everybody. The name of a room becomes part of a path, where another text has another meaning.
func check(flags *flag.FlagSet) (err error) {
	flags.Visit(func(f *flag.Flag) {
		switch value := f.Value.String(); {
		case value == "":
			err = fmt.Errorf("--%s is empty; leave it out", f.Name)
		case !utf8.ValidString(value):
			err = fmt.Errorf("--%s is no text in UTF-8", f.Name)
		case f.Name == roomFlag && value != globalRoom && !stream.ValidRoom(value):
			err = fmt.Errorf("--%s: %q is not the name of a room", f.Name, value)
		}
	})
	return err
}

// argument returns what follows the flags.
func (c command) argument(args []string, in io.Reader) (string, error) {
	switch {
	case c.takes == "" && len(args) > 0:
		return "", fmt.Errorf("unexpected argument %q", args[0])
	case len(args) == 0 && (c.takes == "" || strings.HasPrefix(c.takes, optional)):
		return "", nil
	case len(args) != 1:
		return "", fmt.Errorf("needs one %s after the flags, in quotes if it has spaces", strings.TrimPrefix(c.takes, optional))
	}
	text := args[0]
	if text == "-" {
		input, err := readAll(in)
		if err != nil {
			return "", fmt.Errorf("the input: %w", err)
		}
		text = strings.TrimSuffix(string(input), "\n")
	}
	if !utf8.ValidString(text) {
		return "", errors.New("the message is no text in UTF-8")
	}
	return text, nil
}

// do sends the request and prints the answer.
func (c command) do(a *asked, arg string, to io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	answer, err := c.request(a, arg).send(ctx, a.url, os.Getenv(config.AdminKey))
	if err != nil {
		return err
	}
	return c.show(to, a, answer)
}

const (
	roomFlag   = "room"
	globalRoom = "/" // the name of the global room on the command line
)

func forRoom(a *asked, f *flag.FlagSet) { f.StringVar(&a.room, roomFlag, "", "name of a room") }

func forPublish(a *asked, f *flag.FlagSet) {
	forRoom(a, f)
	f.StringVar(&a.as, "as", "", "id of the user who speaks; without it, the system")
	f.StringVar(&a.name, "name", "", "name of the user, or of the system")
	f.StringVar(&a.id, "id", "", "id of the message; a repeat with the same id is stored once")
}

func forHistory(a *asked, f *flag.FlagSet) {
	forRoom(a, f)
	f.StringVar(&a.before, "before", "", "offset; only older messages")
	f.IntVar(&a.limit, "limit", chat.HistoryMessages, "most messages")
}

func forRooms(a *asked, f *flag.FlagSet) {
	f.StringVar(&a.after, "after", "", "only names after this one")
	f.IntVar(&a.limit, "limit", api.DefaultRooms, "most rooms")
}

func forTop(a *asked, f *flag.FlagSet) { f.IntVar(&a.limit, "limit", api.DefaultTop, "most rooms") }

func publish(a *asked, message string) request {
	body := map[string]any{"message": message}
	if a.id != "" {
		body["id"] = a.id
	}
	switch {
	case a.as != "":
		body["user"] = map[string]string{"id": a.as, "name": a.name}
	case a.name != "":
		body["username"] = a.name
	}
	return request{path: a.inRoom("messages"), body: body}
}

func history(a *asked, _ string) request {
	query := url.Values{"limit": {fmt.Sprint(a.limit)}}
	if a.before != "" {
		query.Set("before", a.before)
	}
	return request{path: a.inRoom("messages"), query: query}
}

func rooms(a *asked, _ string) request {
	query := url.Values{"limit": {fmt.Sprint(a.limit)}}
	if a.after != "" {
		query.Set("after", a.after)
	}
	return request{path: []string{"rooms"}, query: query}
}

func top(a *asked, _ string) request {
	return request{path: []string{"top"}, query: url.Values{"limit": {fmt.Sprint(a.limit)}}}
}

// logLevel asks for the level of the log, after it has been set if one is given.
func logLevel(_ *asked, level string) request { return request{bare: "/log-level", put: level} }

func nodes(*asked, string) request { return request{path: []string{"nodes"}} }

func people(a *asked, _ string) request { return request{path: a.inRoom("people")} }

// inRoom is the path of something in the room that is asked for.
func (a *asked) inRoom(what string) []string {
	if a.room == "" || a.room == globalRoom {
		return []string{what}
	}
	return []string{"rooms", a.room, what}
}
