// Command chatbench measures chat servers.
//
//	chatbench load    opens clients against one server or many nodes, sends, and checks every delivery
//	chatbench beside  measures a quiet room alone and beside a flooded one, in turns
//	chatbench floor   writes the same bytes with bare write(2): a lower bound for every server
//	chatbench sync    has a disk take one page again and again: a lower bound for every record on it
//
// They print text, or one JSON object with -json. The exit code is 1 if anything was lost, doubled, out of order, refused or
// closed, and 2 if nothing could be measured. `npm run bench` at the root of the repository also runs them against other
// servers; docs/BENCHMARKS.md explains the figures.
//
// It has many files because each operating system counts processor time and memory in its own way, and client, protocol,
// timeline and each load are separate concerns with a file each.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usageText = `usage:
  chatbench load [flags]    clients, senders, checked deliveries; load -h lists the flags
  chatbench beside [flags]  a quiet room alone and beside a flooded one; beside -h lists the flags
  chatbench floor [flags]   bare write(2) of the same bytes; floor -h lists the flags
  chatbench sync [flags]    bare syncs of a disk; sync -h lists the flags
`

// errFaulty ends a measurement that found losses or other faults, which are already printed.
var errFaulty = errors.New("faults found")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	os.Exit(exitCode(run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "load":
		return runLoad(ctx, args[1:], stdout, stderr)
	case "beside":
		return runBeside(ctx, args[1:], stdout, stderr)
	case "floor":
		return runFloor(args[1:], stdout, stderr)
	case "sync":
		return runSync(args[1:], stdout, stderr)
	case "-h", "-help", "--help", "help":
		_, err := io.WriteString(stdout, usageText)
		return err
	}
	io.WriteString(stderr, usageText)
	return fmt.Errorf("no such command: %q", command)
}

func exitCode(err error, stderr io.Writer) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errFaulty):
		return 1
	}
	fmt.Fprintln(stderr, "chatbench:", err)
	return 2
}
