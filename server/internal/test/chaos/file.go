package chaos

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/stream/sqlite"
)

// rememberFile adds the present content of the file to the pasts of all rooms.
func (r *Scene) rememberFile() {
	r.t.Helper()
	pasts := map[string]*past{sqlite.Global: r.past}
	for _, room := range r.rooms {
		pasts[room.name] = room.past
	}
	for name, p := range pasts {
		prev := "0-0"
		err := r.readFile(name, func(e stream.Entry) (err error) {
			prev, err = p.keepEntry(e, prev)
			return err
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	// A room that nobody has spoken in is not in the file. All rooms begin at the same offset.
	for _, first := range r.past.order()[:1] {
		for _, p := range pasts {
			p.entries[first.at] = first
		}
	}
}

// readFile calls fn with the entries of a room, oldest first. Nodes may run.
func (r *Scene) readFile(room string, fn func(stream.Entry) error) error {
	return sqlite.Entries(context.Background(), r.dir, room, false, func(_ string, e stream.Entry) error { return fn(e) })
}

// newestInFile is the newest entry of the global room.
func (r *Scene) newestInFile() (at stream.Offset) {
	r.t.Helper()
	err := r.readFile(sqlite.Global, func(e stream.Entry) error {
		at = e.Offset
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return at
}

// keepEntry takes an entry of a file, where the order says which entry comes before it. It returns its offset.
func (p *past) keepEntry(e stream.Entry, prev string) (offset string, err error) {
	kept := entry{at: e.Offset, prev: "0-0"}
	if len(e.Event) > 0 {
		kept.prev = prev
		err = kept.readEvent(strings.ReplaceAll(string(e.Event), "\x00", "0"))
	}
	p.entries[e.Offset] = kept
	return e.Offset.String(), err
}

// checkFiles finds ids of sessions in the files: nothing of a session is stored.
func (r *Scene) checkFiles(ids []string) (faults []string) {
	files, err := os.ReadDir(r.dir)
	if err != nil {
		return []string{err.Error()}
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(r.dir, file.Name()))
		if err != nil {
			faults = append(faults, err.Error())
		}
		for _, id := range ids {
			if id != "" && strings.Contains(string(content), id) {
				faults = append(faults, file.Name()+" knows the session "+id)
			}
		}
	}
	return faults
}
