package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"scalable-chat/server/internal/auth"
	"scalable-chat/server/internal/chat"
)

// read reads the body, which must be there within [bodyTimeout].
func (h *Handler) read(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := cmp.Or(params["charset"], "utf-8")
	if err != nil || kind != "application/json" || !strings.EqualFold(charset, "utf-8") || len(r.Header["Content-Encoding"]) > 0 {
		return nil, errType
	}
	if r.ContentLength > int64(h.opts.MaxBody) {
		return nil, h.over()
	}
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(bodyTimeout)) // what cannot set one has no connection
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(h.opts.MaxBody)))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, h.over()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errSlow
	case err != nil:
		return nil, badRequest("The body cannot be read.")
	}
	_ = conn.SetReadDeadline(time.Time{}) // it would end the context; net/http sets the next one
	return body, nil
}

func (h *Handler) over() *refusal {
	return &refusal{code: tooLarge, message: fmt.Sprintf("The body may have at most %d bytes.", h.opts.MaxBody)}
}

// post is what a body asks for.
type post struct {
	author  auth.Identity
	message chat.PublishedMessage
}

// systemName is the name of messages in nobody's name that give no other one.
const systemName = "system"

// readPost reads { message, id?, username?, user?: { id, name? } }. The id may come as the header Idempotency-Key instead.
func readPost(body []byte, idempotency []string) (p post, refused *refusal) {
	var said, named, spoken bool
	var id, name string
	m := &p.message
	refused = readObject(body, fields{
		"message":  {text: &m.Text, given: &said},
		"id":       {text: &m.ID, given: &named},
		"username": {text: &m.Username},
		"user":     {given: &spoken, object: fields{"id": {text: &id}, "name": {text: &name}}},
	})
	switch {
	case refused != nil:
		return p, refused
	case !said:
		return p, badRequest("The field message is missing.")
	case named && m.ID == "":
		return p, badRequest("The field id is empty.")
	case len(idempotency) > 1, len(idempotency) == 1 && named && m.ID != idempotency[0]:
		return p, badRequest("Idempotency-Key and the field id name different messages.")
	case len(idempotency) == 1:
		m.ID = idempotency[0]
		if m.ID == "" {
			return p, badRequest("Idempotency-Key is empty.")
		}
	}
	if !spoken {
		p.author = chat.System(cmp.Or(m.Username, systemName))
		return p, nil
	}
	who, ok := auth.User(id, name)
	if !ok {
		return p, badRequest("The field user must hold the id of a user, at most 128 characters that do not begin with ~, and may hold a name, at most 64.")
	}
	p.author = who
	return p, nil
}

// fields are the fields that an object may have. All are optional. null is no value of any: a program that lost the user would
// speak as the system.
type fields map[string]field

// field is a text, or an object with fields of its own.
type field struct {
	text   *string
	object fields
	given  *bool // set if there is the field; may be nil
}

// readObject reads one JSON object, without unknown fields and without any field twice.
func readObject(body []byte, f fields) *refusal {
	if !utf8.Valid(body) || !json.Valid(body) {
		return badRequest("The body must be one JSON object in UTF-8.")
	}
	from := json.NewDecoder(bytes.NewReader(body))
	from.UseNumber()         // a number may be too large for a float64
	token, _ := from.Token() // the syntax is known to be valid
	if token != json.Delim('{') {
		return badRequest("The body must be a JSON object.")
	}
	return f.read(from, "")
}

// read reads the rest of an object whose path, if it is inside another, ends in a dot.
func (f fields) read(from *json.Decoder, path string) *refusal {
	var seen []string
	for from.More() {
		token, _ := from.Token()
		name, _ := token.(string)
		field, known := f[name]
		switch {
		case !known:
			return badRequest("The field %s%.64q is unknown.", path, name)
		case slices.Contains(seen, name):
			return badRequest("The field %s%s is there twice.", path, name)
		}
		seen = append(seen, name)
		if refused := field.read(from, path+name); refused != nil {
			return refused
		}
	}
	_, _ = from.Token() // the closing brace
	return nil
}

func (f field) read(from *json.Decoder, path string) *refusal {
	token, _ := from.Token()
	if f.given != nil {
		*f.given = true
	}
	if f.object != nil {
		if token != json.Delim('{') {
			return badRequest("The field %s must be an object.", path)
		}
		return f.object.read(from, path+".")
	}
	value, ok := token.(string)
	if !ok {
		return badRequest("The field %s must be text.", path)
	}
	*f.text = value
	return nil
}

// parameters reads the query: only these names, each at most once.
func parameters(r *http.Request, names ...string) (map[string]string, *refusal) {
	all, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("The parameters cannot be read.")
	}
	given := map[string]string{}
	for name, values := range all {
		switch {
		case !slices.Contains(names, name):
			return nil, badRequest("The parameter %.64q is unknown.", name)
		case len(values) > 1:
			return nil, badRequest("The parameter %s is there twice.", name)
		}
		given[name] = values[0]
	}
	return given, nil
}

// How many rooms are listed if nobody says how many, and the most of the busiest.
const (
	DefaultRooms = 100
	DefaultTop   = 20
	MaxTop       = 100
)

var digits = regexp.MustCompile(`^[0-9]+$`)

// readLimit reads the parameter limit. One above most counts as most.
func readLimit(given map[string]string, usual, most int) (int, *refusal) {
	value, ok := given["limit"]
	if !ok {
		return usual, nil
	}
	n, err := strconv.Atoi(value)
	if errors.Is(err, strconv.ErrRange) && digits.MatchString(value) {
		n, err = most, nil
	}
	if err != nil || n < 1 || !digits.MatchString(value) {
		return 0, badRequest("limit must be a whole number from 1 to %d.", most)
	}
	return min(n, most), nil
}
