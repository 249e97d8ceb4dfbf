//go:build !unix

package sqlite

// syncDir does nothing: on this system a rename that has returned is durable.
func syncDir(string) error { return nil }
