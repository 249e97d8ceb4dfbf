package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"scalable-chat/server/internal/chat"
)

// action serves a request whose body, if its method has one, is there.
type action func(r *http.Request, body []byte) (any, *refusal)

// routes are all paths, in the form of [http.ServeMux], and their methods.
func routes(h *Handler) map[string]map[string]action {
	messages := map[string]action{http.MethodGet: h.history, http.MethodPost: h.publish}
	people := map[string]action{http.MethodGet: h.people}
	return map[string]map[string]action{
		"/api/v1/messages":              messages,
		"/api/v1/people":                people,
		"/api/v1/rooms":                 {http.MethodGet: h.rooms},
		"/api/v1/rooms/{room}/messages": messages,
		"/api/v1/rooms/{room}/people":   people,
		"/api/v1/top":                   {http.MethodGet: h.top},
		"/api/v1/nodes":                 {http.MethodGet: h.nodes},
	}
}

func (h *Handler) mux() http.Handler {
	mux := http.NewServeMux()
	for path, methods := range routes(h) {
		mux.Handle(path, h.endpoint(methods))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.refuse(w, r, errNotFound) })
	return mux
}

// endpoint serves one path.
func (h *Handler) endpoint(methods map[string]action) http.Handler {
	allowed := slices.Collect(maps.Keys(methods))
	if methods[http.MethodGet] != nil {
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		act := methods[method]
		if act == nil {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			h.refuse(w, r, &refusal{code: methodNotAllowed, message: "The methods of this address are " + strings.Join(allowed, ", ") + "."})
			return
		}
		value, refused := h.act(w, r, act)
		h.answer(w, r, value, refused)
	})
}

// act reads the body, takes a place among the requests at work, and serves.
func (h *Handler) act(w http.ResponseWriter, r *http.Request, act action) (any, *refusal) {
	var body []byte
	if r.Method == http.MethodPost {
		var refused *refusal
		if body, refused = h.read(w, r); refused != nil {
			return nil, refused
		}
		w.Header().Del("Connection")
	}
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		return nil, errBusy
	}
	ctx, cancel := context.WithTimeout(r.Context(), workTimeout)
	defer cancel()
	return act(r.WithContext(ctx), body)
}

// in serves a request about a room while that is open.
func (h *Handler) in(r *http.Request, do func(Room) (any, error)) (any, *refusal) {
	room, leave, err := h.opts.Backend.Room(r.Context(), r.PathValue("room"))
	if err != nil {
		return nil, refusalOf(err)
	}
	defer leave()
	answer, err := do(room)
	if err != nil {
		return nil, refusalOf(err)
	}
	return answer, nil
}

// publish answers with a [chat.Stored].
func (h *Handler) publish(r *http.Request, body []byte) (any, *refusal) {
	if _, refused := parameters(r); refused != nil {
		return nil, refused
	}
	post, refused := readPost(body, r.Header["Idempotency-Key"])
	if refused != nil {
		return nil, refused
	}
	return h.in(r, func(room Room) (any, error) { return room.Publish(r.Context(), post.author, post.message) })
}

// history answers with a [chat.Past].
func (h *Handler) history(r *http.Request, _ []byte) (any, *refusal) {
	given, refused := parameters(r, "before", "after", "around", "limit")
	if refused != nil {
		return nil, refused
	}
	limit, refused := readLimit(given, chat.HistoryMessages, chat.HistoryMessages)
	if refused != nil {
		return nil, refused
	}
	place := chat.Place{Before: given["before"], After: given["after"], Around: given["around"]}
	return h.in(r, func(room Room) (any, error) { return room.History(r.Context(), place, limit) })
}

// people answers with [chat.People].
func (h *Handler) people(r *http.Request, _ []byte) (any, *refusal) {
	if _, refused := parameters(r); refused != nil {
		return nil, refused
	}
	return h.in(r, func(room Room) (any, error) { return room.People(r.Context()) })
}

// rooms answers with [Rooms].
func (h *Handler) rooms(r *http.Request, _ []byte) (any, *refusal) {
	given, refused := parameters(r, "after", "limit")
	if refused != nil {
		return nil, refused
	}
	limit, refused := readLimit(given, DefaultRooms, maxRooms)
	if refused != nil {
		return nil, refused
	}
	rooms, more := h.opts.Backend.Rooms(given["after"], limit)
	return Rooms{append([]chat.Listed{}, rooms...), more}, nil
}

// top answers with [Top].
func (h *Handler) top(r *http.Request, _ []byte) (any, *refusal) {
	given, refused := parameters(r, "limit")
	if refused != nil {
		return nil, refused
	}
	limit, refused := readLimit(given, DefaultTop, MaxTop)
	if refused != nil {
		return nil, refused
	}
	return Top{append([]Busy{}, h.opts.Backend.Top(limit)...)}, nil
}

// nodes answers with [Nodes].
func (h *Handler) nodes(r *http.Request, _ []byte) (any, *refusal) {
	if _, refused := parameters(r); refused != nil {
		return nil, refused
	}
	return Nodes{append([]Node{}, h.opts.Backend.Nodes()...)}, nil
}
