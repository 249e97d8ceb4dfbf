package ops

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"unicode"
)

// leveled is a handler whose level can change, and that of its descendants with it.
type leveled struct {
	slog.Handler
	level *slog.LevelVar
}

// WithAttrs implements [slog.Handler].
func (h leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return leveled{h.Handler.WithAttrs(attrs), h.level}
}

// WithGroup implements [slog.Handler].
func (h leveled) WithGroup(name string) slog.Handler {
	return leveled{h.Handler.WithGroup(name), h.level}
}

// NewLogger makes the logger of the process: one line per record to w, format "json" or else text, nothing below level, which
// the private port can change (see [Private]). Whatever texts a record has, they make no second line, have no character that a
// terminal obeys, and are cut at [MaxLogged] bytes each.
func NewLogger(level slog.Level, format string, w io.Writer) *slog.Logger {
	v := &slog.LevelVar{}
	v.Set(level)
	options := &slog.HandlerOptions{Level: v, ReplaceAttr: harmless}
	if format == "json" {
		return slog.New(leveled{slog.NewJSONHandler(w, options), v})
	}
	return slog.New(leveled{slog.NewTextHandler(w, options), v})
}

// Bounds of one text in the log, in bytes. Escapes make it longer, up to six times.
const (
	MaxLogged = 1 << 10
	maxStack  = 16 << 10
)

// harmless makes the texts of a record such that whoever chose them can neither fill the log nor forge lines nor control the
// terminal on which it is read. The handlers of slog escape most of that, but in JSON not all.
func harmless(_ []string, a slog.Attr) slog.Attr {
	most := MaxLogged
	if a.Key == "stack" {
		most = maxStack
	}
	switch v := a.Value.Any().(type) {
	case string:
		a.Value = slog.StringValue(visible(v, most))
	case error:
		a.Value = slog.StringValue(visible(v.Error(), most))
	default:
		if a.Key == "panic" {
			a.Value = slog.StringValue(visible(fmt.Sprint(v), most))
		}
	}
	return a
}

// visible cuts a text, and writes out the characters that JSON need not escape although they are no print: DEL, other controls,
// and those that change the direction of writing.
func visible(text string, most int) string {
	if over := len(text) - most; over > 0 {
		text = strings.ToValidUTF8(text[:most], "") + fmt.Sprintf("… and %d more bytes", over)
	}
	hidden := func(r rune) bool { return r >= 0x7f && !unicode.IsPrint(r) }
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var shown strings.Builder
	for _, r := range text {
		if hidden(r) {
			fmt.Fprintf(&shown, "<%U>", r)
		} else {
			shown.WriteRune(r)
		}
	}
	return shown.String()
}

// maxLevel bounds the body that names a level, in bytes.
const maxLevel = 16

// serveLevel answers with the level of a logger that [NewLogger] made, after it has set the one in the body of a PUT. Pages cannot
// send a PUT to another site unless that allows it, and this one allows nothing.
func serveLevel(mux *http.ServeMux, log *slog.Logger) {
	h, ok := log.Handler().(leveled)
	if !ok {
		return
	}
	show := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, h.level.Level().String()+"\n") }
	mux.HandleFunc("GET /log-level", show)
	mux.HandleFunc("PUT /log-level", func(w http.ResponseWriter, r *http.Request) {
		var level slog.Level
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLevel))
		if err != nil || level.UnmarshalText(text) != nil {
			http.Error(w, "the body is debug, info, warn or error", http.StatusBadRequest)
			return
		}
		h.level.Set(level)
		log.Warn("the level of the log has changed", "level", level)
		show(w, r)
	})
}
