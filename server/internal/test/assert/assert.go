// Package assert has the checks of all packages' tests: a value, an error, a condition that becomes true, something that
// arrives; and the size of the heap. Nothing in it waits for a fixed time.
package assert

import (
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen. It is generous, because test machines are busy; a test that
// passes never waits that long.
const Patience = 20 * time.Second

// A condition is checked without a pause for the first tries, since most become true soon, and then once per interval.
const (
	eagerTries   = 1000
	pollInterval = time.Millisecond
)

// Equal fails the test, which continues, unless got is deeply equal to want. what names the value.
func Equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// NoError ends the test if err is not nil. what, if given, names the attempt.
func NoError(t testing.TB, err error, what ...string) {
	t.Helper()
	if err != nil {
		t.Fatal(strings.Join(append(what, err.Error()), ": "))
	}
}

// Eventually ends the test if the condition does not become true within [Patience].
func Eventually(t testing.TB, what string, met func() bool) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for tries := 0; !met(); tries++ {
		if tries < eagerTries {
			runtime.Gosched()
			continue
		}
		if time.Now().After(deadline) {
			t.Fatalf("never came true: %s", what)
		}
		time.Sleep(pollInterval)
	}
}

// Receive returns what arrives on the channel, and ends the test if nothing does within [Patience].
func Receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(Patience):
		t.Fatalf("never arrived: %s", what)
		panic("unreachable")
	}
}

// HeapInUse is how many bytes are reachable.
func HeapInUse() int64 {
	runtime.GC()
	runtime.GC() // frees what the first one only finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
