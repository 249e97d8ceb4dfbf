package replica

import (
	"slices"

	"scalable-chat/server/internal/fanout"
	"scalable-chat/server/internal/stream"
)

// maxScratch bounds the buffer that an encoder keeps from one batch to the next, in bytes.
const maxScratch = 1 << 20

// encoder is the memory that encoding a batch takes. All replicas share a few.
type encoder struct {
	buf    []byte
	frames []fanout.Frame
}

// encoders are those that nobody uses.
var encoders = make(chan *encoder, 8)

func newEncoder() *encoder {
	select {
	case e := <-encoders:
		return e
	default:
		return new(encoder)
	}
}

// encode makes the frames of a batch, each entry once for all clients. The encoder owns them. A genesis entry has none.
func (r *Replica) encode(in *encoder, entries []stream.Entry) []fanout.Frame {
	size := 0
	for _, e := range entries {
		size += len(e.Event) + FrameOverhead
	}
	buf := slices.Grow(in.buf[:0], size) // does not move below: the frames point into it
	frames := in.frames[:0]
	for _, e := range entries {
		start := len(buf)
		var ok bool
		if buf, ok = r.opts.Encode(buf, e); ok {
			frames = append(frames, fanout.Frame{Offset: e.Offset, Bytes: buf[start:]})
		} else if len(e.Event) > 0 {
			r.malformed.Add(1)
			r.logger.Error("stream holds an entry that is no event", "room", r.opts.Name, "offset", e.Offset.String())
		}
	}
	in.buf, in.frames = buf, frames
	return frames
}

// free hands the encoder on.
func (e *encoder) free() {
	clear(e.frames)
	if cap(e.buf) > maxScratch {
		return
	}
	select {
	case encoders <- e:
	default:
	}
}
