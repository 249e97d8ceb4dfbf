package engineio

// phase is how far a session has come.
type phase uint8

const (
	phaseOpening phase = iota // the library has not attached its listeners yet
	phaseOpen                 // the library has attached its listeners
	phaseAborted              // ended while opening: whoever opens the session also finishes it
	phaseEnding               // ended; a client that is not at fault may still fetch what came before
	phaseParted               // ended; the client gets nothing more by polling and can no longer upgrade
)

// lifecycle takes a session from opening to parted. Phases never go back. It has no lock of its own: in a session,
// Session.mu guards it.
type lifecycle struct {
	phase phase
	why   *cause // nil until the end; then it stays
}

// begin notes that the library has attached its listeners. If finish is true, the session has ended before, and the
// caller must finish it.
func (l *lifecycle) begin() (finish bool) {
	if l.phase == phaseOpening {
		l.phase = phaseOpen
		return false
	}
	l.phase = phaseEnding
	return true
}

// end notes the end. Only the first call has an effect. If finish is true, the caller must finish the session.
func (l *lifecycle) end(c cause) (first, finish bool) {
	switch l.phase {
	case phaseOpening:
		l.phase = phaseAborted
	case phaseOpen:
		l.phase = phaseEnding
	default:
		return false, false
	}
	l.why = &c
	return true, l.phase == phaseEnding
}

// part notes that an ending session gives its client nothing more. It has no effect in other phases.
func (l *lifecycle) part() {
	if l.phase == phaseEnding {
		l.phase = phaseParted
	}
}

// cause is why the session ended; zero until then.
func (l *lifecycle) cause() cause {
	if l.why == nil {
		return cause{}
	}
	return *l.why
}

func (l *lifecycle) ended() bool { return l.phase >= phaseAborted }

func (l *lifecycle) parted() bool { return l.phase == phaseParted }

// fetching reports whether the session has ended, but its client may still fetch what came before.
func (l *lifecycle) fetching() bool { return l.ended() && !l.parted() && l.why.parting() }
