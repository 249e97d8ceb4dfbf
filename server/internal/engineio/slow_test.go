package engineio

import (
	"io"
	"strings"
	"sync"
)

// slowBody gives its first part at once, and the second when it is told to.
type slowBody struct {
	io.Reader
	gate chan struct{}
	once sync.Once
}

func newSlowBody(first, second string) *slowBody {
	b := &slowBody{gate: make(chan struct{})}
	b.Reader = io.MultiReader(strings.NewReader(first), gated{b.gate}, strings.NewReader(second))
	return b
}

func (b *slowBody) finish() { b.once.Do(func() { close(b.gate) }) }

type gated struct{ gate chan struct{} }

func (g gated) Read([]byte) (int, error) {
	<-g.gate
	return 0, io.EOF
}
