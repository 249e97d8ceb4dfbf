//go:build !unix

package main

import "time"

// ownCPU is unknown on this system: results that need it are zero.
func ownCPU() time.Duration { return 0 }
