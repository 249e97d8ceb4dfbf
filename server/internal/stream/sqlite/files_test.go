package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// say appends an event and waits until it is stored.
func say(t *testing.T, s *Store, name, key, event string) (stream.Offset, error) {
	t.Helper()
	room := s.Room(name)
	defer room.Close()
	type outcome struct {
		offset stream.Offset
		err    error
	}
	outcomes := make(chan outcome, 1)
	assert.NoError(t, room.Append(t.Context(), key, []byte(event), func(o stream.Offset, err error) { outcomes <- outcome{o, err} }))
	o := assert.Receive(t, "the outcome", outcomes)
	return o.offset, o.err
}

func mustSay(t *testing.T, s *Store, name, key, event string) stream.Offset {
	t.Helper()
	o, err := say(t, s, name, key, event)
	assert.NoError(t, err)
	return o
}

// used is a directory in which somebody has spoken. Nobody uses it any more.
func used(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(t.Context(), Options{Dir: dir})
	assert.NoError(t, err)
	mustSay(t, s, Global, "key", "event")
	assert.NoError(t, s.Close(t.Context()))
	return dir
}

// restorable returns a backup, and leaves the directory as a crash after it does: with a log.
func restorable(t *testing.T, dir string) string {
	t.Helper()
	backup, log := filepath.Join(dir, "backup.db"), filepath.Join(dir, databaseName+"-wal")
	assert.NoError(t, Backup(t.Context(), dir, backup))
	s, err := Open(t.Context(), Options{Dir: dir})
	assert.NoError(t, err)
	mustSay(t, s, Global, "later", "after the backup")
	content, err := os.ReadFile(log)
	assert.NoError(t, err)
	assert.NoError(t, s.Close(t.Context()))
	assert.NoError(t, os.WriteFile(log, content, 0o600))
	return backup
}

// TestP12_NeverASilentFreshStart: whatever is wrong with the directory, the node says so and touches nothing.
func TestP12_NeverASilentFreshStart(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   string
	}{
		"empty database": {func(t *testing.T, dir string) {
			assert.NoError(t, os.Truncate(filepath.Join(dir, databaseName), 0))
		}, "is empty or cut off"},
		"database cut off": {func(t *testing.T, dir string) {
			assert.NoError(t, os.Truncate(filepath.Join(dir, databaseName), 99))
		}, "is empty or cut off"},
		"database missing": {func(t *testing.T, dir string) {
			assert.NoError(t, os.Remove(filepath.Join(dir, databaseName)))
		}, "is missing, but the directory had one (identity)"},
		"log without its database": {func(t *testing.T, dir string) {
			assert.NoError(t, os.Remove(filepath.Join(dir, identityName)))
			assert.NoError(t, os.Rename(filepath.Join(dir, databaseName), filepath.Join(dir, databaseName+"-wal")))
		}, "is missing, but its write-ahead log is there"},
		"backup beside an old log": {func(t *testing.T, dir string) {
			assert.NoError(t, os.Rename(restorable(t, dir), filepath.Join(dir, databaseName)))
		}, "remove chat.db-wal and chat.db-shm"},
		"no database": {func(t *testing.T, dir string) {
			assert.NoError(t, os.WriteFile(filepath.Join(dir, databaseName), []byte(strings.Repeat("text ", 100)), 0o600))
		}, "is no SQLite database"},
		"database of another program": {func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, databaseName), 68, 0x12345678)
		}, "is the database of another program"},
		"newer version": {func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, databaseName), 60, schemaVersion+1)
		}, "is of a newer version of chatd"},
		"unknown version": {func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, databaseName), 60, 0)
		}, "has the unknown schema"},
		"another database": {func(t *testing.T, dir string) {
			assert.NoError(t, os.Rename(filepath.Join(used(t), databaseName), filepath.Join(dir, databaseName)))
		}, "is not the database of this directory"},
		"directory is a file": {func(t *testing.T, dir string) {
			assert.NoError(t, os.RemoveAll(dir))
			assert.NoError(t, os.WriteFile(dir, nil, 0o600))
		}, "not a directory"},
		"database is a directory": {func(t *testing.T, dir string) {
			assert.NoError(t, os.Remove(filepath.Join(dir, databaseName)))
			assert.NoError(t, os.Mkdir(filepath.Join(dir, databaseName), 0o700))
		}, "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := used(t)
			c.damage(t, dir)
			before := listing(t, dir)
			for range 2 { // the first attempt must not make way for the second
				s, err := Open(t.Context(), Options{Dir: dir})
				if err == nil {
					t.Fatal(errors.Join(errors.New("the node starts"), s.Close(t.Context())))
				}
				if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "DATA_DIR "+dir) {
					t.Errorf("error %q, want one with %q", err, c.want)
				}
			}
			assert.Equal(t, "files", listing(t, dir), before)
		})
	}
}

// overwrite changes a number in the header of a database.
func overwrite(t *testing.T, path string, at int64, number uint32) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	assert.NoError(t, err)
	_, err = file.WriteAt(binary.BigEndian.AppendUint32(nil, number), at)
	assert.NoError(t, errors.Join(err, file.Close()))
}

// listing is the names and sizes of the files in a directory, except those that SQLite makes to look at a database.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	_ = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if base := filepath.Base(path); err == nil && base != lockName && base != databaseName+"-shm" {
			all = append(all, fmt.Sprint(base, " ", info.Mode(), " ", info.Size()))
		}
		return nil
	})
	return strings.Join(all, "\n")
}

// TestP12_OneProcessUsesADirectory: a second one is told, and the first one goes on.
func TestP12_OneProcessUsesADirectory(t *testing.T) {
	s := open(t, Options{})
	if _, err := Open(t.Context(), Options{Dir: s.opts.Dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("error %v", err)
	}
	if _, err := Erase(t.Context(), s.opts.Dir, func(string, []byte) bool { return true }); !errors.Is(err, ErrInUse) {
		t.Errorf("error of Erase %v", err)
	}
	mustSay(t, s, Global, "", "event")
}

// TestP12_LeftoversAreNoRecord: a start that was cut off before the database was complete leaves nothing that matters.
func TestP12_LeftoversAreNoRecord(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{databaseName + ".new", databaseName + ".new-journal", identityName + ".new"} {
		assert.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600))
	}
	s := open(t, Options{Dir: dir})
	mustSay(t, s, Global, "", "event")
	assert.Equal(t, "the event", timeline(t, s, Global)["event"], 1)
}

// TestP12_ADatabaseWithoutIdentityIsTaken: the process ended before it could note the identity, or a backup is restored.
func TestP12_ADatabaseWithoutIdentityIsTaken(t *testing.T) {
	dir := used(t)
	id, err := os.ReadFile(filepath.Join(dir, identityName))
	assert.NoError(t, err)
	assert.NoError(t, os.Remove(filepath.Join(dir, identityName)))
	s := open(t, Options{Dir: dir})
	assert.Equal(t, "the event", timeline(t, s, Global)["event"], 1)
	again, err := os.ReadFile(filepath.Join(dir, identityName))
	assert.NoError(t, err)
	assert.Equal(t, "identity", string(again), string(id))
}

// TestP12_AFullDiskIsSaidAndPasses: appends are refused, reads go on, and once there is room again so do appends.
func TestP12_AFullDiskIsSaidAndPasses(t *testing.T) {
	d := newDisk(t, 1)
	s := open(t, Options{vfs: d.name, Logger: quiet})
	mustSay(t, s, "cats", "first", "first")
	d.fill(true)
	for range 3 {
		_, err := say(t, s, "cats", "second", "second")
		if !errors.Is(err, stream.ErrUnavailable) {
			t.Fatalf("error %v", err)
		}
	}
	assert.Equal(t, "degraded", s.Degraded(), "the record cannot be written: the disk is full")
	assert.Equal(t, "the first event", timeline(t, s, "cats")["first"], 1)
	d.fill(false)
	mustSay(t, s, "cats", "second", "second")
	assert.Equal(t, "degraded", s.Degraded(), "")
	mustSay(t, s, "cats", "first", "first")
	mustSay(t, s, "cats", "second", "second")
	assert.Equal(t, "events", fmt.Sprint(timeline(t, s, "cats")), fmt.Sprint(map[string]int{"": 1, "first": 1, "second": 1}))
}

// TestP12_ADeadDiskIsSaidAndPasses: every write fails until the disk is back.
func TestP12_ADeadDiskIsSaidAndPasses(t *testing.T) {
	d := newDisk(t, 1)
	s := open(t, Options{vfs: d.name, Logger: quiet})
	mustSay(t, s, "cats", "first", "first")
	d.wear(1)
	_, err := say(t, s, "cats", "second", "second")
	if !errors.Is(err, stream.ErrUnavailable) {
		t.Fatalf("error %v", err)
	}
	assert.Equal(t, "degraded", s.Degraded(), "the record cannot be written: see the log")
	d.wear(0)
	mustSay(t, s, "cats", "second", "second")
	assert.Equal(t, "degraded", s.Degraded(), "")
	assert.Equal(t, "events", fmt.Sprint(timeline(t, s, "cats")), fmt.Sprint(map[string]int{"": 1, "first": 1, "second": 1}))
}

// TestP12_AHangingDiskIsSaid: a commit does not return.
func TestP12_AHangingDiskIsSaid(t *testing.T) {
	d := newDisk(t, 1)
	s := open(t, Options{vfs: d.name})
	resume := d.stop()
	room := s.Room(Global)
	stored := make(chan error, 1)
	assert.NoError(t, room.Append(t.Context(), "", []byte("event"), func(_ stream.Offset, err error) { stored <- err }))
	assert.Eventually(t, "the node is degraded", func() bool {
		return s.Degraded() == "the record cannot be written: the disk does not answer"
	})
	resume()
	assert.NoError(t, assert.Receive(t, "the outcome", stored))
	assert.Equal(t, "degraded", s.Degraded(), "")
	room.Close()
}

// TestP12_DamageInsideIsFound: pages of the database are overwritten while no node runs.
func TestP12_DamageInsideIsFound(t *testing.T) {
	dir := used(t)
	path := filepath.Join(dir, databaseName)
	info, err := os.Stat(path)
	assert.NoError(t, err)
	for at := int64(4096 + 8); at < info.Size(); at += 4096 { // the cell pointers of each page but the first
		overwrite(t, path, at, 0xffffffff)
	}
	s, err := Open(t.Context(), Options{Dir: dir, Logger: quiet})
	if err != nil {
		return // so bad that it is found at once
	}
	assert.Eventually(t, "the damage is found", func() bool { return strings.HasPrefix(s.Degraded(), "the record is damaged") })
	assert.NoError(t, s.Close(context.Background()))
}

// TestP12_SecretStaysTheSame: the directory keeps one secret.
func TestP12_SecretStaysTheSame(t *testing.T) {
	dir := used(t)
	secrets := map[string]bool{}
	for range 3 {
		s, err := Open(t.Context(), Options{Dir: dir})
		assert.NoError(t, err)
		secret, err := s.Secret()
		assert.NoError(t, err)
		assert.Equal(t, "length", len(secret), 52)
		secrets[secret] = true
		assert.NoError(t, s.Close(t.Context()))
	}
	assert.Equal(t, "secrets", len(secrets), 1)
}
