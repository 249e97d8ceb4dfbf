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
	"text/tabwriter"
	"time"
	"unicode"

	"scalable-chat/server/internal/api"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/config"
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
	takes   string // what follows its flags, for people; empty: nothing
	flags   func(*asked, *flag.FlagSet)
	request func(a *asked, arg string) request
	print   func(to io.Writer, answer []byte) error
}

var commands = map[string]command{
	"publish": {"MESSAGE", forPublish, publish, show(printStored)},
	"history": {"", forHistory, history, show(printPast)},
	"rooms":   {"", forRooms, rooms, show(printRooms)},
	"nodes":   {"", func(*asked, *flag.FlagSet) {}, nodes, show(printNodes)},
	"people":  {"", forRoom, people, show(printPeople)},
}

const adminUsage = `chatd admin uses the HTTP API of a node (docs/API.md).

  chatd admin publish [--room ROOM] [--as USER-ID] [--name NAME] [--id ID] MESSAGE   (- reads the message from the input)
  chatd admin history [--room ROOM] [--before OFFSET] [--limit N]
  chatd admin rooms   [--after NAME] [--limit N]
  chatd admin nodes
  chatd admin people  [--room ROOM]

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
	if err != nil {
		fmt.Fprintln(stderr, "chatd admin:", err)
		return exitUsage
	}
	if err := c.do(&a, arg, stdout); err != nil {
		fmt.Fprintln(stderr, "chatd admin:", err)
		return exitFailed
	}
	return exitOK
}

// argument returns what follows the flags.
func (c command) argument(args []string, in io.Reader) (string, error) {
	switch {
	case c.takes == "" && len(args) > 0:
		return "", fmt.Errorf("unexpected argument %q", args[0])
	case c.takes == "":
		return "", nil
	case len(args) != 1:
		return "", fmt.Errorf("needs one %s after the flags, in quotes if it has spaces", c.takes)
	case args[0] != "-":
		return args[0], nil
	}
	text, err := io.ReadAll(io.LimitReader(in, maxAnswer))
	return strings.TrimSuffix(string(text), "\n"), err
}

// do sends the request and prints the answer.
func (c command) do(a *asked, arg string, to io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	answer, err := c.request(a, arg).send(ctx, a.url, os.Getenv(config.AdminKey))
	if err != nil {
		return err
	}
	if a.asJSON {
		_, err = to.Write(answer)
		return err
	}
	return c.print(to, answer)
}

func forRoom(a *asked, f *flag.FlagSet) { f.StringVar(&a.room, "room", "", "name of a room") }

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
	f.IntVar(&a.limit, "limit", 100, "most rooms")
}

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
	return request{path: []string{"rooms"}, query: url.Values{"limit": {fmt.Sprint(a.limit)}, "after": {a.after}}}
}

func nodes(*asked, string) request { return request{path: []string{"nodes"}} }

func people(a *asked, _ string) request { return request{path: a.inRoom("people")} }

// inRoom is the path of something in the room that is asked for.
func (a *asked) inRoom(what string) []string {
	if a.room == "" {
		return []string{what}
	}
	return []string{"rooms", a.room, what}
}

func printStored(to io.Writer, s chat.Stored) {
	fmt.Fprintf(to, "stored\t%s\t%s\n", moment(s.At), visible(s.ID))
}

func printPast(to io.Writer, p chat.Past) {
	for _, m := range p.Messages {
		fmt.Fprintf(to, "%s\t%s\t%s\t%s\t%s\n", m.Offset, moment(m.At), visible(m.From), named(m.Username, m.Verified), visible(m.Message))
	}
	if p.More {
		fmt.Fprintf(to, "older ones: --before %s\n", p.Messages[0].Offset)
	}
}

func printRooms(to io.Writer, r api.Rooms) {
	for _, room := range r.Rooms {
		fmt.Fprintf(to, "%s\t%d online\n", visible(room.Name), room.Online)
	}
	if r.More {
		fmt.Fprintf(to, "more: --after %s\n", visible(r.Rooms[len(r.Rooms)-1].Name))
	}
}

func printNodes(to io.Writer, n api.Nodes) {
	for _, node := range n.Nodes {
		self := ""
		if node.Self {
			self = "(this one)"
		}
		fmt.Fprintf(to, "%s\t%s\t%d connections\t%s\n", visible(node.ID), visible(node.Address), node.Connections, self)
	}
}

func printPeople(to io.Writer, p chat.People) {
	fmt.Fprintf(to, "%d online\n", p.Total)
	for _, person := range p.People {
		fmt.Fprintf(to, "%s\t%s\n", visible(person.ID), named(person.Name, person.Verified))
	}
}

// named marks a name that nobody else can have typed.
func named(name string, verified bool) string {
	if verified {
		return visible(name) + " (verified)"
	}
	return visible(name)
}

func moment(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05") }

// visible shows what others wrote without letting it control the terminal.
func visible(text string) string {
	var shown strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			shown.WriteRune(r)
		} else {
			fmt.Fprintf(&shown, `\u%04x`, r)
		}
	}
	return shown.String()
}

// show prints an answer for people, in columns.
func show[T any](print func(io.Writer, T)) func(io.Writer, []byte) error {
	return func(to io.Writer, text []byte) error {
		answer, err := decode[T](text)
		if err != nil {
			return err
		}
		columns := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
		print(columns, answer)
		return columns.Flush()
	}
}
