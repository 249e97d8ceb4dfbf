package engineio

import (
	"sync"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"

	"scalable-chat/server/internal/wire"
)

// Parser is the parser with which the library has to be bound to a [Server]. Its decoders take packets of several namespaces at
// a time, which the library's own cannot do: one of them is in the middle of a packet until all attachments have come, and it
// takes a CONNECT to the end before the next packet.
type Parser struct {
	parser.Parser
	// Decoded sees every packet before the library does, and may change it; nil: nobody does. pass is what Options.Identify
	// said of a CONNECT.
	Decoded func(p *parser.Packet, pass any)
}

// NewParser makes a parser. Decoded may be nil.
func NewParser(decoded func(p *parser.Packet, pass any)) Parser {
	return Parser{parser.NewParser(), decoded}
}

// NewDecoder makes the decoder of one connection. It is small: the library's own take half a kilobyte each, so they are
// borrowed for a packet.
func (p Parser) NewDecoder() parser.Decoder { return &decoder{decoded: p.Decoded} }

// decoder borrows a decoder of the library's for each packet. Several goroutines may add texts at a time; a packet with
// attachments is added by one goroutine, and no other such packet meanwhile.
type decoder struct {
	events.EventEmitter // nil: what the library does not call

	decoded func(*parser.Packet, any)

	mu       sync.Mutex
	listener events.Listener // the library's only one
	partial  *loan           // has a packet whose attachments have not all come
}

// loan is a decoder of the library's.
type loan struct {
	parser.Decoder
	to   *decoder // nil: nobody
	pass any      // of the packet
}

var loans = sync.Pool{New: func() any {
	l := &loan{Decoder: parser.NewDecoder()}
	_ = l.On("decoded", func(args ...any) { l.to.decode(l, args) })
	return l
}}

// On implements events.EventEmitter for the one listener that the library adds.
func (d *decoder) On(_ events.EventName, fns ...events.Listener) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listener = fns[0]
	return nil
}

// RemoveListener implements events.EventEmitter for that listener.
func (d *decoder) RemoveListener(events.EventName, events.Listener) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listener = nil
	return true
}

// Add implements parser.Decoder: data is a text or an attachment.
func (d *decoder) Add(data any) error {
	switch packet := data.(type) {
	case *admission:
		return d.addWhole(packet.BufferInterface, packet.pass)
	case *types.StringBuffer:
		if b := packet.Bytes(); len(b) > 0 && (b[0] == byte(wire.BinaryEvent) || b[0] == byte(wire.BinaryAck)) {
			l := loans.Get().(*loan)
			l.to = d
			d.keep(l)
			return l.Add(data)
		}
		return d.addWhole(data, nil)
	default:
		return d.addAttachment(data)
	}
}

// addWhole adds a packet without attachments.
func (d *decoder) addWhole(text, pass any) error {
	l := loans.Get().(*loan)
	l.to, l.pass = d, pass
	err := l.Add(text)
	l.to, l.pass = nil, nil
	loans.Put(l)
	return err
}

func (d *decoder) addAttachment(data any) error {
	d.mu.Lock()
	l := d.partial
	d.mu.Unlock()
	if l == nil {
		l = loans.Get().(*loan) // it says what is wrong
		defer loans.Put(l)
	}
	return l.Add(data)
}

// keep keeps a decoder that has begun a packet, or none.
func (d *decoder) keep(l *loan) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.partial = l
}

// decode hands a whole packet to the library.
func (d *decoder) decode(by *loan, args []any) {
	if p, ok := args[0].(*parser.Packet); ok && d.decoded != nil {
		d.decoded(p, by.pass)
	}
	d.mu.Lock()
	if d.partial == by {
		d.partial = nil
	}
	tell := d.listener
	d.mu.Unlock()
	if tell != nil {
		tell(args...)
	}
}

// Destroy implements parser.Decoder.
func (d *decoder) Destroy() { d.keep(nil) }
