package redistest

import (
	"bufio"
	"fmt"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ping(addr string) error {
	c, err := net.Dial("tcp4", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(200 * time.Millisecond))
	_, _ = fmt.Fprint(c, "PING\r\n")
	line, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && line != "+PONG\r\n" {
		err = fmt.Errorf("answer %q", line)
	}
	return err
}

func TestServerLife(t *testing.T) {
	s := Start(t, "--appendonly", "yes", "--appendfsync", "always")
	s.CLI("SET", "key", "value")
	s.Stop()
	if ping(s.Addr) == nil {
		t.Error("a frozen server answers")
	}
	s.Cont()
	if err := ping(s.Addr); err != nil {
		t.Error(err)
	}
	s.Kill()
	if ping(s.Addr) == nil {
		t.Error("a killed server answers")
	}
	s.Restart()
	if got := s.CLI("GET", "key"); got != "value" {
		t.Errorf("value %q after the restart", got)
	}
}

func TestProxyCuts(t *testing.T) {
	s := Start(t)
	p := StartProxy(t, s.Addr, 1)
	if err := ping(p.Addr); err != nil {
		t.Fatal(err)
	}
	p.SetDown(true)
	if ping(p.Addr) == nil {
		t.Error("a proxy that is down passes connections on")
	}
	p.SetDown(false)
	p.CutEvery(6)
	failed := 0
	for range 50 {
		if ping(p.Addr) != nil {
			failed++
		}
	}
	if failed < 10 || p.Cuts() < 10 {
		t.Errorf("%d of 50 connections failed, %d cuts", failed, p.Cuts())
	}
	p.CutEvery(0)
	if err := ping(p.Addr); err != nil {
		t.Error(err)
	}
}

func TestProxyHolds(t *testing.T) {
	s := Start(t)
	p := StartProxy(t, s.Addr, 1)
	p.Hold(true)
	if ping(p.Addr) == nil {
		t.Error("a proxy that holds everything was passed")
	}
	p.Hold(false)
	if err := ping(p.Addr); err != nil {
		t.Error(err)
	}
}
