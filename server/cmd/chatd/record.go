package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"scalable-chat/server/internal/chat"
	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/sqlite"
)

const recordUsage = `chatd backup, export and erase work on the record that a node without Redis keeps in DATA_DIR (docs/RECORD.md).

  chatd backup FILE                  a copy of one moment, also while the node runs
  chatd export [--room ROOM] [FILE]  the messages as NDJSON, also while the node runs; without FILE to the output
  chatd erase  --user ID [--yes]     all messages of a user; the node must be stopped; without --yes they are only counted
  chatd erase  --room ROOM [--yes]   all messages of a room

Each takes --data-dir DIR; without it the settings say where the record is. The room / is the global one; without --room,
chatd export takes all rooms.
`

// onRecord is one run of a command on the record.
type onRecord struct {
	dir    string
	room   string // as [roomFlag] names it
	user   string
	yes    bool
	file   string    // what follows the flags; empty: nothing
	output io.Writer // for what is asked for
	notes  io.Writer // for people
}

// recordCommand is one command on the record.
type recordCommand struct {
	flags func(*onRecord, *flag.FlagSet)
	// wrong says what is missing or contradicts itself.
	wrong func(*onRecord) error
	do    func(context.Context, *onRecord) error
}

var recordCommands = map[string]recordCommand{
	"backup": {func(*onRecord, *flag.FlagSet) {}, needsFile, backup},
	"export": {inOneRoom, func(*onRecord) error { return nil }, export},
	"erase":  {whatToErase, needsOneOf, erase},
}

// errUnsure means that nothing was erased because nobody has agreed.
var errUnsure = errors.New("nothing was erased")

// record runs one of the commands on the record. args begin with its name.
func record(args []string, stdout, stderr io.Writer) int {
	name, r := args[0], &onRecord{output: stdout, notes: stderr}
	c := recordCommands[name]
	flags := flag.NewFlagSet("chatd "+name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, recordUsage) }
	flags.StringVar(&r.dir, "data-dir", "", "directory of the record")
	c.flags(r, flags)
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	if err := errors.Join(check(flags), r.take(flags.Args()), c.wrong(r), r.find()); err != nil {
		fmt.Fprintf(stderr, "chatd %s: %v\n", name, err)
		return exitUsage
	}
	switch err := c.do(untilSignal(), r); {
	case errors.Is(err, errUnsure):
		return exitUsage
	case errors.Is(err, sqlite.ErrInUse):
		fmt.Fprintf(stderr, "chatd %s: stop the node first: %v\n", name, err)
		return exitFailed
	case err != nil:
		fmt.Fprintf(stderr, "chatd %s: %v\n", name, err)
		return exitFailed
	}
	return exitOK
}

// take takes what follows the flags.
func (r *onRecord) take(args []string) error {
	switch {
	case len(args) > 1:
		return fmt.Errorf("unexpected argument %q; flags come first", args[1])
	case slices.Contains(args, ""):
		return errors.New("FILE is empty; leave it out")
	case len(args) == 1:
		r.file = args[0]
	}
	return nil
}

// find takes the directory from the settings, unless a flag has named it.
func (r *onRecord) find() error {
	if r.dir != "" {
		return nil
	}
	cfg, err := config.Load(nil)
	if err == nil && cfg.DataDir == "" {
		err = errors.New("by the settings there is no record in a directory (Redis, or DATA_DIR=off); --data-dir names one")
	}
	r.dir = cfg.DataDir
	return err
}

func inOneRoom(r *onRecord, f *flag.FlagSet) { f.StringVar(&r.room, roomFlag, "", "name of a room") }

func whatToErase(r *onRecord, f *flag.FlagSet) {
	inOneRoom(r, f)
	f.StringVar(&r.user, "user", "", "id of a user, as it is in the field from of messages")
	f.BoolVar(&r.yes, "yes", false, "erase")
}

func needsFile(r *onRecord) error {
	if r.file == "" {
		return errors.New("needs the FILE to write")
	}
	return nil
}

func needsOneOf(r *onRecord) error {
	switch {
	case r.file != "":
		return fmt.Errorf("unexpected argument %q", r.file)
	case (r.user == "") == (r.room == ""):
		return errors.New("needs either --user or --room")
	}
	return nil
}

func backup(ctx context.Context, r *onRecord) error {
	if err := sqlite.Backup(ctx, r.dir, r.file); err != nil {
		return err
	}
	saved, err := os.Stat(r.file)
	if err == nil {
		fmt.Fprintf(r.notes, "%s has the record, %d bytes.\n", r.file, saved.Size())
	}
	return err
}

// exported is a message as chatd export writes it.
type exported struct {
	Room     string `json:"room"`
	Offset   string `json:"offset"`
	At       int64  `json:"at"` // milliseconds since the epoch
	From     string `json:"from"`
	Verified bool   `json:"verified"`
	Username string `json:"username"`
	ID       string `json:"id"`
	Message  string `json:"message"`
}

func export(ctx context.Context, r *onRecord) error {
	if r.file == "" {
		return exportTo(ctx, r, r.output)
	}
	if _, err := os.Stat(r.file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists already", r.file)
	}
	draft := r.file + ".part"
	to, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(exportTo(ctx, r, to), to.Sync(), to.Close()); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return os.Rename(draft, r.file)
}

// exportTo writes a line for each message, room by room, each room in its order.
func exportTo(ctx context.Context, r *onRecord, to io.Writer) error {
	buffered := bufio.NewWriterSize(to, 1<<16)
	lines := json.NewEncoder(buffered)
	lines.SetEscapeHTML(false)
	n := 0
	err := sqlite.Entries(ctx, r.dir, internal(r.room), r.room == "", func(room string, e stream.Entry) error {
		m, ok := said(e)
		if !ok {
			return nil
		}
		n++
		return lines.Encode(exported{shown(room), m.Offset, m.At, m.From, m.Verified, m.Username, m.ID, m.Message})
	})
	if err = errors.Join(err, buffered.Flush()); err == nil {
		fmt.Fprintf(r.notes, "%d messages.\n", n)
	}
	return err
}

func erase(ctx context.Context, r *onRecord) error {
	n := 0
	hit := func(room string, event []byte) bool {
		hit := r.concerns(room, event)
		if hit && len(event) > 0 {
			n++
		}
		return hit
	}
	if !r.yes {
		err := sqlite.Entries(ctx, r.dir, internal(r.room), r.room == "", func(room string, e stream.Entry) error {
			hit(room, e.Event)
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(r.notes, "%d messages would be erased for ever; with --yes they are.\n", n)
		return errUnsure
	}
	if _, err := sqlite.Erase(ctx, r.dir, hit); err != nil {
		return err
	}
	fmt.Fprintf(r.notes, "%d messages are erased. Backups and exports may still have them.\n", n)
	return nil
}

// concerns reports whether an entry is of the room or the user. The first entry of a room has no event; it goes with the room.
func (r *onRecord) concerns(room string, event []byte) bool {
	if r.user == "" {
		return room == internal(r.room)
	}
	m, ok := said(stream.Entry{Event: event})
	return ok && m.From == r.user
}

// said reads the message in an entry; false if there is none.
func said(e stream.Entry) (chat.Message, bool) {
	return chat.Decode(chat.Entry{Offset: e.Offset.String(), At: int64(e.Offset.Ms), Args: e.Event})
}

// internal and shown translate the name of a room between the command line and the record.
func internal(room string) string {
	if room == globalRoom {
		return sqlite.Global
	}
	return room
}

func shown(room string) string {
	if room == sqlite.Global {
		return globalRoom
	}
	return room
}
