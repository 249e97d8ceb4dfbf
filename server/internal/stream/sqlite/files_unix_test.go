//go:build unix

package sqlite

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

// opening, set to a directory, makes the test binary a process that opens a store there and prints what is wrong.
const opening = "SQLITE_TEST_OPEN"

// TestP12_NeverASilentFreshStart_WithoutPermission: the directory, or a file in it, may not be written or read.
func TestP12_NeverASilentFreshStart_WithoutPermission(t *testing.T) {
	if dir := os.Getenv(opening); dir != "" {
		s, err := Open(t.Context(), Options{Dir: dir})
		fmt.Println("opened:", err)
		if err == nil {
			_ = s.Close(t.Context())
		}
		return
	}
	for name, c := range map[string]struct {
		file string // in the directory; empty: the directory
		mode os.FileMode
	}{
		"read-only directory":   {"", 0o555},
		"unreadable directory":  {"", 0o000},
		"read-only database":    {databaseName, 0o444},
		"unreadable database":   {databaseName, 0o000},
		"unreadable identity":   {identityName, 0o000},
		"lock of somebody else": {lockName, 0o000},
	} {
		t.Run(name, func(t *testing.T) {
			dir := used(t)
			path := filepath.Join(dir, c.file)
			assert.NoError(t, os.Chmod(path, c.mode))
			t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
			out := openAsNobody(t, dir)
			if !strings.Contains(out, "opened: DATA_DIR "+dir) {
				t.Errorf("the process said:\n%s", out)
			}
		})
	}
}

// openAsNobody opens the directory in a process for which permissions count, and returns its output.
func openAsNobody(t *testing.T, dir string) string {
	t.Helper()
	binary := os.Args[0]
	attr := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		const nobody = 65534
		public := t.TempDir()
		content, err := os.ReadFile(binary)
		assert.NoError(t, err)
		binary = filepath.Join(public, "test")
		assert.NoError(t, os.WriteFile(binary, content, 0o755))
		for _, path := range []string{public, dir} {
			for p := path; p != filepath.Dir(p) && p != os.TempDir(); p = filepath.Dir(p) {
				if p != dir {
					assert.NoError(t, os.Chmod(p, 0o755))
				}
			}
		}
		assert.NoError(t, filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
			return os.Lchown(path, nobody, nobody)
		}))
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	cmd := exec.Command(binary, "-test.run=^TestP12_NeverASilentFreshStart_WithoutPermission$")
	cmd.Env = append(os.Environ(), opening+"="+dir)
	cmd.Dir = filepath.Dir(binary)
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err)
	return string(out)
}

// TestP12_NobodyElseReadsTheRecord, also in a directory that others may read.
func TestP12_NobodyElseReadsTheRecord(t *testing.T) {
	dir := t.TempDir()
	assert.NoError(t, os.Chmod(dir, 0o755))
	s := open(t, Options{Dir: dir})
	mustSay(t, s, Global, "", "private")
	_, err := s.Secret()
	assert.NoError(t, err)
	assert.NoError(t, Backup(t.Context(), dir, filepath.Join(dir, "backup.db")))
	for _, name := range []string{databaseName, databaseName + "-wal", secretName, "backup.db"} {
		info, err := os.Stat(filepath.Join(dir, name))
		assert.NoError(t, err)
		assert.Equal(t, name, info.Mode().Perm(), 0o600)
	}
}
