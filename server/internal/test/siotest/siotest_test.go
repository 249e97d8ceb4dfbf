package siotest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scalable-chat/server/internal/app"
	"scalable-chat/server/internal/config"
	. "scalable-chat/server/internal/test/siotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startServer runs a node in this process and returns its URL.
func startServer(t *testing.T) string {
	t.Helper()
	cfg, err := config.Load([]string{"--config=/dev/null", "--host=127.0.0.1", "--port=0", "--drain-delay=0s", "--drain-timeout=10s", "--data-dir=off"})
	if err != nil {
		t.Fatal(err)
	}
	node, err := app.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return "http://" + node.Addr()
}

func TestClientsOfEveryTransportTalkAreCutAndRecover(t *testing.T) {
	url := startServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var clients []*Client
	for _, transport := range []Transport{Polling, WebSocket, Upgrade} {
		c := Open(Options{URL: url, Transport: transport})
		defer c.Close()
		clients = append(clients, c)
	}
	wait := func(what string, cond func(State) bool) {
		t.Helper()
		for _, c := range clients {
			if err := c.Wait(ctx, cond); err != nil {
				t.Fatalf("%s: %v; %+v %+v", what, err, c.State(), c.Report())
			}
		}
	}
	wait("joined", func(s State) bool { return s.Joined })
	var texts []string
	for round := range 5 {
		for i, c := range clients {
			text := fmt.Sprintf("round %d of %d", round, i)
			texts = append(texts, text)
			ack, err := c.Call(ctx, "event:message", map[string]string{"message": text, "username": "u"})
			var answer struct{ Status string }
			if err != nil || json.Unmarshal(ack, &answer) != nil || answer.Status != "ok" {
				t.Fatalf("%s: %s, %v", text, ack, err)
			}
		}
		for _, c := range clients {
			c.Cut()
		}
		wait("recovered", func(s State) bool { return s.Joined && s.Recovered > round && s.Messages == len(texts) })
	}
	for i, c := range clients {
		checkUnbroken(t, i, c.Report(), texts)
	}
}

// checkUnbroken checks that a client has one segment with exactly these texts.
func checkUnbroken(t *testing.T, client int, report Report, texts []string) {
	t.Helper()
	if len(report.Segments) != 1 || len(report.Breaches) > 0 {
		t.Fatalf("client %d: %+v", client, report)
	}
	var got []string
	for _, m := range report.Segments[0].Messages {
		got = append(got, m.Message)
	}
	if !slices.Equal(got, texts) {
		t.Errorf("client %d saw %q", client, got)
	}
}
