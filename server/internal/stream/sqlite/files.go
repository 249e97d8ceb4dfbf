package sqlite

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"scalable-chat/server/internal/stream"
)

// The files in DATA_DIR.
const (
	databaseName = "chat.db"  // SQLite adds -wal and -shm
	identityName = "identity" // holds the identity of the database: so a missing database is not taken for a new one
	secretName   = "secret"   // see [Store.Secret]
	lockName     = "lock"     // locked by the process that uses the directory
)

// What the database knows about itself.
const (
	identity  = "identity"
	beginning = "beginning" // see [conn.beginning]
)

// ErrInUse means that another process uses the directory.
var ErrInUse = errors.New("another process uses it")

// files are the files of a record, locked for this process.
type files struct {
	dir  string
	path string // of the database
	vfs  string
	lock *flock.Flock
}

// openFiles locks the directory and leaves a database in it that can be used: the one that is there, or a new one if there
// has never been one.
func openFiles(ctx context.Context, o Options) (_ *files, err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	f := &files{dir: o.Dir, path: filepath.Join(o.Dir, databaseName), vfs: o.vfs}
	if err := f.takeLock(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	there, err := f.look()
	if err != nil {
		return nil, err
	}
	if !there {
		if err := f.create(ctx, o); err != nil {
			return nil, fmt.Errorf("a new record cannot be made: %w", err)
		}
	}
	return f, f.verify(ctx)
}

func (f *files) takeLock() error {
	f.lock = flock.New(filepath.Join(f.dir, lockName), flock.SetPermissions(0o600))
	locked, err := f.lock.TryLock()
	if err == nil && !locked {
		err = ErrInUse
	}
	return err
}

// close gives the directory free.
func (f *files) close() { _ = f.lock.Close() }

// connect opens a connection to the database, which is there.
func (f *files) connect(ctx context.Context) (*conn, error) { return connect(ctx, f.path, f.vfs, "rw") }

// look reports whether there is a database, and fails if there is not although there was one, or if the file is not ours.
func (f *files) look() (there bool, err error) {
	_, err = os.Stat(f.path)
	switch {
	case err == nil:
		return true, isOurs(f.path)
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	for name, doubt := range map[string]string{
		identityName:          "the directory had one",
		databaseName + "-wal": "its write-ahead log is there",
	} {
		if _, err := os.Stat(filepath.Join(f.dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("%s is missing, but %s (%s): restore a backup, or remove that file to begin anew", databaseName, doubt, name)
		}
	}
	return false, nil
}

// headerSize is the size of the header of an SQLite file, in bytes (https://sqlite.org/fileformat.html, section 1.3).
const headerSize = 100

// isOurs reads the header of a file before SQLite does, which would take an empty file for a new database.
func isOurs(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var header [headerSize]byte
	if _, err := io.ReadFull(file, header[:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s is empty or cut off: restore a backup", filepath.Base(path))
	} else if err != nil {
		return err
	}
	if string(header[:16]) != "SQLite format 3\x00" {
		return fmt.Errorf("%s is no SQLite database", filepath.Base(path))
	}
	if id := binary.BigEndian.Uint32(header[68:]); id != applicationID {
		return fmt.Errorf("%s is the database of another program (application id %#x)", filepath.Base(path), id)
	}
	return ownsLog(path, header[18])
}

// withoutLog is what the header of a database says that has no write-ahead log: a backup that nobody opened yet.
const withoutLog = 1

// ownsLog checks that the write-ahead log beside a database is not that of the one whose place it took. SQLite would mix them.
func ownsLog(path string, format byte) error {
	info, err := os.Stat(path + "-wal")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && format == withoutLog && info.Size() > 0:
		name := filepath.Base(path)
		return fmt.Errorf("%[1]s is a backup beside the write-ahead log of another database: remove %[1]s-wal and %[1]s-shm", name)
	}
	return err
}

// create makes an empty database. It gets its name only when it is whole and on the disk.
func (f *files) create(ctx context.Context, o Options) error {
	draft := f.path + ".new"
	if err := removeDatabase(draft); err != nil {
		return err
	}
	if err := fill(ctx, draft, o); err != nil {
		return err
	}
	return publish(draft, f.path)
}

// fill makes an empty database of the global room.
func fill(ctx context.Context, path string, o Options) error {
	c, err := connect(ctx, path, "", "rwc")
	if err != nil {
		return err
	}
	err = c.Exec(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, schemaVersion))
	if err == nil {
		err = c.Exec("BEGIN;" + schema)
	}
	if err == nil {
		err = c.note(identity, rand.Text())
	}
	if err == nil {
		err = c.beginAfter(stream.Offset{}.At(o.Now()))
	}
	if err == nil {
		err = c.Exec("COMMIT")
	}
	return errors.Join(err, c.close(), os.Chmod(path, 0o600))
}

// verify checks that this version can use the database, and that it is the one of this directory.
func (f *files) verify(ctx context.Context) error {
	c, err := f.connect(ctx)
	if err != nil {
		return err
	}
	id, err := usable(c)
	if err == nil {
		err = c.Exec("PRAGMA journal_mode = WAL")
	}
	if err := errors.Join(err, c.close()); err != nil {
		return err
	}
	path := filepath.Join(f.dir, identityName)
	known, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return keep(path, id)
	case err != nil:
		return err
	case strings.TrimSpace(string(known)) != id:
		return fmt.Errorf("%s is not the database of this directory: if you put it there, remove the file %s", databaseName, identityName)
	}
	return nil
}

// usable returns the identity of the database if this version can use it.
func usable(c *conn) (id string, err error) {
	version, err := c.number("PRAGMA user_version")
	switch {
	case err != nil:
		return "", err
	case version > schemaVersion:
		return "", fmt.Errorf("%s is of a newer version of chatd (schema %d, this one knows %d)", databaseName, version, schemaVersion)
	case version != schemaVersion:
		return "", fmt.Errorf("%s has the unknown schema %d", databaseName, version)
	}
	if readOnly, _ := c.ReadOnly("main"); readOnly {
		return "", fmt.Errorf("%s cannot be written", databaseName)
	}
	return c.about(identity)
}

// keep writes a line to a file, which has it as a whole or not at all.
func keep(path, line string) error {
	draft := path + ".new"
	if err := os.WriteFile(draft, []byte(line+"\n"), 0o600); err != nil {
		return err
	}
	return publish(draft, path)
}

// publish gives a finished file its name. Whoever finds a file of that name finds it whole, also after a power cut.
func publish(draft, path string) error {
	if err := syncFile(draft); err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Secret returns a secret of 52 characters that belongs to the directory. It is made once and kept in a file beside the
// database, so that no backup holds it.
func (s *Store) Secret() (string, error) {
	path := filepath.Join(s.files.dir, secretName)
	known, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(known)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	secret := rand.Text() + rand.Text()
	return secret, keep(path, secret)
}

// removeDatabase removes what is left of a database that was not finished.
func removeDatabase(path string) error {
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		if err := removeIfThere(path + suffix); err != nil {
			return err
		}
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncFile has the disk take the content of a file.
func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
