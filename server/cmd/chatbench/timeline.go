package main

import (
	"cmp"
	"slices"
)

// timeline is what one client saw of the messages of each sender. A sender numbers its messages 0, 1, 2 … A message that
// comes again is a duplicate, one that comes after a later message of its sender is disordered, and one that never comes is
// missing. Each message counts as at most one of the last two; duplicates count separately.
type timeline struct {
	senders    []progress
	seen       int64 // different messages
	duplicates int64
	disordered int64
	digest     uint64 // of the messages in the order of their first arrival: equal digests, equal timelines
}

type progress struct {
	next int64  // the lowest number above all seen ones
	gaps []span // unseen numbers below next, ascending
}

// span is the range of numbers from first up to, but not including, end.
type span struct{ first, end int64 }

func newTimeline(senders int) timeline {
	return timeline{senders: make([]progress, senders)}
}

// add records a message and reports whether it is new.
func (t *timeline) add(sender int, n int64) bool {
	p := &t.senders[sender]
	switch {
	case n >= p.next:
		if n > p.next {
			p.gaps = append(p.gaps, span{p.next, n})
		}
		p.next = n + 1
	case p.fill(n):
		t.disordered++
	default:
		t.duplicates++
		return false
	}
	t.seen++
	t.digest = (t.digest ^ (uint64(sender)<<48 | uint64(n+1))) * 0x9e3779b97f4a7c15
	t.digest ^= t.digest >> 29
	return true
}

// fill removes n from the gaps. It reports false if n is in none, which means that it was seen before.
func (p *progress) fill(n int64) bool {
	i, exact := slices.BinarySearchFunc(p.gaps, n, func(s span, n int64) int { return cmp.Compare(s.first, n) })
	if !exact {
		i--
	}
	if i < 0 || n >= p.gaps[i].end {
		return false
	}
	gap := p.gaps[i]
	var rest []span
	if gap.first < n {
		rest = append(rest, span{gap.first, n})
	}
	if n+1 < gap.end {
		rest = append(rest, span{n + 1, gap.end})
	}
	p.gaps = slices.Replace(p.gaps, i, i+1, rest...)
	return true
}
