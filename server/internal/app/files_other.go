//go:build !unix

package app

// openFiles is how many files the process may have open; 0 is unknown or unlimited.
func openFiles() int { return 0 }
