//go:build linux || darwin

package app

import "syscall"

// freeBytes is how many bytes may still be written to the disk that holds a directory.
func freeBytes(dir string) (bytes int64, known bool) {
	var disk syscall.Statfs_t
	if syscall.Statfs(dir, &disk) != nil {
		return 0, false
	}
	return int64(disk.Bavail) * int64(disk.Bsize), true //nolint:unconvert // their types differ by system
}
