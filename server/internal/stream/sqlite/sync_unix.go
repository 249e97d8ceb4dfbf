//go:build unix

package sqlite

import (
	"errors"
	"os"
)

// syncDir has the disk take the names in a directory.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
