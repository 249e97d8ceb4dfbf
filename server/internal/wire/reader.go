package wire

import "unicode/utf8"

// Message is one complete text or binary message, or one control frame.
type Message struct {
	// Op is never [OpContinuation]; the zero Message is no message.
	Op Op
	// Payload is unmasked. It may be a part of the chunk that was given to [Reader.Next] and then lives as long as that.
	Payload []byte
}

// Reader parses the frames of one client from chunks that may end anywhere. Between messages it holds three words.
// It keeps incomplete frames and messages only. Their buffers grow as bytes arrive, never beyond the declared size or the limit,
// and are freed with the message. It is not safe for concurrent use.
type Reader struct {
	limit   int
	message *fragments // the fragmented message under way
	frame   *partial   // the frame whose bytes have not all arrived
}

// MaxFragments is how many frames one message may have. Empty and tiny ones cost work that no bound on bytes counts.
const MaxFragments = 1024

// fragments is a message of which at least one frame is complete and the last one is not.
type fragments struct {
	data   []byte
	op     Op
	frames int // complete ones
}

// partial is a frame under way: first its header, then its payload, still masked.
type partial struct {
	payload []byte
	head    header
	raw     [maxHeader]byte
	have    uint8 // bytes of raw that have arrived
	headed  bool  // head is set
}

// NewReader returns a Reader that refuses messages of more than limit bytes, summed over fragments, or of more than [MaxFragments]
// fragments, with 1009 as soon as the header says so.
func NewReader(limit int) Reader { return Reader{limit: limit} }

// Held is how many bytes the Reader keeps of a message that is not complete.
func (r *Reader) Held() (bytes int) {
	if r.message != nil {
		bytes = cap(r.message.data)
	}
	if r.frame != nil {
		bytes += cap(r.frame.payload)
	}
	return bytes
}

// Next consumes p up to the end of the next message or control frame, and returns it and the number of bytes consumed.
// The rest, p[n:], is untouched and stays with the caller, which calls Next again when it is ready for the next message: this
// allows back-pressure. Without a complete message, Next consumes all of p and returns the zero Message.
//
// Whole frames are unmasked in place and handed out as a part of p: nothing is copied or allocated.
//
// The error is a [*CloseError]; the Reader is of no use after one, nor after a close frame.
func (r *Reader) Next(p []byte) (m Message, n int, err error) {
	for n < len(p) && m.Op == OpContinuation && err == nil {
		var k int
		m, k, err = r.step(p[n:])
		n += k
	}
	return m, n, err
}

// step consumes at most one frame.
func (r *Reader) step(p []byte) (Message, int, error) {
	if r.frame == nil {
		head, size := parseHeader(p)
		if size > 0 && head.length <= uint64(len(p)-size) {
			if err := r.check(head); err != nil {
				return Message{}, size, err
			}
			end := size + int(head.length)
			m, err := r.complete(head, p[size:end:end])
			return m, end, err
		}
		r.frame = new(partial)
	}
	return r.gather(p)
}

// gather consumes a part of a frame, or its end.
func (r *Reader) gather(p []byte) (Message, int, error) {
	f, n := r.frame, 0
	if !f.headed {
		got := copy(f.raw[f.have:], p)
		head, size := parseHeader(f.raw[:int(f.have)+got])
		if size == 0 {
			f.have += uint8(got)
			return Message{}, got, nil
		}
		n = size - int(f.have)
		if err := r.check(head); err != nil {
			return Message{}, n, err
		}
		f.head, f.headed = head, true
	}
	k := min(len(p)-n, int(f.head.length)-len(f.payload))
	f.payload = extend(f.payload, p[n:n+k], int(f.head.length))
	n += k
	if len(f.payload) < int(f.head.length) {
		return Message{}, n, nil
	}
	r.frame = nil
	m, err := r.complete(f.head, f.payload)
	return m, n, err
}

// check checks a header before any byte of its payload is read.
func (r *Reader) check(h header) error {
	switch {
	case h.rsv:
		return errReserved
	case !h.op.known():
		return errOpcode
	case !h.masked:
		return errUnmasked
	case h.length>>63 != 0:
		return errLength
	case h.op.Control():
		if !h.fin || h.length > MaxControl {
			return errControl
		}
		return nil
	case h.op == OpContinuation && r.message == nil:
		return errOrphan
	case h.op != OpContinuation && r.message != nil:
		return errInterrupted
	case r.message != nil && r.message.frames == MaxFragments:
		return errTooBig
	}
	room := r.limit
	if r.message != nil {
		room -= len(r.message.data)
	}
	if h.length > uint64(room) {
		return errTooBig
	}
	return nil
}

// complete takes the whole payload of a frame that passed check.
func (r *Reader) complete(h header, payload []byte) (Message, error) {
	unmask(payload, h.mask)
	if h.op.Control() {
		if h.op == OpClose {
			if _, _, err := ParseClose(payload); err != nil {
				return Message{}, err
			}
		}
		return Message{h.op, payload}, nil
	}
	m := Message{h.op, payload}
	if r.message != nil || !h.fin {
		if r.message == nil {
			r.message = &fragments{op: h.op}
		}
		r.message.data = extend(r.message.data, payload, r.limit)
		r.message.frames++
		if !h.fin {
			return Message{}, nil
		}
		m = Message{r.message.op, r.message.data}
		r.message = nil
	}
	if m.Op == OpText && !utf8.Valid(m.Payload) {
		return Message{}, errText
	}
	return m, nil
}

// extend appends p to b. It doubles the capacity, but never beyond most: a client costs what it has sent, not what it has
// announced.
func extend(b, p []byte, most int) []byte {
	if need := len(b) + len(p); need > cap(b) {
		grown := make([]byte, len(b), max(need, min(most, 2*cap(b))))
		copy(grown, b)
		b = grown
	}
	return append(b, p...)
}
