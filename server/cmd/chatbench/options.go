package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// options describe one load: the connections, the traffic, and the processes to watch.
type options struct {
	nodes    []*url.URL
	protocol protocol
	path     string // where the WebSocket is
	event    string // Socket.IO event that carries a message to the server

	clients int
	lanes   int     // concurrent connects
	senders int     // clients that send
	rooms   int     // 0: all clients are in the one room of everybody
	members int     // of each room
	name    string  // part of the names of the rooms
	sources int     // loopback addresses from which the clients connect in turn
	typists int     // clients that say that they type; Socket.IO only
	rate    float64 // messages per second of all senders together; 0: as fast as the window allows
	window  int     // messages that a sender may have in flight; 0: any number
	size    int     // bytes of the text of a message, at least

	hold     time.Duration // idle time between connecting and reading memory
	warmup   time.Duration // sending that is checked but not measured
	duration time.Duration // sending that is measured
	drain    time.Duration // longest wait for messages in flight

	pids      []int // server processes on this machine
	storePids []int // of the database behind them
	json      bool
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	var urls, pids, storePids, proto string
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&urls, "urls", "http://127.0.0.1:8000", "`addresses` of the nodes, comma separated; clients take turns (http or https)")
	f.StringVar(&proto, "proto", "sio", "what the server speaks: sio (a room is a namespace), sio-rooms (a room is joined by an event) or centrifuge")
	f.StringVar(&o.path, "path", "", "`path` of the WebSocket; empty: the usual one of the protocol")
	f.StringVar(&o.event, "event", "event:message", "Socket.IO `event` that sends a message")
	f.IntVar(&o.clients, "n", 500, "clients")
	f.IntVar(&o.lanes, "par", 64, "clients that connect at the same time")
	f.IntVar(&o.senders, "s", 10, "senders among the clients")
	f.IntVar(&o.rooms, "rooms", 0, "rooms, each with -members clients that all send there; 0: one room of everybody")
	f.IntVar(&o.members, "members", 5, "members of each of the -rooms")
	f.IntVar(&o.sources, "sources", 1, "loopback addresses from which clients connect, for servers that bound what one address may do (Linux)")
	f.IntVar(&o.typists, "typists", 0, "clients that say once a second that they type (Socket.IO)")
	f.Float64Var(&o.rate, "rate", 50, "messages per second in all; 0: a closed loop, limited by -w")
	f.IntVar(&o.window, "w", 0, "messages that a sender may have on the way; it waits for its own echo (0: any number)")
	f.IntVar(&o.size, "size", 64, "bytes of the text of a message, at least")
	f.DurationVar(&o.hold, "hold", 0, "idle time after connecting, before memory is read")
	f.DurationVar(&o.warmup, "warmup", 0, "time of sending before the measurement; checked, but not measured")
	f.DurationVar(&o.duration, "d", 5*time.Second, "time of sending that is measured")
	f.DurationVar(&o.drain, "drain", 15*time.Second, "longest wait for messages on the way")
	f.StringVar(&pids, "pids", "", "process `ids` of the servers, comma separated, for CPU and memory (Linux)")
	f.StringVar(&storePids, "store-pids", "", "process `ids` of the database behind the servers, for its CPU for each message (Linux)")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	if err := f.Parse(args); err != nil {
		return options{}, err
	}
	if f.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, errors.Join(o.setProtocol(proto), o.setNodes(urls), setPids("-pids", &o.pids, pids),
		setPids("-store-pids", &o.storePids, storePids), o.check())
}

func (o *options) setProtocol(name string) error {
	p, ok := protocols[name]
	if !ok {
		return fmt.Errorf("-proto %q: sio, sio-rooms or centrifuge", name)
	}
	o.protocol = p
	if o.path == "" {
		o.path = p.path
	}
	return nil
}

func (o *options) setNodes(urls string) error {
	for text := range strings.SplitSeq(urls, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("-urls: %q is no http(s) address", text)
		}
		o.nodes = append(o.nodes, u)
	}
	return nil
}

// plan is who is in which room.
func (o *options) plan() plan {
	if o.rooms == 0 {
		return plan{clients: o.clients, members: o.senders}
	}
	return plan{clients: o.clients, rooms: o.rooms, members: o.members, name: o.name}
}

func setPids(name string, dst *[]int, pids string) error {
	if pids == "" {
		return nil
	}
	for text := range strings.SplitSeq(pids, ",") {
		pid, err := strconv.Atoi(text)
		if err != nil || pid <= 0 {
			return fmt.Errorf("%s: %q is no process id", name, text)
		}
		*dst = append(*dst, pid)
	}
	return nil
}

func (o *options) check() error {
	switch {
	case o.clients < 1 || o.lanes < 1 || o.senders < 1:
		return errors.New("-n, -par and -s start at 1")
	case o.senders > o.clients:
		return errors.New("-s: more senders than clients")
	case o.typists < 0 || o.senders+o.typists > o.clients:
		return errors.New("-typists: more senders and typists than clients")
	case o.rooms < 0 || o.rooms > 0 && (o.members < 1 || o.members > o.clients):
		return errors.New("-rooms cannot be negative, and needs from 1 to -n -members")
	case o.rooms > 0 && o.rooms*o.members < o.clients:
		return errors.New("-rooms: some clients would be in no room")
	case o.rooms > 0 && o.typists > 0:
		return errors.New("-typists: only without -rooms")
	case o.sources < 1 || o.sources > 250:
		return errors.New("-sources goes from 1 to 250")
	case o.rate < 0 || o.window < 0 || o.size < 0:
		return errors.New("-rate, -w and -size cannot be negative")
	case o.rate == 0 && o.window == 0 && o.duration+o.warmup > 0:
		return errors.New("-rate 0 needs -w, or nothing would limit the senders")
	}
	return nil
}
