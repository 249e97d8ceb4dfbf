//go:build !race

// Package race lets long tests be shorter under the race detector, which costs a factor of ten.
package race

// Enabled reports whether this is a build with the race detector.
const Enabled = false
