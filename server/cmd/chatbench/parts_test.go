package main

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"scalable-chat/server/internal/test/assert"
)

func TestTimelineAgainstAModel(t *testing.T) {
	const senders, numbers = 3, 50
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		line := newTimeline(senders)
		seen := map[[2]int64]bool{}
		highest := [senders]int64{-1, -1, -1}
		var duplicates, disordered int64
		for range random.IntN(200) {
			sender, n := random.IntN(senders), random.Int64N(numbers)
			key := [2]int64{int64(sender), n}
			switch {
			case seen[key]:
				duplicates++
			case n < highest[sender]:
				disordered++
			}
			if first := line.add(sender, n); first == seen[key] {
				t.Fatalf("seed %d: first time %v, seen %v", seed, first, seen[key])
			}
			seen[key] = true
			highest[sender] = max(highest[sender], n)
		}
		if line.seen != int64(len(seen)) || line.duplicates != duplicates || line.disordered != disordered {
			t.Fatalf("seed %d: seen %d, %d duplicates, %d disordered; want %d, %d, %d", seed,
				line.seen, line.duplicates, line.disordered, len(seen), duplicates, disordered)
		}
	}
}

func TestDigestTellsOrdersApart(t *testing.T) {
	digest := func(order ...int) uint64 {
		line := newTimeline(3)
		for _, sender := range order {
			line.add(sender, 0)
		}
		return line.digest
	}
	assert.Equal(t, "same order", digest(0, 1, 2), digest(0, 1, 2))
	if digest(0, 1, 2) == digest(1, 0, 2) || digest(0, 1, 2) == digest(0, 2, 1) {
		t.Error("different orders have the same digest")
	}
}

func TestQuantilesAreCloseAndNeverTooLow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var halves [2]latencies
	var exact []time.Duration
	for i := range 20000 {
		d := time.Duration(random.ExpFloat64() * float64(30*time.Millisecond)).Truncate(time.Microsecond)
		halves[i%2].add(d)
		exact = append(exact, d)
	}
	halves[0].merge(&halves[1])
	slices.Sort(exact)
	for _, q := range []float64{.5, .9, .99, 1} {
		want := exact[min(int(q*float64(len(exact))), len(exact)-1)]
		got := halves[0].quantile(q)
		if got < want || float64(got) > float64(want)*1.032+1000 {
			t.Errorf("quantile %v: got %v, exactly %v", q, got, want)
		}
	}
	assert.Equal(t, "none", (&latencies{}).quantile(.5), 0)
}

func TestLatenciesTakeAnyDuration(t *testing.T) {
	var l latencies
	for _, d := range []time.Duration{-time.Second, 0, 63 * time.Microsecond, 64 * time.Microsecond, 1 << 62} {
		l.add(d)
	}
	assert.Equal(t, "count", l.count, 5)
	assert.Equal(t, "max", l.quantile(1), 1<<62)
}

func TestMessageThereAndBack(t *testing.T) {
	tag := newTag()
	sent := message{speaker: 3, number: 1234567, sent: 98765 * time.Microsecond}
	text := appendMessage([]byte("ab"), tag, sent, 64)
	assert.Equal(t, "size", len(text), 2+64)
	two := slices.Concat(text, []byte(" #bad|1|2|3| "), tag, []byte("9|1|2|"), tag, []byte("1|x"), text)
	first, rest, ok1 := cutMessage(two, tag, 4)
	second, rest, ok2 := cutMessage(rest, tag, 4)
	_, _, ok3 := cutMessage(rest, tag, 4)
	if !ok1 || !ok2 || ok3 || first != sent || second != sent {
		t.Errorf("got %v %v, %v %v, third %v", first, ok1, second, ok2, ok3)
	}
}

func TestFramesOfAllLengths(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 65535, 65536} {
		frame := appendFrame(nil, opText, bytes.Repeat([]byte("x"), n))
		mask := len(frame) - n - 4
		plain := slices.Delete(slices.Clone(frame), mask, mask+4) // as a server sends it
		plain[1] &= 0x7f
		for _, short := range []int{0, 1, mask, len(plain) - 1} {
			if _, _, size, err := cutFrame(plain[:min(short, len(plain)-1)]); size != 0 || err != nil {
				t.Errorf("length %d: %d bytes were taken as a whole frame (%v)", n, short, err)
			}
		}
		op, payload, size, err := cutFrame(append(plain, "more"...))
		if op != opText || len(payload) != n || size != len(plain) || err != nil {
			t.Errorf("length %d: op %d, payload %d, size %d, %v", n, op, len(payload), size, err)
		}
	}
}

func FuzzCutFrame(f *testing.F) {
	f.Add([]byte{0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte("\x81\x02hi\x88\x02\x03\xe9"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, payload, size, err := cutFrame(b)
		if size < 0 || size > len(b) || len(payload) > size || err != nil && size != 0 {
			t.Fatalf("size %d, payload %d of %d bytes, %v", size, len(payload), len(b), err)
		}
	})
}

func FuzzCutMessage(f *testing.F) {
	tag := []byte("#00ff00ff|")
	f.Add([]byte("#00ff00ff|1|2|3|xxx"))
	f.Add([]byte("#00ff00ff|999999999999999999999|#00ff00ff|0|0|0|"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for rest := b; ; {
			m, after, ok := cutMessage(rest, tag, 2)
			if !ok {
				return
			}
			if m.speaker < 0 || m.speaker > 1 || m.number < 0 || m.sent < 0 || len(after) >= len(rest) {
				t.Fatalf("%+v, %d of %d bytes left", m, len(after), len(rest))
			}
			rest = after
		}
	})
}
