package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"scalable-chat/server/internal/stream"
	"scalable-chat/server/internal/test/siotest"
)

const (
	// maxFaults bounds what a failure prints.
	maxFaults = 20
	// traceBefore is how many of a client's steps before a fault are printed.
	traceBefore = 200 * time.Millisecond
)

// timelines are the messages of the record and where each entry is in it.
type timelines struct {
	messages []entry               // without the genesis entries
	behind   map[stream.Offset]int // for each entry: the index of the first message after it
}

func newTimelines(order []entry) timelines {
	t := timelines{behind: map[stream.Offset]int{}}
	for _, e := range order {
		if !e.genesis() {
			t.messages = append(t.messages, e)
		}
		t.behind[e.at] = len(t.messages)
	}
	return t
}

// newest is the place of the last message.
func (t timelines) newest() stream.Offset {
	if len(t.messages) == 0 {
		return stream.Offset{}
	}
	return t.messages[len(t.messages)-1].at
}

// checkClient compares what one client saw with the record: each message from its joining offset on, in order, none twice,
// none left out, and, if it has stayed, up to the end.
func (t timelines) checkClient(report siotest.Report, stayed bool) (faults []string) {
	faults = append(faults, report.Breaches...)
	for i, seg := range report.Segments {
		reached, at, err := t.checkSegment(seg)
		if err != "" {
			faults = append(faults, fmt.Sprintf("P1, P3: segment %d: %s%s", i, err, explain(report, seg, at)))
		} else if last := i == len(report.Segments)-1; stayed && last && reached != len(t.messages) {
			faults = append(faults, fmt.Sprintf("P3: the last segment ends %d messages early", len(t.messages)-reached))
		}
	}
	return faults
}

// explain is what the client did around the message with this number.
func explain(report siotest.Report, seg siotest.Segment, number int) (text string) {
	if number >= len(seg.Messages) {
		return ""
	}
	from, to := time.Time{}, seg.Messages[number].Seen.Add(time.Millisecond)
	if number > 0 {
		from = seg.Messages[number-1].Seen.Add(-traceBefore)
	}
	for _, n := range report.Trace {
		if n.At.After(from) && n.At.Before(to) {
			text += "\n\t" + n.At.UTC().Format("15:04:05.000000") + " " + n.What
		}
	}
	return text
}

// checkSegment returns how many messages of the record the segment reaches, or its first fault and where that is.
func (t timelines) checkSegment(seg siotest.Segment) (reached, number int, fault string) {
	if seg.Joined == "" {
		if len(seg.Messages) > 0 {
			return 0, 0, "messages without a joining offset"
		}
		return 0, 0, "" // cut off before the joining offset came
	}
	at, err := stream.ParseOffset(seg.Joined)
	next, known := t.behind[at]
	if err != nil || !known {
		return 0, 0, fmt.Sprintf("joined at %s, which never was in the stream", seg.Joined)
	}
	for i, m := range seg.Messages {
		if next == len(t.messages) {
			return 0, i, fmt.Sprintf("%s at %s is behind the end of the record", m.ID, m.Offset)
		}
		want := t.messages[next]
		if m.Offset != want.at.String() || m.ID != want.id || m.Message != want.text || m.Username != want.sender || m.From != want.from ||
			m.At != int64(want.at.Ms) {
			return 0, i, fmt.Sprintf("message %d behind %s is %s %s %.60q instead of %s %s %.60q",
				i, seg.Joined, m.Offset, m.ID, m.Message, want.at, want.id, want.text)
		}
		next++
	}
	return next, 0, ""
}

// after reports whether a textual offset is after at.
func after(offset string, at stream.Offset) bool {
	o, err := stream.ParseOffset(offset)
	return err == nil && o.Compare(at) > 0
}

// Expect says what the faults of a scenario excuse.
type Expect struct {
	// Resets allows reconnects that do not recover; otherwise every client must have one unbroken timeline.
	Resets bool
}

// Settle heals the room, lets the senders finish, waits until everybody has everything, and checks every promise.
func (r *Scene) Settle(expect Expect) {
	r.t.Helper()
	r.heal()
	r.hush()
	r.waitForSenders()
	r.remember()
	order := r.past.order()
	lines := newTimelines(order)
	for _, c := range r.clients {
		r.awaitEnd(c, lines.newest())
	}

	faults := slices.Concat(r.settleRooms(expect), checkLinks(order), checkAuthors(order))
	for _, s := range r.senders {
		faults = append(faults, checkSender(order, s)...)
	}
	faults = append(faults, r.checkClients(lines, expect)...)
	for _, f := range faults[:min(len(faults), maxFaults)] {
		r.t.Errorf("seed %d: %s", r.opts.Seed, f)
	}
	if more := len(faults) - maxFaults; more > 0 {
		r.t.Errorf("seed %d: and %d faults more", r.opts.Seed, more)
	}
}

// unrecovered counts the connects that should have recovered and did not. A client that was cut off between the answer to its
// CONNECT and its joining offset has no place to continue from: it begins anew and misses nothing.
func unrecovered(report siotest.Report) (n int) {
	for _, before := range report.Segments[:max(len(report.Segments)-1, 0)] {
		if before.Joined != "" {
			n++
		}
	}
	return n
}

// checkClients compares what every client saw with the record, looks for stored sessions, and prints a summary.
func (r *Scene) checkClients(lines timelines, expect Expect) (faults []string) {
	var ids []string
	resets, reconnects := 0, 0
	for i, c := range r.clients {
		report := c.Report()
		for _, f := range lines.checkClient(report, true) {
			faults = append(faults, fmt.Sprintf("client %d (%s): %s", i, c.Transport(), f))
		}
		if n := unrecovered(report); n > 0 && !expect.Resets {
			faults = append(faults, fmt.Sprintf("P3: client %d (%s) was not recovered %d times", i, c.Transport(), n))
		}
		if unbroken := len(report.Segments) == 1; unbroken && len(report.Segments[0].Messages) != len(lines.messages) {
			faults = append(faults, fmt.Sprintf("P1: client %d (%s) has %d of %d messages", i, c.Transport(),
				len(report.Segments[0].Messages), len(lines.messages)))
		}
		resets += len(report.Segments) - 1
		reconnects += c.State().Connects - 1
		ids = append(ids, report.Pids...)
	}
	for _, v := range r.visits() {
		ids = append(ids, v.client.Report().Pids...)
	}
	faults = append(faults, r.checkKeys(ids)...)
	r.summarize(len(lines.messages), reconnects, resets)
	return faults
}

func (r *Scene) summarize(messages, reconnects, resets int) {
	repeated, unavailable := 0, 0
	for _, s := range r.senders {
		s.mu.Lock()
		for _, u := range s.said {
			if u.repeated {
				repeated++
			}
			unavailable += u.unavailable
		}
		s.mu.Unlock()
	}
	r.t.Logf("%d messages, %d sent again, %d answers \"unavailable\", %d reconnects, %d of them not recovered",
		messages, repeated, unavailable, reconnects, resets)
}

// singleKeys are the names of the server's keys of which there is one each, besides the stream.
var singleKeys = []string{"nodes", "token", "guests", "settings", "rooms:news"}

// checkKeys finds keys that are not the server's own, and ids of sessions in its keys: nothing of a session is stored.
func (r *Scene) checkKeys(ids []string) (faults []string) {
	if r.opts.Alone {
		return r.checkFiles(ids)
	}
	tag := "{" + StreamKey + "}:"
	for _, key := range r.keys() {
		name, tagged := strings.CutPrefix(key, tag)
		own := tagged && (slices.Contains(singleKeys, name) || strings.HasPrefix(name, "writer:") || strings.HasPrefix(name, "keys:"))
		if !own && key != StreamKey && !r.isOfARoom(key) {
			faults = append(faults, "unexpected key in Redis: "+key)
		}
		content := r.content(key)
		for _, id := range ids {
			if id != "" && strings.Contains(content, id) {
				faults = append(faults, "Redis knows the session "+id+" in "+key)
			}
		}
	}
	return faults
}

// content is what a key holds, as text.
func (r *Scene) content(key string) string {
	redis := r.redisOf(key)
	switch redis.CLI("TYPE", key) {
	case "stream":
		return redis.CLI("XRANGE", key, "-", "+")
	case "hash":
		return redis.CLI("HGETALL", key)
	default:
		return redis.CLI("GET", key)
	}
}
