package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"
)

// floodAtMost bounds a flood, which otherwise lasts until the quiet room is measured.
const floodAtMost = time.Minute

// beside measures a quiet room alone and beside a room whose members all send as fast as the server reads.
type beside struct {
	quiet, flood options
	rounds       int
	json         bool
}

// besideResult is the outcome: one figure of each kind a round, and the ratio of their medians.
type besideResult struct {
	Alone  []float64 `json:"alone_p99_ms"`
	Beside []float64 `json:"beside_p99_ms"`
	Flood  []float64 `json:"flood_messages_per_s"`
	Ratio  float64   `json:"ratio"`
	Faults int64     `json:"faults"`
}

func parseBeside(args []string, stderr io.Writer) (b beside, err error) {
	var urls string
	var members, flooders, sources int
	var rate float64
	var d time.Duration
	f := flag.NewFlagSet("beside", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&urls, "urls", "http://127.0.0.1:8000", "`addresses` of the nodes, comma separated; clients take turns (http or https)")
	f.IntVar(&members, "members", 5, "members of the quiet room, who all send")
	f.Float64Var(&rate, "rate", 100, "messages per second in the quiet room")
	f.IntVar(&flooders, "flooders", 20, "members of the flooded room, who all send as fast as the server reads")
	f.IntVar(&sources, "sources", 1, "loopback addresses from which clients connect (Linux)")
	f.IntVar(&b.rounds, "rounds", 5, "how often each is measured")
	f.DurationVar(&d, "d", 3*time.Second, "time of sending that is measured")
	f.BoolVar(&b.json, "json", false, "print one JSON object")
	if err := f.Parse(args); err != nil {
		return b, err
	}
	if f.NArg() > 0 || b.rounds < 1 || d <= 0 || rate <= 0 {
		return b, errors.New("-rounds, -d and -rate must be positive, and there are no arguments")
	}
	room := func(name string, n int) options {
		return options{
			clients: n, senders: n, members: n, rooms: 1, name: name, lanes: 64, sources: sources,
			event: "event:message", size: 64, drain: 15 * time.Second,
		}
	}
	b.quiet, b.flood = room("quiet-", members), room("flood-", flooders)
	b.quiet.rate, b.quiet.warmup, b.quiet.duration = rate, d/4, d
	b.flood.window, b.flood.duration = 32, d+floodAtMost
	for _, o := range []*options{&b.quiet, &b.flood} {
		err = errors.Join(err, o.setProtocol("sio"), o.setNodes(urls), o.check())
	}
	return b, err
}

func runBeside(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	b, err := parseBeside(args, stderr)
	if err != nil {
		return err
	}
	var r besideResult
	for range b.rounds {
		if err := b.round(ctx, &r); err != nil {
			return err
		}
	}
	r.Ratio = round(median(r.Beside) / median(r.Alone))
	if err := r.print(stdout, b.json); err != nil {
		return err
	}
	if r.Faults > 0 {
		return errFaulty
	}
	return nil
}

// round measures the quiet room once alone and once while the other one is flooded.
func (b beside) round(ctx context.Context, r *besideResult) error {
	alone, err := newLoad(b.quiet).measure(ctx)
	if err != nil {
		return fmt.Errorf("the quiet room alone: %w", err)
	}
	var flood *result
	var failed error
	other, flooded := newLoad(b.flood), make(chan struct{})
	go func() {
		defer close(flooded)
		flood, failed = other.measure(ctx)
	}()
	for other.delivered.Load() == 0 && pause(ctx, time.Millisecond) == nil && !isClosed(flooded) {
	}
	quiet, err := newLoad(b.quiet).measure(ctx)
	if isClosed(flooded) {
		err = errors.Join(err, errors.New("the flood ended first"))
	}
	other.enough.Store(true)
	<-flooded
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("beside a flood: %w", err)
	}
	r.add(alone, quiet, flood)
	return nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (r *besideResult) add(alone, beside, flood *result) {
	r.Alone = append(r.Alone, alone.Latency.P99)
	r.Beside = append(r.Beside, beside.Latency.P99)
	r.Flood = append(r.Flood, round(float64(flood.Sent)/flood.Seconds))
	r.Faults += alone.faults() + beside.faults() + flood.faults()
}

// median is the middle one, or the upper one of two.
func median(all []float64) float64 { return slices.Sorted(slices.Values(all))[len(all)/2] }

func (r *besideResult) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := fmt.Fprintf(w, "quiet room alone       p99 %g ms, median of %v\nbeside a flooded room  p99 %g ms, median of %v\n"+
		"ratio                  %g\nthe flood              %g messages/s, median of %v\nfaults                 %d\n",
		median(r.Alone), r.Alone, median(r.Beside), r.Beside, r.Ratio, median(r.Flood), r.Flood, r.Faults)
	return err
}
