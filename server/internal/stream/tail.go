package stream

import (
	"context"
	"slices"
)

// tailPage is how many entries [Tail] reads at once.
const tailPage = 512

// Tail returns the newest entries of a record, oldest first and without a gap, at most so many. It reads them with last, which is
// a [Record.Last], page by page backwards, and ends with the page that reaches enough bytes: a record of the longest messages may
// be many times larger than memory. An entry counts as its event and the given overhead.
func Tail(ctx context.Context, last func(context.Context, Offset, int) ([]Entry, error), most, enough, overhead int) ([]Entry, error) {
	var pages [][]Entry
	var before Offset
	for count, bytes := 0, 0; count < most && bytes < enough; {
		want := min(tailPage, most-count)
		page, err := last(ctx, before, want)
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
		if len(page) < want {
			break // there are no older entries
		}
		before, count = page[0].Offset, count+len(page)
		for _, e := range page {
			bytes += len(e.Event) + overhead
		}
	}
	slices.Reverse(pages)
	return slices.Concat(pages...), nil
}
