package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// syncResult is what it costs to have a disk take one page, again and again.
type syncResult struct {
	Syncs int     `json:"syncs"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
}

// syncPage is how many bytes each sync is for: a page of a database.
const syncPage = 4096

func runSync(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("sync", flag.ContinueOnError)
	f.SetOutput(stderr)
	dir := f.String("dir", os.TempDir(), "`directory` on the disk to measure")
	n := f.Int("n", 500, "syncs")
	asJSON := f.Bool("json", false, "print one JSON object")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *n < 1 {
		return errors.New("-n starts at 1")
	}
	r, err := measureSync(*dir, *n)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if *asJSON {
		return json.NewEncoder(stdout).Encode(r)
	}
	_, err = fmt.Fprintf(stdout, "%d syncs: p50 %g ms, p99 %g ms\n", r.Syncs, r.P50, r.P99)
	return err
}

// measureSync appends pages to a file and syncs each.
func measureSync(dir string, n int) (r syncResult, err error) {
	file, err := os.CreateTemp(dir, "chatbench-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	var took latencies
	page := make([]byte, syncPage)
	for range n {
		began := time.Now()
		if _, err := file.Write(page); err != nil {
			return r, err
		}
		if err := file.Sync(); err != nil {
			return r, err
		}
		took.add(time.Since(began))
	}
	return syncResult{Syncs: n, P50: millis(took.quantile(0.5)), P99: millis(took.quantile(0.99))}, nil
}
