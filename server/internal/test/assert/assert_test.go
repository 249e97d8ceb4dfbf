package assert

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

// recorder is a test that records how it fails.
type recorder struct {
	testing.TB
	errors, fatal []string
}

type ended struct{}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, a ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, a...))
}

func (r *recorder) Fatal(a ...any)                 { r.fatal = append(r.fatal, fmt.Sprint(a...)); panic(ended{}) }
func (r *recorder) Fatalf(format string, a ...any) { r.Fatal(fmt.Sprintf(format, a...)) }

// outcome runs fn with a recorder and returns what it recorded.
func outcome(fn func(testing.TB)) (r *recorder) {
	r = &recorder{}
	defer func() {
		if p := recover(); p != nil && p != any(ended{}) {
			panic(p)
		}
	}()
	fn(r)
	return r
}

func TestTrueChecksPass(t *testing.T) {
	full := make(chan int, 1)
	full <- 7
	tries := 0
	r := outcome(func(t testing.TB) {
		Equal(t, "slices", []int{1, 2}, []int{1, 2})
		NoError(t, nil)
		Eventually(t, "third time", func() bool { tries++; return tries == 3 })
		Equal(t, "received", Receive(t, "seven", full), 7)
	})
	if len(r.errors)+len(r.fatal) > 0 {
		t.Errorf("failed: %v %v", r.errors, r.fatal)
	}
}

func TestFailedChecksNameTheValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, fn := range map[string]func(testing.TB){
			"size:\n got 1\nwant 2":      func(t testing.TB) { Equal(t, "size", 1, 2) },
			"closing: boom":              func(t testing.TB) { NoError(t, errors.New("boom"), "closing") },
			"never came true: the flag":  func(t testing.TB) { Eventually(t, "the flag", func() bool { return false }) },
			"never arrived: the message": func(t testing.TB) { Receive(t, "the message", make(chan int)) },
		} {
			r := outcome(fn)
			if got := strings.Join(append(r.errors, r.fatal...), ""); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}
