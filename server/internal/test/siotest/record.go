package siotest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"scalable-chat/server/internal/stream"
)

// Message is one message as a client received it.
type Message struct {
	Offset   string `json:"-"`
	Message  string `json:"message"`
	Username string `json:"username"`
	ID       string `json:"id"`
	From     string `json:"from"` // its author's id
	Verified bool   `json:"verified"`
	At       int64  `json:"at"`

	Seen time.Time `json:"-"` // when this client received it
}

// Segment is a stretch of time in which the client missed nothing: it begins with a connect that did not recover, and
// continues over every connect that did.
type Segment struct {
	Joined     string // the joining offset; the messages follow it directly. Empty if none came.
	Recoveries int
	Messages   []Message
}

// Report is what a client has recorded.
type Report struct {
	Segments []Segment
	Pids     []string // private ids and Socket.IO ids that the client received
	Ends     []string // why each connection ended
	Trace    []Note   // what the client did last, to explain a failure
	Breaches []string // of the wire contract
}

// Note is something that a client did.
type Note struct {
	At   time.Time
	What string
}

// maxNotes bounds the lists of a report that people read.
const maxNotes = 1000

// record collects a [Report]. Its owner guards it.
type record struct {
	Report
	pid, offset string
	greeted     bool // the joining offset of this connection has come
	recovered   bool // this connection continued from offset
	last        stream.Offset
	counts      State
}

// claim is where the client asks to recover from.
func (r *record) claim() (pid, offset string) { return r.pid, r.offset }

func (r *record) state() State {
	s := r.counts
	s.Joined, s.Offset = r.greeted, r.offset
	return s
}

func (r *record) breach(what string) {
	if len(r.Breaches) < maxNotes {
		r.Breaches = append(r.Breaches, what)
	}
}

func (r *record) note(what string) {
	if len(r.Trace) >= 5*maxNotes {
		r.Trace = slices.Delete(r.Trace, 0, maxNotes)
	}
	r.Trace = append(r.Trace, Note{time.Now(), what})
}

func (r *record) connected(sid, pid string) {
	r.greeted = false
	r.note(fmt.Sprintf("connected, recovering from %s: %v", r.offset, pid == r.pid))
	r.counts.Connects++
	if r.recovered = pid != "" && pid == r.pid; r.recovered {
		r.counts.Recovered++
		r.Segments[len(r.Segments)-1].Recoveries++
	} else {
		r.Segments = append(r.Segments, Segment{})
	}
	r.pid = pid
	if pid == "" || sid == "" {
		r.breach("REC-1: CONNECT answered without sid or pid")
	}
	if len(r.Pids) < maxNotes {
		r.Pids = append(r.Pids, sid, pid)
	}
}

func (r *record) disconnected(why error) {
	r.greeted = false
	r.note(fmt.Sprintf("session over: %v", why))
	if why != nil && len(r.Ends) < maxNotes {
		r.Ends = append(r.Ends, why.Error())
	}
}

// event notes an event, and returns it if it is a message.
func (r *record) event(args []json.RawMessage, connected bool) (m Message, isMessage bool) {
	var name, offset string
	_ = json.Unmarshal(args[0], &name)
	if json.Unmarshal(args[len(args)-1], &offset) != nil || len(args) < 2 {
		offset = ""
	}
	if !connected {
		r.breach("event before CONNECT was answered: " + name)
		return m, false
	}
	switch {
	case name == "message":
		return r.message(args, offset)
	case !r.greeted:
		r.joined(name, offset)
	case offset != "":
		r.breach(fmt.Sprintf("%s with offset %s: only messages and the first presence have one", name, offset))
	}
	return m, false
}

// joined notes the first event of a connection, which must be the presence with the joining offset.
func (r *record) joined(name, offset string) {
	at, err := stream.ParseOffset(offset)
	if name != "presence" || err != nil {
		r.breach(fmt.Sprintf("PRE-1: the first event is %s with offset %q", name, offset))
		return
	}
	if r.recovered && offset != r.offset {
		r.breach(fmt.Sprintf("PRE-1: recovered from %s, but joins at %s", r.offset, offset))
	}
	if seg := &r.Segments[len(r.Segments)-1]; seg.Joined == "" {
		seg.Joined = offset
	}
	r.greeted, r.offset, r.last = true, offset, at
}

func (r *record) message(args []json.RawMessage, offset string) (m Message, ok bool) {
	at, err := stream.ParseOffset(offset)
	if err != nil || len(args) != 3 || json.Unmarshal(args[1], &m) != nil {
		r.breach(fmt.Sprintf("OUT-1: message %.200s", args))
		return m, false
	}
	if !r.greeted {
		r.breach("PRE-1: a message before the joining offset")
		return m, false
	}
	if at.Compare(r.last) <= 0 {
		r.breach(fmt.Sprintf("OUT-3: %s after %s", at, r.last))
	}
	m.Offset, m.Seen = offset, time.Now()
	r.offset, r.last = offset, at
	seg := &r.Segments[len(r.Segments)-1]
	seg.Messages = append(seg.Messages, m)
	r.counts.Messages++
	return m, true
}

func (r *record) report() Report {
	out := Report{Pids: slices.Clone(r.Pids), Ends: slices.Clone(r.Ends), Breaches: slices.Clone(r.Breaches), Trace: slices.Clone(r.Trace)}
	for _, s := range r.Segments {
		s.Messages = slices.Clone(s.Messages)
		out.Segments = append(out.Segments, s)
	}
	return out
}
