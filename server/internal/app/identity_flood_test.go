package app

import (
	"strings"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
	"scalable-chat/server/internal/test/issuer"
)

// TestP11_LIM9_RefusedTokensArePaced: a flood of them is read slowly, holds up nobody else, and leaves nothing in memory.
func TestP11_LIM9_RefusedTokensArePaced(t *testing.T) {
	const flooders, each, burst, rate = 20, 300, 200, 50
	a := start(t, strict(t, issuer.New(t, "ec"))...)
	forged := connecting("/", "token", issuer.New(t, "ec").Token(t, "ec", claims("ada", time.Hour, ours+`,"x":"`+strings.Repeat("x", 2000)+`"`)))
	before := assert.HeapInUse()
	begun := time.Now()
	inLanes(flooders, flooders, func(int) {
		r, err := dial(a.Addr())
		if err != nil {
			t.Error(err)
			return
		}
		defer r.close()
		go func() {
			for range each {
				if r.write(forged) != nil {
					return
				}
			}
		}()
		for n := range each {
			if p, err := r.read(); err != nil || !strings.Contains(p, "unauthorized") {
				t.Errorf("answer %d: %s, %v", n, p, err)
				return
			}
		}
	})
	if took, least := time.Since(begun), time.Second*(each-burst)/rate; took < least*9/10 {
		t.Errorf("took %v, which is less than %v", took, least)
	}
	assert.Eventually(t, "all have gone", func() bool { return a.edge.Connections() == 0 })
	if more := assert.HeapInUse() - before; more > 2<<20 {
		t.Errorf("%d bytes more in memory after %d refusals", more, flooders*each)
	}
}
