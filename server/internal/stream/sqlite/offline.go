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
	if err := removeIfThere(draft); err != nil {
		return err
	}
	err = os.WriteFile(draft, nil, 0o600) // SQLite would let others read it
	if err == nil {
		err = c.query(nil, `VACUUM INTO ?`, draft)
	}
	if err == nil {
		err = publish(draft, file)
	}
	if err != nil {
		return errors.Join(err, removeIfThere(draft))
	}
	return nil
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

// Entries calls fn with every entry of a room or, if all is set, of all rooms, room by room, in order. It may run while a node
// uses the directory. It does not stop the node's clean-up of its log for longer than a page of entries takes to read.
func Entries(ctx context.Context, dir, room string, all bool, fn func(room string, e stream.Entry) error) error {
	c, err := existing(ctx, dir)
	if err != nil {
		return err
	}
	defer c.close()
	err = c.walk(room, func(page []placed) error {
		for _, p := range page {
			if !all && p.room != room {
				return errEnough
			}
			if err := fn(p.room, p.entry); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// errEnough ends a walk before its end.
var errEnough = errors.New("enough")

// placed is an entry with its room.
type placed struct {
	room  string
	entry stream.Entry
}

// walk calls visit with the entries of all rooms, page by page, room by room from the given one on, each room in its order. visit may
// delete them.
func (c *conn) walk(from string, visit func(page []placed) error) error {
	for at := (placed{room: from}); ; {
		page, err := c.page(at)
		if err != nil {
			return err
		}
		if err := visit(page); err != nil || len(page) < pageSize {
			return err
		}
		at = page[len(page)-1]
	}
}

// page returns the entries after one, which may be in another room.
func (c *conn) page(after placed) (page []placed, err error) {
	ms, seq := limited(after.entry.Offset)
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
	err = c.walk(Global, func(page []placed) error {
		n, err := c.erase(page, match)
		erased += n
		return err
	})
	if err != nil {
		return erased, err
	}
	return erased, c.scrub()
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
		ms, seq := limited(p.entry.Offset)
		if err := c.query(nil, `DELETE FROM entry WHERE room = ? AND ms = ? AND seq = ?`, p.room, ms, seq); err != nil {
			return 0, errors.Join(err, c.Exec("ROLLBACK"))
		}
		erased++
	}
	return erased, c.Exec("COMMIT")
}
