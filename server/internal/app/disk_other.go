//go:build !linux && !darwin

package app

// freeBytes is how many bytes may still be written to the disk that holds a directory. Here it is not known.
func freeBytes(string) (bytes int64, known bool) { return 0, false }
