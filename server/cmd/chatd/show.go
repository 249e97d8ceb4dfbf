package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"

	"scalable-chat/server/internal/api"
	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/stream"
)

var errForeign = errors.New("the answer is not one of the chat server's HTTP API; is the address right?")

// show prints an answer as it is, or for people, in columns. It trusts it in nothing: whoever answers at the address may not be a
// chat server, and most texts are what somebody typed.
func show[T any](sound func(*asked, T) bool, print func(io.Writer, T)) func(io.Writer, *asked, []byte) error {
	return func(to io.Writer, a *asked, text []byte) error {
		answer, err := decode[T](text)
		if err != nil || !sound(a, answer) {
			return errForeign
		}
		if a.asJSON { // where JSON allows control characters, they are only spaces
			_, err = io.WriteString(to, escape(string(text), func(r rune) bool { return r < 0x7f || unicode.IsPrint(r) }))
			return err
		}
		columns := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
		print(columns, answer)
		return columns.Flush()
	}
}

func isStored(_ *asked, s chat.Stored) bool { return s.Status == api.OK }

func printStored(to io.Writer, s chat.Stored) {
	fmt.Fprintf(to, "stored\t%s\t%s\n", moment(s.At), visible(s.ID))
}

// isPast reports whether all messages have offsets, older than the one that was given: who follows the pages comes to an end.
func isPast(a *asked, p chat.Past) bool {
	before, given := stream.ParseOffset(a.before)
	for _, m := range p.Messages {
		at, err := stream.ParseOffset(m.Offset)
		if err != nil || given == nil && at.Compare(before) >= 0 {
			return false
		}
	}
	return p.Status == api.OK
}

func printPast(to io.Writer, p chat.Past) {
	for _, m := range p.Messages {
		fmt.Fprintf(to, "%s\t%s\t%s\t%s\t%s\n", m.Offset, moment(m.At), visible(m.From), named(m.Username, m.Verified), visible(m.Message))
	}
	if p.More && len(p.Messages) > 0 {
		fmt.Fprintf(to, "older ones: --before %s\n", p.Messages[0].Offset)
	}
}

// areRooms reports whether all names are those of rooms, after the one that was given.
func areRooms(a *asked, r api.Rooms) bool {
	for _, room := range r.Rooms {
		if !stream.ValidRoom(room.Name) || room.Name <= a.after {
			return false
		}
	}
	return r.Rooms != nil
}

func printRooms(to io.Writer, r api.Rooms) {
	for _, room := range r.Rooms {
		fmt.Fprintf(to, "%s\t%d online\n", room.Name, room.Online)
	}
	if n := len(r.Rooms); r.More && n > 0 {
		fmt.Fprintf(to, "more: --after %s\n", r.Rooms[n-1].Name)
	}
}

// isTop reports whether all names are those of rooms.
func isTop(_ *asked, t api.Top) bool {
	for _, room := range t.Rooms {
		if room.Name != globalRoom && !stream.ValidRoom(room.Name) {
			return false
		}
	}
	return t.Rooms != nil
}

func printTop(to io.Writer, t api.Top) {
	for _, room := range t.Rooms {
		fmt.Fprintf(to, "%s\t%d sockets\t%.2f messages/s\t%.0f bytes/s\t%.0f deliveries/s\n",
			room.Name, room.Sockets, room.Messages, room.Bytes, room.Deliveries)
	}
}

// showLevel prints the level of a log, with --json as JSON.
func showLevel(to io.Writer, a *asked, text []byte) error {
	var level slog.Level
	if level.UnmarshalText(bytes.TrimSpace(text)) != nil {
		return errForeign
	}
	form := "%s\n"
	if a.asJSON {
		form = "%q\n"
	}
	_, err := fmt.Fprintf(to, form, strings.ToLower(level.String()))
	return err
}

func areNodes(_ *asked, n api.Nodes) bool { return n.Nodes != nil }

func printNodes(to io.Writer, n api.Nodes) {
	for _, node := range n.Nodes {
		self := ""
		if node.Self {
			self = "(this one)"
		}
		fmt.Fprintf(to, "%s\t%s\t%d connections\t%s\n", visible(node.ID), visible(node.Address), node.Connections, self)
	}
}

func arePeople(_ *asked, p chat.People) bool { return p.People != nil }

func printPeople(to io.Writer, p chat.People) {
	fmt.Fprintf(to, "%d online\n", p.Total)
	for _, person := range p.People {
		fmt.Fprintf(to, "%s\t%s\n", visible(person.ID), named(person.Name, person.Verified))
	}
}

// named marks a name that nobody else can have typed, and quotes one that somebody has, so that it cannot look like the mark.
func named(name string, verified bool) string {
	if verified {
		return visible(name) + " (verified)"
	}
	return strconv.Quote(name)
}

func moment(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05") }

// visible shows what others wrote without letting it control the terminal.
func visible(text string) string { return escape(text, unicode.IsPrint) }

// escape replaces all characters that are not harmless by what stands for them in JSON.
func escape(text string, harmless func(rune) bool) string {
	var shown strings.Builder
	for _, r := range text {
		if harmless(r) {
			shown.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&shown, `\u%04x`, unit)
		}
	}
	return shown.String()
}
