package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"scalable-chat/server/internal/config"
	"scalable-chat/server/internal/test/assert"
)

// manual returns the shell commands of each section of docs/RECORD.md, by heading.
func manual(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "RECORD.md"))
	assert.NoError(t, err)
	blocks := map[string][]string{}
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		heading, text, _ := strings.Cut(section, "\n")
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
			blocks[heading] = append(blocks[heading], block[1])
		}
	}
	return blocks
}

// bench is a directory in which somebody follows the manual.
type bench struct {
	dir     string
	data    string // the record that the node uses
	node    *process
	section map[string][]string
}

// newBench has chatd in the path of its commands.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), section: manual(t)}
	b.data = filepath.Join(b.dir, "data")
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", child, os.Args[0])
	assert.NoError(t, os.WriteFile(filepath.Join(b.dir, "chatd"), []byte(script), 0o700))
	t.Setenv("PATH", b.dir+":"+os.Getenv("PATH"))
	t.Setenv(config.AdminKey, adminTestKey)
	t.Setenv("DATA_DIR", "data")
	return b
}

// start starts the node, as it is after a reboot or an update.
func (b *bench) start(t *testing.T) {
	t.Helper()
	b.node = start(t, "--api-keys="+adminTestKey, "--drain-delay=0s", "--data-dir="+b.data)
}

// says publishes a message of a user.
func (b *bench) says(t *testing.T, room, user, text string) {
	t.Helper()
	b.node.admin(t, exitOK, "publish", "--room="+room, "--as="+user, "--name=Ada", text)
}

// follow runs the next block of commands of a section.
func (b *bench) follow(t *testing.T, heading string) {
	t.Helper()
	if len(b.section[heading]) == 0 {
		t.Fatalf("%s has no more commands", heading)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", b.section[heading][0])
	if b.section[heading] = b.section[heading][1:]; len(b.section[heading]) == 0 {
		delete(b.section, heading)
	}
	cmd.Dir = b.dir
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err, heading+": "+string(out))
}

// record is what the record has.
func (b *bench) record(t *testing.T) string {
	t.Helper()
	return strings.Join(texts(t, mustChatd(t, "export", "--data-dir="+b.data)), "\n")
}

// file is a file that a command has written.
func (b *bench) file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	assert.NoError(t, err)
	return string(text)
}

// TestTheManualOfTheRecord follows docs/RECORD.md, all of its commands, and checks that they do what it says.
func TestTheManualOfTheRecord(t *testing.T) {
	const ada, bob, cats = "/ 42 of Ada", "/ 7 of Bob", "cats 42 in cats"
	b := newBench(t)
	b.start(t)
	b.says(t, "/", "42", "of Ada")
	b.says(t, "/", "7", "of Bob")
	b.says(t, "cats", "42", "in cats")
	b.follow(t, "Back up")
	b.follow(t, "Export")
	assert.Equal(t, "export", strings.Join(texts(t, b.file(t, "everything.ndjson")), "\n"), ada+"\n"+bob+"\n"+cats)
	assert.Equal(t, "export of a room", strings.Join(texts(t, b.file(t, "cats.ndjson")), "\n"), cats)
	b.says(t, "/", "7", "later")
	b.node.stop(t)

	b.follow(t, "Restore")
	b.start(t)
	assert.Equal(t, "restored", b.record(t), ada+"\n"+bob+"\n"+cats)
	b.says(t, "cats", "7", "of Bob in cats")
	b.node.stop(t)

	b.follow(t, "Erase")
	assert.Equal(t, "after erasing", b.record(t), bob)
	notIn(t, b.data, "of Ada", "cats")

	secret := b.file(t, "data/secret")
	b.follow(t, "Move to another machine")
	assert.NoError(t, os.RemoveAll(b.data))
	b.follow(t, "Move to another machine")
	b.start(t)
	assert.Equal(t, "after moving", b.record(t), bob)
	assert.Equal(t, "the secret of guests", b.file(t, "data/secret"), secret)
	b.node.stop(t)
	assert.Equal(t, "sections that were not followed", len(b.section), 0)
}

// TestTheManualShowsWhatAnExportHas: the line in it is one that chatd could have written.
func TestTheManualShowsWhatAnExportHas(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "RECORD.md"))
	assert.NoError(t, err)
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(page)
	var line exported
	assert.NoError(t, json.Unmarshal(block[1], &line))
	same, err := json.Marshal(line)
	assert.NoError(t, err)
	assert.Equal(t, "line", string(same)+"\n", string(block[1]))
}
