package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/assert"
)

// all is what [Entries] yields: the events of each room.
func all(t *testing.T, dir string) map[string][]string {
	t.Helper()
	events := map[string][]string{}
	assert.NoError(t, Entries(t.Context(), dir, "", true, func(room string, e stream.Entry) error {
		events[room] = append(events[room], string(e.Event))
		return nil
	}))
	return events
}

// TestP12_BackupIsARecordOfOneMoment: it is made while many speak. What was acked before it began is in it, and nothing twice. It
// is restored into a new directory, and into the old one.
func TestP12_BackupIsARecordOfOneMoment(t *testing.T) {
	s := open(t, Options{})
	j := &ledger{sent: map[string]string{}, acked: map[string]bool{}, left: 500, enough: make(chan struct{})}
	l := &load{store: s, stop: make(chan struct{}), sending: j.sending, acked: j.ack}
	var running sync.WaitGroup
	running.Go(func() { l.run(t.Context(), 3) })
	<-j.enough
	acked := j.soFar()
	file := filepath.Join(t.TempDir(), "backup.db")
	assert.NoError(t, Backup(t.Context(), s.opts.Dir, file))
	close(l.stop)
	running.Wait()
	assert.NoError(t, s.Close(t.Context()))
	for _, dir := range []string{t.TempDir(), s.opts.Dir} {
		assert.NoError(t, removeDatabase(filepath.Join(dir, databaseName)))
		content, err := os.ReadFile(file)
		assert.NoError(t, err)
		assert.NoError(t, os.WriteFile(filepath.Join(dir, databaseName), content, 0o600))
		restored, err := Open(t.Context(), Options{Dir: dir})
		assert.NoError(t, err)
		holds(t, restored, j.sent, acked)
		assert.NoError(t, restored.Close(t.Context()))
	}
}

// TestP12_BackupTouchesNoOtherFile: it does not overwrite, leaves nothing behind when it fails, and replaces what an earlier attempt
// has left.
func TestP12_BackupTouchesNoOtherFile(t *testing.T) {
	dir, to := used(t), t.TempDir()
	file := filepath.Join(to, "backup.db")
	assert.NoError(t, os.WriteFile(file+".part", []byte("half"), 0o600))
	assert.NoError(t, Backup(t.Context(), dir, file))
	before, err := os.ReadFile(file)
	assert.NoError(t, err)
	if err := Backup(t.Context(), dir, file); err == nil {
		t.Error("a backup replaced another one")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Backup(ended, dir, filepath.Join(to, "other.db")); err == nil {
		t.Error("a backup that was cut off succeeded")
	}
	if err := Backup(t.Context(), t.TempDir(), filepath.Join(to, "other.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error of a backup of nothing: %v", err)
	}
	after, err := os.ReadFile(file)
	assert.NoError(t, err)
	assert.Equal(t, "the backup is as it was", bytes.Equal(before, after), true)
	assert.Equal(t, "files", listing(t, to), listing(t, filepath.Dir(file)))
	names, err := os.ReadDir(to)
	assert.NoError(t, err)
	assert.Equal(t, "files", len(names), 1)
}

// TestP13_EntriesAreAllOfThem: of all rooms or of one, beyond one page, while a node runs.
func TestP13_EntriesAreAllOfThem(t *testing.T) {
	s := open(t, Options{})
	for _, name := range []string{Global, "cats", "cats2"} {
		mustSayAll(t, s, name, pageSize+10, 3)
	}
	events := all(t, s.opts.Dir)
	assert.Equal(t, "rooms", len(events), 3)
	for room, found := range events {
		assert.Equal(t, fmt.Sprintf("entries of %q", room), len(found), pageSize+11)
		n := 0
		assert.NoError(t, Entries(t.Context(), s.opts.Dir, room, false, func(of string, _ stream.Entry) error {
			assert.Equal(t, "room", of, room)
			n++
			return nil
		}))
		assert.Equal(t, "entries", n, len(found))
	}
}

// TestP13_ErasedIsGone: neither the entries nor their bytes are left in any file, and what is left is as it was.
func TestP13_ErasedIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(t.Context(), Options{Dir: dir})
	assert.NoError(t, err)
	for i := range 2500 {
		mustSayLater(t, s, []string{Global, "cats"}[i%2], fmt.Sprintf("kept %d", i))
		mustSayLater(t, s, []string{Global, "cats"}[i%2], fmt.Sprintf("forgotten-%d-%s", i, strings.Repeat("f", i%50)))
	}
	assert.NoError(t, s.Close(t.Context()))
	n, err := Erase(t.Context(), dir, func(_ string, event []byte) bool { return bytes.HasPrefix(event, []byte("forgotten")) })
	assert.NoError(t, err)
	assert.Equal(t, "erased", n, 2500)
	files, err := os.ReadDir(dir)
	assert.NoError(t, err)
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(dir, file.Name()))
		assert.NoError(t, err)
		if bytes.Contains(content, []byte("forgotten")) {
			t.Errorf("%s still has an erased event", file.Name())
		}
	}
	events := all(t, dir)
	assert.Equal(t, "entries left", len(events[Global])+len(events["cats"]), 2500+2)
	assert.NoError(t, open(t, Options{Dir: dir}).readers.do(t.Context(), (*conn).check))
}

// mustSayLater appends an event without waiting for its outcome.
func mustSayLater(t *testing.T, s *Store, name, event string) {
	t.Helper()
	room := s.Room(name)
	defer room.Close()
	assert.NoError(t, room.Append(t.Context(), event, []byte(event), func(_ stream.Offset, err error) { assert.NoError(t, err) }))
}
