package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/test/assert"
)

// chatd runs chatd as a process to its end.
func chatd(t *testing.T, args ...string) (code int, out, bad string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), child+"=1")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// mustChatd is chatd that succeeds; it returns what was printed.
func mustChatd(t *testing.T, args ...string) string {
	t.Helper()
	code, out, bad := chatd(t, args...)
	assert.Equal(t, strings.Join(args, " ")+": "+bad, code, exitOK)
	return out
}

// startRecord starts a node with a record of four messages, two of them by the user 7, and returns its directory.
func startRecord(t *testing.T) (p *process, dir string) {
	t.Helper()
	t.Setenv(config.AdminKey, adminTestKey)
	dir = filepath.Join(t.TempDir(), "data")
	p = start(t, "--api-keys="+adminTestKey, "--data-dir="+dir, "--drain-delay=0s")
	p.admin(t, exitOK, "publish", "--as=7", "--name=Ada", "of Ada <&> to all")
	p.admin(t, exitOK, "publish", "--as=8", "--name=Bob", "of Bob to all")
	p.admin(t, exitOK, "publish", "--room=cats", "--as=7", "--name=Ada", "--id=1", "of Ada to cats")
	p.admin(t, exitOK, "publish", "--room=cats2", "of the system")
	return p, dir
}

// stop ends the process in order.
func (p *process) stop(t *testing.T) {
	t.Helper()
	assert.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	assert.Equal(t, "exit code", p.ends(t), exitOK)
}

// texts are the messages of an export, in order.
func texts(t *testing.T, ndjson string) (all []string) {
	t.Helper()
	for line := range strings.Lines(ndjson) {
		var m exported
		assert.NoError(t, json.Unmarshal([]byte(line), &m))
		all = append(all, m.Room+" "+m.From+" "+m.Message)
	}
	return all
}

func TestP13_ExportHasEveryMessage(t *testing.T) {
	p, dir := startRecord(t)
	out := mustChatd(t, "export", "--data-dir="+dir)
	want := []string{"/ 7 of Ada <&> to all", "/ 8 of Bob to all", "cats 7 of Ada to cats", "cats2 ~system of the system"}
	assert.Equal(t, "messages", strings.Join(texts(t, out), "\n"), strings.Join(want, "\n"))
	cats := mustChatd(t, "export", "--room=cats", "--data-dir="+dir)
	assert.Equal(t, "of a room", strings.Join(texts(t, cats), "\n"), want[2])
	assert.Equal(t, "of the global room", len(texts(t, mustChatd(t, "export", "--room=/", "--data-dir="+dir))), 2)
	var line map[string]any
	assert.NoError(t, json.Unmarshal([]byte(cats), &line))
	for field, value := range map[string]any{"room": "cats", "from": "7", "verified": true, "username": "Ada", "id": "1", "message": "of Ada to cats"} {
		assert.Equal(t, field, line[field], value)
	}
	assert.Equal(t, "offset", line["offset"].(string), fmt.Sprintf("%.0f-0", line["at"]))
	p.stop(t)

	file := filepath.Join(t.TempDir(), "all.ndjson")
	t.Setenv("DATA_DIR", dir) // the settings say where it is
	mustChatd(t, "export", file)
	written, err := os.ReadFile(file)
	assert.NoError(t, err)
	assert.Equal(t, "file", string(written), out)
	code, _, bad := chatd(t, "export", file)
	assert.Equal(t, "over a file: "+bad, code, exitFailed)
}

// TestP12_BackupAndRestore: a backup that was made while a node runs has what was acked before; what came later is not in it.
func TestP12_BackupAndRestore(t *testing.T) {
	p, dir := startRecord(t)
	before := mustChatd(t, "export", "--data-dir="+dir)
	file := filepath.Join(t.TempDir(), "backup.db")
	mustChatd(t, "backup", "--data-dir="+dir, file)
	code, _, bad := chatd(t, "backup", "--data-dir="+dir, file)
	assert.Equal(t, "over a file: "+bad, code, exitFailed)
	p.admin(t, exitOK, "publish", "later")
	p.stop(t)
	for _, name := range []string{"chat.db-wal", "chat.db-shm"} {
		if err := os.Remove(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			assert.NoError(t, err)
		}
	}
	saved, err := os.ReadFile(file)
	assert.NoError(t, err)
	assert.NoError(t, os.WriteFile(filepath.Join(dir, "chat.db"), saved, 0o600))
	p = start(t, "--data-dir="+dir, "--drain-delay=0s")
	assert.Equal(t, "restored", mustChatd(t, "export", "--data-dir="+dir), before)
	p.stop(t)
}

func TestP13_EraseAUserOrARoom(t *testing.T) {
	p, dir := startRecord(t)
	code, _, bad := chatd(t, "erase", "--data-dir="+dir, "--user=7")
	assert.Equal(t, "without --yes", code, exitUsage)
	assert.Equal(t, "says what it would do: "+bad, strings.HasPrefix(bad, "2 messages would be erased"), true)
	code, _, bad = chatd(t, "erase", "--data-dir="+dir, "--user=7", "--yes")
	assert.Equal(t, "while the node runs", code, exitFailed)
	assert.Equal(t, "says what to do: "+bad, strings.Contains(bad, "stop the node first"), true)
	p.stop(t)
	mustChatd(t, "erase", "--data-dir="+dir, "--user=7", "--yes")
	assert.Equal(t, "left", strings.Join(texts(t, mustChatd(t, "export", "--data-dir="+dir)), "\n"), "/ 8 of Bob to all\ncats2 ~system of the system")
	for _, room := range []string{"cats2", "/"} {
		mustChatd(t, "erase", "--data-dir="+dir, "--room="+room, "--yes")
	}
	assert.Equal(t, "left", mustChatd(t, "export", "--data-dir="+dir), "")
	notIn(t, dir, "of Ada", "of Bob", "of the system", "cats2", "Ada")
	p = start(t, "--api-keys="+adminTestKey, "--data-dir="+dir, "--drain-delay=0s")
	p.admin(t, exitOK, "publish", "anew")
	p.admin(t, exitOK, "publish", "--room=cats2", "anew")
	assert.Equal(t, "messages", len(texts(t, mustChatd(t, "export", "--data-dir="+dir))), 2)
	p.stop(t)
}

// notIn checks that no file of a directory has one of the texts.
func notIn(t *testing.T, dir string, texts ...string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	assert.NoError(t, err)
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(dir, file.Name()))
		assert.NoError(t, err)
		for _, text := range texts {
			assert.Equal(t, file.Name()+" has "+text, bytes.Contains(content, []byte(text)), false)
		}
	}
}

func TestCommandsOnTheRecordRefuse(t *testing.T) {
	none := "--data-dir=" + filepath.Join(t.TempDir(), "none")
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"backup":                             {exitUsage, "needs the FILE"},
		"backup --help":                      {exitOK, "chatd erase"},
		"backup a b":                         {exitUsage, "unexpected"},
		"backup " + none + " a":              {exitFailed, "no such file"},
		"backup --data-dir= a":               {exitUsage, "--data-dir is empty"},
		"export " + none:                     {exitFailed, "no such file"},
		"export --room= " + none:             {exitUsage, "--room is empty"},
		"export --room=.. " + none:           {exitUsage, "not the name of a room"},
		"erase --yes " + none:                {exitUsage, "either --user or --room"},
		"erase --user=7 --room=a --yes":      {exitUsage, "either --user or --room"},
		"erase --user= --yes":                {exitUsage, "--user is empty"},
		"erase --user 7 --yes b":             {exitUsage, "unexpected"},
		"erase --user 7 --yes " + none:       {exitFailed, "no such file"},
		"erase --user 7 --yes=perhaps":       {exitUsage, "invalid boolean"},
		"export --password=a":                {exitUsage, "not defined"},
		"--data-dir=/dev/null --port=0":      {exitFailed, "DATA_DIR /dev/null"},
		"--data-dir=/dev/null/data --port=0": {exitFailed, "DATA_DIR /dev/null/data"},
	} {
		code, _, bad := chatd(t, strings.Fields(args)...)
		assert.Equal(t, args+": "+bad, code, want.code)
		assert.Equal(t, args+": "+bad, strings.Contains(bad, want.says), true)
	}
	t.Setenv("DATA_DIR", "off")
	code, _, bad := chatd(t, "export")
	assert.Equal(t, "without a record: "+bad, code, exitUsage)
}
