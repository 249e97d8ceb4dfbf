package stream

import (
	"math"
	"testing"

	"scalable-chat/server/internal/test/assert"
)

func TestOffsetTextForm(t *testing.T) {
	for _, o := range []Offset{{}, {Ms: 1}, {Ms: 1700000000000, Seq: 12}, {Ms: 1<<64 - 1, Seq: 1<<64 - 1}} {
		got, err := ParseOffset(o.String())
		if err != nil || got != o {
			t.Errorf("%s became %v, %v", o, got, err)
		}
	}
	for _, s := range []string{"", "-", "1", "1-", "-1", "1-2-3", "a-1", "1-a", " 1-1", "1--1", "+1-1", "18446744073709551616-0"} {
		if o, err := ParseOffset(s); err == nil {
			t.Errorf("%q became %v", s, o)
		}
	}
}

func TestOffsetOrder(t *testing.T) {
	ordered := []Offset{{}, {Seq: 1}, {Ms: 1}, {Ms: 1, Seq: 1}, {Ms: 2}}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := a.Compare(b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s compared with %s: %d", a, b, got)
			}
		}
	}
}

func FuzzParseOffset(f *testing.F) {
	f.Add("1700000000000-0")
	f.Add("1-")
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseOffset(s)
		if err != nil {
			return
		}
		if again, err := ParseOffset(o.String()); err != nil || again != o {
			t.Fatalf("%q became %s became %v, %v", s, o, again, err)
		}
	})
}

func TestOffset_NeighboursLeaveNothingBetween(t *testing.T) {
	const most = math.MaxUint64
	for _, c := range []struct{ o, next Offset }{
		{Offset{}, Offset{Seq: 1}},
		{Offset{Ms: 5, Seq: 7}, Offset{Ms: 5, Seq: 8}},
		{Offset{Ms: 5, Seq: most}, Offset{Ms: 6}},
	} {
		assert.Equal(t, "next", c.o.Next(), c.next)
		assert.Equal(t, "previous", c.next.Prev(), c.o)
	}
	assert.Equal(t, "before all", Offset{}.Prev(), Offset{})
	assert.Equal(t, "after all", Offset{Ms: most, Seq: most}.Next(), Offset{Ms: most, Seq: most})
}
