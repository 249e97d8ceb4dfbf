package deque

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestDequeAgreesWithSlice(t *testing.T) {
	var d Deque[int]
	var want []int
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range 10_000 {
		if len(want) > 0 && rnd.IntN(100) < 48 {
			if got := d.Pop(); got != want[0] {
				t.Fatalf("step %d: Pop = %d, want %d", i, got, want[0])
			}
			want = want[1:]
		} else {
			d.Push(i)
			want = append(want, i)
		}
		var got []int
		for j := range d.Len() {
			got = append(got, *d.At(j))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("step %d: %v, want %v", i, got, want)
		}
	}
}

func TestDequeForgetsWhatItPopped(t *testing.T) {
	var d Deque[*int]
	d.Push(new(int))
	d.Pop()
	for _, p := range d.ring {
		if p != nil {
			t.Fatal("a popped value is still referenced")
		}
	}
}

func TestDequeAllocatesNothingAtWorkingSize(t *testing.T) {
	var d Deque[int]
	for range 100 {
		d.Push(1)
	}
	if n := testing.AllocsPerRun(1000, func() { d.Push(d.Pop()) }); n != 0 {
		t.Fatalf("%v allocations per turn", n)
	}
}
