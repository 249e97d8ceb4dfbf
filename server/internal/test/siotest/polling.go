package siotest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"

	"scalable-chat/server/internal/wire"
)

// maxAnswer bounds one answer of the server.
const maxAnswer = 16 << 20

// errPaused ends the polling of a session that continues as a WebSocket.
var errPaused = errors.New("polling has paused")

func (s *session) liveByPolling() error {
	if err := s.poll(); err != nil {
		return err
	}
	if s.sid == "" {
		return errors.New("handshake without an open packet")
	}
	if s.transport == Polling {
		return s.pollUntilPaused()
	}
	probed := make(chan *webSocket, 1)
	go func() {
		defer close(probed)
		if ws, err := s.probe(); err == nil {
			close(s.upgrading)
			probed <- ws
		}
	}()
	err := s.pollUntilPaused()
	if !errors.Is(err, errPaused) {
		s.end(err) // this ends the probe, too
	}
	ws := <-probed
	if ws == nil {
		return err
	}
	defer ws.close()
	if !errors.Is(err, errPaused) {
		return err
	}
	return s.moveTo(ws)
}

// pollUntilPaused polls until the server has answered the probe of a WebSocket and no poll is open.
func (s *session) pollUntilPaused() error {
	for {
		select {
		case <-s.upgrading:
			return errPaused
		default:
		}
		if err := s.poll(); err != nil {
			return err
		}
	}
}

// poll is one GET; without a session it is the handshake.
func (s *session) poll() error {
	body, err := s.request(http.MethodGet, nil)
	if err != nil {
		return err
	}
	return wire.DecodePayload(body, s.packet)
}

func (s *session) post(packets []string) error {
	answer, err := s.request(http.MethodPost, strings.NewReader(strings.Join(packets, "\x1e")))
	if err == nil && !bytes.Equal(answer, []byte("ok")) {
		err = fmt.Errorf("POST was answered %.80q", answer)
	}
	return err
}

func (s *session) request(method string, body io.Reader) ([]byte, error) {
	mark := rand.Text()[:8]
	tries := 0
	ctx := httptrace.WithClientTrace(s.ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			tries++
			s.note(fmt.Sprintf("%s %s sent, time %d, %v", method, mark, tries, info.Err))
		},
	})
	r, err := http.NewRequestWithContext(ctx, method, s.url+"/socket.io/?EIO=4&transport=polling&t="+mark+s.query(), body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	answer, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	s.note(fmt.Sprintf("%s %s answered %d, %d bytes, %v", method, mark, answer.StatusCode, len(b), err))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s was answered %d %.120q", method, answer.StatusCode, b)
	}
	return b, err
}

func (s *session) query() string {
	if s.sid == "" {
		return ""
	}
	return "&sid=" + s.sid
}

// probe opens a WebSocket beside the polling and tries it.
func (s *session) probe() (*webSocket, error) {
	ws, err := s.dial(s.sid)
	if err != nil {
		return nil, err
	}
	err = ws.write("2probe")
	if err == nil {
		var answer []byte
		if answer, err = ws.read(); err == nil && string(answer) != "3probe" {
			err = fmt.Errorf("probe was answered %.80q", answer)
		}
	}
	if err != nil {
		ws.close()
		return nil, err
	}
	return ws, nil
}

// moveTo finishes the upgrade: from now on everything is sent over the WebSocket.
func (s *session) moveTo(ws *webSocket) error {
	s.sending.Lock() // a POST in flight comes first
	err := ws.write("5")
	s.ws = ws
	s.sending.Unlock()
	if err != nil {
		return err
	}
	return s.readWebSocket(ws)
}
