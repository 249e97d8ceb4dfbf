package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// floorOptions describe a writer that sends the same bytes to every connection, round after round.
type floorOptions struct {
	connections int
	size        int // bytes of one write
	rate        float64
	duration    time.Duration
	cores       [2]int // of the writer and of the reader; -1: the system chooses
}

// floorResult is the cost of one write(2) at that rate.
type floorResult struct {
	Connections int     `json:"connections"`
	Size        int     `json:"size"`
	Writes      int64   `json:"writes"`
	WritesPerS  float64 `json:"writes_per_s"`
	CPUPerWrite float64 `json:"cpu_us_per_write"`
	WriterShare float64 `json:"writer_cpu_share"`
	Interrupted int64   `json:"interrupted"` // partial writes; unless 0, the figures mean nothing
}

func runFloor(args []string, stdout, stderr io.Writer) error {
	o, asJSON, err := parseFloor(args, stderr)
	if err != nil {
		return err
	}
	r, err := measureFloor(o)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	if asJSON {
		return json.NewEncoder(stdout).Encode(r)
	}
	_, err = fmt.Fprintf(stdout, "%d connections, %d bytes: %d writes, %.0f/s, %g µs CPU each\n",
		r.Connections, r.Size, r.Writes, r.WritesPerS, r.CPUPerWrite)
	return err
}

func parseFloor(args []string, stderr io.Writer) (o floorOptions, asJSON bool, err error) {
	var cores string
	f := flag.NewFlagSet("floor", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.connections, "n", 500, "connections")
	f.IntVar(&o.size, "size", 110, "bytes of one write")
	f.Float64Var(&o.rate, "rate", 50, "rounds per second, each one write to every connection; 0: as fast as possible")
	f.DurationVar(&o.duration, "d", 5*time.Second, "time of writing")
	f.StringVar(&cores, "cores", "", "`cores` of the writer and of the reader, as in 0,1; empty: any")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	if err := f.Parse(args); err != nil {
		return o, false, err
	}
	if o.connections < 1 || o.size < 1 || o.rate < 0 {
		return o, false, errors.New("-n and -size start at 1, -rate at 0")
	}
	o.cores, err = parseCores(cores)
	return o, asJSON, err
}

func parseCores(text string) (cores [2]int, err error) {
	if text == "" {
		return [2]int{-1, -1}, nil
	}
	writer, reader, found := strings.Cut(text, ",")
	w, err1 := strconv.Atoi(writer)
	r, err2 := strconv.Atoi(reader)
	if !found || err1 != nil || err2 != nil || w < 0 || r < 0 {
		return cores, fmt.Errorf("-cores %q: two numbers, as in 0,1", text)
	}
	return [2]int{w, r}, nil
}

// finish computes the figures from the writer's totals.
func (r *floorResult) finish(cpu, wall time.Duration) {
	r.WritesPerS = round(float64(r.Writes) / wall.Seconds())
	r.CPUPerWrite = *micros(cpu, max(r.Writes, 1))
	r.WriterShare = *share(cpu, wall.Seconds())
}
