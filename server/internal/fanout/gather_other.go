//go:build !unix

package fanout

import "runtime"

// gatherer would let a burst gather before a sweep, as on Unix; here a burst is swept a little more often.
type gatherer struct{}

func newGatherer() *gatherer { return nil }

func (*gatherer) gather() { runtime.Gosched() }

func (*gatherer) close() {}
