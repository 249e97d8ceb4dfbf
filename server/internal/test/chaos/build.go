package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var built struct {
	once sync.Once
	dir  string
	err  error
}

// chatd returns the server's binary, built once, with the race detector if the test has it.
func chatd(t testing.TB) string {
	t.Helper()
	built.once.Do(func() { built.dir, built.err = build() })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "chatd")
}

func build() (string, error) {
	dir, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return "", err
	}
	args := []string{"build", "-o", dir}
	if raceDetector {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "scalable-chat/server/cmd/chatd")...).CombinedOutput()
	if err != nil {
		return dir, fmt.Errorf("build chatd: %w\n%s", err, out)
	}
	return dir, nil
}

// Finish removes the binary and ends the process with this code; it is the last call of a package's tests.
func Finish(code int) {
	if built.dir != "" {
		if err := os.RemoveAll(built.dir); err != nil {
			fmt.Fprintln(os.Stderr, "remove the build:", err)
		}
	}
	os.Exit(code)
}
