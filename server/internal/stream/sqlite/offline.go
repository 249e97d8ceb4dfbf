package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"

	"scalable-chat/server/internal/stream"
)

// pageSize is how many entries are read or looked at at once by what goes through the whole record.
const pageSize = 1000

// Backup writes the record of a directory, as it is at one moment, to a file, which must not exist yet. It may run while a node
// uses the directory. The file appears when it is complete and on the disk.
func Backup(ctx context.Context, dir, file string) error {
	c, err := existing(ctx, dir)
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists already", file)
	}
	draft := file + ".part"
	if err := os.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err = os.WriteFile(draft, nil, 0o600) // SQLite would let others read it
	if err == nil {
		err = errors.Join(c.copyTo(draft), syncFile(draft))
	}
	if err == nil {
		err = os.Rename(draft, file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return syncDir(filepath.Dir(file))
}

// existing opens the database of a directory that has one. ctx ends what the connection does.
func existing(ctx context.Context, dir string) (*conn, error) {
	f := &files{dir: dir, path: filepath.Join(dir, databaseName)}
	if err := isOurs(f.path); err != nil {
		return nil, err
	}
	c, err := f.connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := usable(c); err != nil {
		return nil, errors.Join(err, c.close())
	}
	c.SetInterrupt(ctx)
	return c, nil
}

// copyTo writes a copy of the database to a new file.
func (c *conn) copyTo(file string) error {
	s, err := c.prepared(`VACUUM INTO ?`, file)
	if err != nil {
		return err
	}
	return s.Exec()
}

// Entries calls fn with every entry of a room or, if all is set, of all rooms, room by room, in order. It may run while a node
// uses the directory. It does not stop the node's clean-up of its log for longer than a page of entries takes to read.
func Entries(ctx context.Context, dir, room string, all bool, fn func(room string, e stream.Entry) error) error {
	c, err := existing(ctx, dir)
	if err != nil {
		return err
	}
	defer c.close()
	at := place{room: room}
	for {
		page, err := c.page(at)
		if err != nil {
			return err
		}
		for _, p := range page {
			if !all && p.room != room {
				return nil
			}
			if err := fn(p.room, p.entry); err != nil {
				return err
			}
		}
		if len(page) < pageSize {
			return nil
		}
		last := page[len(page)-1]
		at = place{last.room, last.entry.Offset}
	}
}

// place is a position in the order of all rooms and their entries.
type place struct {
	room   string
	offset stream.Offset
}

// placed is an entry with its room.
type placed struct {
	room  string
	entry stream.Entry
}

// page returns the entries after a place.
func (c *conn) page(after place) (page []placed, err error) {
	ms, seq := limited(after.offset)
	err = c.query(func(s *sqlite3.Stmt) { page = append(page, placed{s.ColumnText(3), entry(s)}) },
		`SELECT ms, seq, event, room FROM entry WHERE (room, ms, seq) > (?, ?, ?) ORDER BY room, ms, seq LIMIT ?`,
		after.room, ms, seq, pageSize)
	return page, err
}

// Erase deletes the entries of a directory that match, all rooms', and returns how many. No node may use the directory: then it is
// [ErrInUse]. Afterwards neither the database nor its log has the deleted bytes; backups still have them. It writes the whole
// database anew, so meanwhile it takes as much space again.
func Erase(ctx context.Context, dir string, match func(room string, event []byte) bool) (erased int, err error) {
	if _, err := os.Stat(dir); err != nil {
		return 0, err
	}
	f := &files{dir: dir}
	if err := f.takeLock(); err != nil {
		return 0, err
	}
	defer f.close()
	c, err := existing(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer c.close()
	newest, err := c.newest()
	if err != nil {
		return 0, err
	}
	// First of all, so that no later entry gets the offset of an erased one.
	if err := c.beginAfter(newest); err != nil {
		return 0, err
	}
	for at := (place{}); ; {
		page, err := c.page(at)
		if err != nil {
			return erased, err
		}
		n, err := c.erase(page, match)
		erased += n
		if err != nil {
			return erased, err
		}
		if len(page) < pageSize {
			return erased, c.scrub()
		}
		last := page[len(page)-1]
		at = place{last.room, last.entry.Offset}
	}
}

// scrub removes every byte that is no part of the database any more. Deleted entries are overwritten, but copies may be left
// that SQLite made when it moved them between pages.
func (c *conn) scrub() error {
	if err := c.Exec("VACUUM"); err != nil {
		return err
	}
	return c.flush()
}

// erase deletes the entries of a page that match.
func (c *conn) erase(page []placed, match func(room string, event []byte) bool) (erased int, err error) {
	if err := c.Exec("BEGIN IMMEDIATE"); err != nil {
		return 0, err
	}
	for _, p := range page {
		if !match(p.room, p.entry.Event) {
			continue
		}
		s, err := c.prepared(`DELETE FROM entry WHERE room = ? AND ms = ? AND seq = ?`, p.room, int64(p.entry.Offset.Ms), int64(p.entry.Offset.Seq))
		if err == nil {
			err = s.Exec()
		}
		if err != nil {
			return 0, errors.Join(err, c.Exec("ROLLBACK"))
		}
		erased++
	}
	return erased, c.Exec("COMMIT")
}
